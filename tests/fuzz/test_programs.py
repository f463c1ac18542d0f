"""Random programs run plain and watched: the same effects, values, deaths, exceptions and traceback text.

`make fuzz` runs more of them; a seed that differs there is tried here for good.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import available_cores
from tests.fuzz import stage
from tests.fuzz.__main__ import BATCH
from tests.fuzz.grammar import module
from tests.fuzz.running import differences, differing, plain_code, traces
from tests.fuzz.waiting import waiting_module

MODULES = 50
"""Of `BATCH` programs each."""


@pytest.mark.skipif("native" not in available_cores(), reason="the native core is not built")
@settings(max_examples=MODULES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**40))
def test_random_programs_run_as_they_did(first: int) -> None:
    assert differences(range(first * BATCH, (first + 1) * BATCH), "native") == []


@pytest.mark.skipif("native" not in available_cores(), reason="the native core is not built")
def test_with_taps_of_functions_they_do_too() -> None:
    assert differences(range(BATCH), "native", functions=True) == []


@pytest.mark.skipif("native" not in available_cores(), reason="the native core is not built")
def test_loops_that_wait_do_too() -> None:
    once = [3000000094, 3000000102, 3000000140, 3000000144, 3000000208, 3000000209]  # differed
    assert differences([*once, *range(3 * BATCH)], "native", make=waiting_module) == []


@pytest.mark.skipif("native" not in available_cores(), reason="the native core is not built")
def test_programs_that_differed_once() -> None:
    assert differences([7000074, 7000147, 7005232, 7008540, 7016520, 7002316, 506000003055], "native") == []


def test_programs_do_something_and_fail_everywhere() -> None:
    seeds = range(BATCH)
    source = module(list(seeds))
    runs = [run for runs in traces(plain_code(source), source, seeds) for run in runs]
    assert len(runs) > 2 * BATCH
    assert sum("Boom(" in run for run in runs) > BATCH // 4
    assert sum(run.count("\n") for run in runs) > 10 * len(runs)


def test_a_difference_is_seen() -> None:
    one = [("L1 get 'x'\ngave L1",), ("gave L2",)]
    assert differing(one, [one[0], ("gave L3",)]) == [1]
    source = "g = h = k = 0\ndef program_0(p, q): return p.x + q"
    other = source.replace("p.x + q", "q + p.x")
    plain, changed = (traces(plain_code(text), text, [1]) for text in (source, other))
    assert differing(plain, changed) == [0]


def test_values_are_written_down_without_asking_them() -> None:
    stage.begin(0)
    made = stage.Logged()
    assert stage.kind([made, {1: made}, (made,)]) == "list(L1, dict(1: L1), tuple(L1))"
    assert stage.log == []
