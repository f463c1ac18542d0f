"""Instrumented programs do what they did: output, values, order of evaluation, names, line events."""

from __future__ import annotations

import pytest

from tests.transform.order import ORDER
from tests.transform.programs import PROGRAMS
from tests.transform.surroundings import SURROUNDINGS
from tests.transform.twins import both, line_events, nested, plain_code, run, tapped_code

PRINTING = {**PROGRAMS, **SURROUNDINGS}
ALL = {**PRINTING, **ORDER}
UNTRACED = frozenset({"inspect", "doctest", "recursion", "coroutines", "caller's frame"})
"""Programs whose events depend on more than themselves."""


@pytest.mark.parametrize("name", PRINTING)
def test_a_program_prints_what_it_did(name: str, taps: str) -> None:
    plain, tapped = both(PRINTING[name], taps)
    assert plain.traceback == ""
    assert plain.printed
    assert tapped == plain


@pytest.mark.parametrize("name", ORDER)
def test_the_order_of_evaluation_stays(name: str, taps: str) -> None:
    plain, tapped = both(ORDER[name], taps)
    assert plain.traceback == ""
    assert plain.printed.count("\n") > 1
    assert tapped == plain


@pytest.mark.parametrize("name", ALL)
def test_code_objects_keep_their_names_and_flags(name: str, taps: str) -> None:
    plain, tapped = list(nested(plain_code(ALL[name]))), list(nested(tapped_code(ALL[name], taps)))
    assert len(plain) == len(tapped)
    for before, after in zip(plain, tapped, strict=True):
        for field in ("qualname", "varnames", "cellvars", "freevars", "flags", "firstlineno", "argcount"):
            assert getattr(after, f"co_{field}") == getattr(before, f"co_{field}")
        assert sorted(after.co_names) == sorted(before.co_names)


@pytest.mark.parametrize("name", sorted(ALL.keys() - UNTRACED))
def test_a_tracer_sees_the_same_lines(name: str, taps: str) -> None:
    assert line_events(tapped_code(ALL[name], taps), ALL[name]) == line_events(plain_code(ALL[name]), ALL[name])


def test_a_run_can_differ() -> None:
    """The comparison itself sees differences."""
    source = "x = 1\nprint(x)\n"
    assert run(plain_code(source), source) != run(plain_code("x = 2\nprint(x)\n"), source)
