"""A run of the models for each test that asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sync.recording import FakeRecorder, watched


@pytest.fixture
def recorder() -> Iterator[FakeRecorder]:
    """The models are in, and tell this."""
    with watched() as fake:
        yield fake
