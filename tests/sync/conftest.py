"""A run of the models for each test that asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sync.recording import FakeRecorder, models, watched

_native: Any
try:
    from raceway import _native
except ImportError:
    _native = None


@pytest.fixture(
    autouse=True,
    params=["python", pytest.param("native", marks=pytest.mark.skipif(_native is None, reason="no native core"))],
)
def core_of_models(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the models in Python and with those of the native core."""
    models.native = _native if request.param == "native" else None
    yield
    models.native = None


@pytest.fixture
def recorder() -> Iterator[FakeRecorder]:
    """The models are in, and tell this. What earlier tests left alive is not in its book."""
    with watched() as fake:
        fake.forget()
        yield fake
