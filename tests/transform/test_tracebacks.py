"""Failures of instrumented programs: exception, traceback text and every position are those of the plain program."""

from __future__ import annotations

import dis
from pathlib import Path
from types import CodeType

import pytest

from tests.transform.failing import failing_programs
from tests.transform.test_cases import cases, program
from tests.transform.twins import both, line_events, nested, plain_code, tapped_code

FAILING = failing_programs()

QUIET = frozenset(
    "BUILD_TUPLE CACHE COPY COPY_FREE_VARS EXTENDED_ARG LOAD_CLOSURE LOAD_CONST LOAD_FAST LOAD_FAST_AND_CLEAR "
    "LOAD_FAST_LOAD_FAST MAKE_CELL MAKE_FUNCTION NOP POP_TOP PRECALL PUSH_NULL RESUME RETURN_CONST RETURN_VALUE "
    "SET_FUNCTION_ATTRIBUTE STORE_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST SWAP".split()
)
"""Opcodes that raise nothing; taps add some of them, and the compiler merges neighbours."""

CLEANING = frozenset(
    "DELETE_DEREF DELETE_FAST DELETE_GLOBAL DELETE_NAME POP_EXCEPT RERAISE STORE_DEREF STORE_GLOBAL STORE_NAME".split()
)
"""What also stands at the end of an except clause, where the compiler gives it the position of a neighbour."""

TAPPING = frozenset({"BINARY_SUBSCR", "BINARY_OP @"})
"""What taps are made of: there are more of these."""

Place = tuple[str, tuple[int | None, ...]]


def places(code: CodeType, tapping: bool = False) -> set[Place]:
    """The opcodes that can raise and their positions, in all functions, or those that taps are made of."""
    found: set[Place] = set()
    for inner in nested(code):
        for instruction in dis.get_instructions(inner):
            name = instruction.opname.replace("LOAD_METHOD", "LOAD_ATTR")
            name += f" {instruction.argrepr}" * (name == "BINARY_OP")
            assert instruction.positions is not None
            if instruction.positions.lineno is None:  # of the taps of functions
                continue
            if name not in QUIET | CLEANING and "JUMP" not in name and (name in TAPPING) is tapping:
                found.add((name, tuple(instruction.positions)))
    return found


def assert_same_places(source: str, taps: str) -> None:
    """Every instruction of the plain program is there, at its place."""
    plain, tapped = plain_code(source), tapped_code(source, taps)
    assert places(tapped) == places(plain)
    assert places(tapped, tapping=True) >= places(plain, tapping=True)


@pytest.mark.parametrize("name", FAILING)
def test_a_failure_looks_as_it_did(name: str, taps: str) -> None:
    plain, tapped = both(FAILING[name], taps)
    assert plain.raised
    assert tapped.raised == plain.raised
    assert tapped.traceback == plain.traceback
    assert tapped == plain


def test_there_are_many_failures() -> None:
    assert len(FAILING) >= 50


@pytest.mark.parametrize("name", FAILING)
def test_positions_of_raising_instructions_stay(name: str, taps: str) -> None:
    assert_same_places(FAILING[name], taps)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_positions_of_raising_instructions_stay_in_the_cases(case: Path, taps: str) -> None:
    assert_same_places(program(case), taps)


@pytest.mark.parametrize("name", FAILING)
def test_a_tracer_sees_the_same_lines(name: str, taps: str) -> None:
    source = FAILING[name]
    assert line_events(tapped_code(source, taps), source) == line_events(plain_code(source), source)
