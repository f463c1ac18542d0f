"""Both cores find the same in random programs whose threads take turns: see schedules.py."""

from __future__ import annotations

import pytest

from tests.conftest import available_cores
from tests.runtime.schedules import found, program


@pytest.mark.skipif("native" not in available_cores(), reason="there is no native core to compare with")
def test_both_cores_find_the_same_in_programs_that_take_turns() -> None:
    source = program(0, 40)
    pure = found(source, "pure")
    assert len(pure) > 30
    assert found(source, "native") == pure
