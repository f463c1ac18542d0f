"""What a test says about the reads in it: which of them it finds absent, and on which branch."""

from __future__ import annotations

import libcst as cst

from raceway.transform.flow import CLEAN, Taint
from raceway.transform.planner import Planner

_IDENTITY = (cst.Is, cst.IsNot, cst.In, cst.NotIn)


def polarity(planner: Planner, test: cst.CSTNode) -> tuple[Taint, Taint]:
    """The reads that `test` finds absent (None, false, missing) when it is true, and when it is false."""
    found = _polarity(planner, test)
    planner.flow.asked.update(*found)
    return found


def undecided(planner: Planner, test: cst.CSTNode, outcome: bool) -> Taint:
    """The reads that say nothing of their places when the whole test is `outcome`: both sides of `x and y` when that is
    false."""
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return undecided(planner, test.expression, not outcome)
    if not isinstance(test, cst.BooleanOperation):
        return CLEAN
    if isinstance(test.operator, cst.And) is not outcome:
        return planner.taints.get(test, CLEAN)
    return undecided(planner, test.left, outcome) | undecided(planner, test.right, outcome)


def keep_answer(planner: Planner, name: str, value: cst.CSTNode) -> None:
    """A local has just got `value`: if that is what a comparison says, a test of the local is that comparison."""
    negates = isinstance(value, cst.UnaryOperation) and isinstance(value.operator, cst.Not)
    if negates or isinstance(value, cst.Comparison):
        planner.flow.answers[name] = (planner.flow.versions[name], polarity(planner, value))


def _answer(planner: Planner, name: str) -> tuple[Taint, Taint] | None:
    """The reads that are absent if the local is true, and if it is false; None unless it is what a comparison said."""
    version, absent = planner.flow.answers.get(name, (-1, (CLEAN, CLEAN)))
    return absent if version == planner.flow.versions.get(name, 0) else None


def _polarity(planner: Planner, test: cst.CSTNode) -> tuple[Taint, Taint]:
    taint = planner.taints.get(test, CLEAN)
    answer = _answer(planner, test.value) if isinstance(test, cst.Name) else None
    if answer is not None:
        return answer
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        when_true, when_false = polarity(planner, test.expression)
        return when_false, when_true
    if isinstance(test, cst.Comparison) and len(test.comparisons) == 1:
        target = test.comparisons[0]
        none = isinstance(target.comparator, cst.Name) and target.comparator.value in {"None", "False"}
        operator = target.operator
        if isinstance(operator, cst.NotIn) or (none and isinstance(operator, (cst.Is, cst.Equal))):
            return taint, CLEAN
        if isinstance(operator, cst.In) or (none and isinstance(operator, (cst.IsNot, cst.NotEqual))):
            return CLEAN, taint
        return _against_sentinel(target, taint)
    if isinstance(test, cst.BooleanOperation):
        left_true, left_false = polarity(planner, test.left)
        right_true, right_false = polarity(planner, test.right)
        if isinstance(test.operator, cst.And):
            return left_true | right_true, _unusable(planner, test, left_false, right_false)
        return _unusable(planner, test, left_true, right_true), left_false | right_false
    if isinstance(test, cst.Comparison):
        return CLEAN, CLEAN
    return CLEAN, taint


def _unusable(planner: Planner, test: cst.BooleanOperation, left: Taint, right: Taint) -> Taint:
    """The reads absent on the branch where one side of `test` suffices: `if x is None or not x.open(): x = make()`, as
    there is none or it is no good. A place whose value the other side compares is not made anew but replaced, as a
    maximum is: `if x is None or new > x: x = new`.
    """
    either = planner.taints.get(test, CLEAN)
    paths = {path for read in left for path in read.paths} - _compared(planner, test.right)
    paths |= {path for read in right for path in read.paths} - _compared(planner, test.left)
    return frozenset(read for read in either | left | right if not paths.isdisjoint(read.paths))


def _compared(planner: Planner, test: cst.CSTNode) -> set[str]:
    """The paths whose values `test` compares with others."""
    if isinstance(test, cst.UnaryOperation):
        return _compared(planner, test.expression)
    if isinstance(test, cst.BooleanOperation):
        return _compared(planner, test.left) | _compared(planner, test.right)
    if not isinstance(test, cst.Comparison) or any(polarity(planner, test)):
        return set()
    if all(isinstance(target.operator, _IDENTITY) for target in test.comparisons):
        return set()
    return {path for read in planner.taints.get(test, CLEAN) for path in read.paths}


def _against_sentinel(target: cst.ComparisonTarget, taint: Taint) -> tuple[Taint, Taint]:
    """`x is _MISSING`: identity with a constant-like name is a test for absence too."""
    other = target.comparator
    if isinstance(other, cst.Name) and other.value.isupper():
        if isinstance(target.operator, cst.Is):
            return taint, CLEAN
        if isinstance(target.operator, cst.IsNot):
            return CLEAN, taint
    return CLEAN, CLEAN


def replaced(planner: Planner, value: cst.CSTNode) -> Taint:
    """The reads that are absent when a value is made anew: `x` in `x or make()`, `make() if x is None else x`."""
    if isinstance(value, cst.BooleanOperation) and isinstance(value.operator, cst.Or):
        return polarity(planner, value.left)[1]
    if isinstance(value, cst.IfExp):
        true_absent, false_absent = polarity(planner, value.test)
        return true_absent | false_absent
    return CLEAN
