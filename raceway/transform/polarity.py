"""What a test says about the reads in it: which of them it finds absent, and on which branch."""

from __future__ import annotations

import libcst as cst

from raceway.transform.flow import CLEAN, Taint
from raceway.transform.planner import Planner


def polarity(planner: Planner, test: cst.CSTNode) -> tuple[Taint, Taint]:
    """The reads that `test` finds absent (None, false, missing) when it is true, and when it is false."""
    found = _polarity(planner, test)
    planner.flow.asked.update(*found)
    return found


def _polarity(planner: Planner, test: cst.CSTNode) -> tuple[Taint, Taint]:
    taint = planner.taints.get(test, CLEAN)
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
            return left_true | right_true, CLEAN
        return CLEAN, left_false | right_false
    if isinstance(test, cst.Comparison):
        return CLEAN, CLEAN
    return CLEAN, taint


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
