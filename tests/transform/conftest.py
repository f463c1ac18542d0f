"""The taps to try."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transform.twins import TAPS, recording


@pytest.fixture(params=TAPS)
def taps(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the taps: a test that takes this fixture runs once with each."""
    name = request.param
    assert isinstance(name, str)
    with recording(name):
        yield name
