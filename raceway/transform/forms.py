"""Which function plans which libcst node: the table that the one walk dispatches by."""

from __future__ import annotations

import libcst as cst

from raceway.transform import accesses, assignments, calls, expressions, statements
from raceway.transform.facts import Facts
from raceway.transform.plan import Plan
from raceway.transform.planner import Handler, Planner

FORMS: dict[type[cst.CSTNode], Handler] = {
    cst.Name: accesses.name,
    cst.Attribute: accesses.attribute,
    cst.Subscript: accesses.subscript,
    cst.Comparison: accesses.comparison,
    cst.Call: calls.call,
    cst.Arg: expressions.argument,
    cst.BinaryOperation: expressions.binary,
    cst.BooleanOperation: expressions.boolean,
    cst.UnaryOperation: expressions.unary,
    cst.IfExp: expressions.if_expression,
    cst.Await: expressions.awaiting,
    cst.Yield: expressions.yielding,
    cst.StarredElement: expressions.starred,
    cst.Set: expressions.set_display,
    cst.Dict: expressions.dictionary,
    cst.FormattedStringExpression: expressions.formatted,
    cst.Lambda: expressions.lambda_,
    cst.ListComp: expressions.comprehension,
    cst.SetComp: expressions.comprehension,
    cst.DictComp: expressions.comprehension,
    cst.GeneratorExp: expressions.comprehension,
    cst.Assign: assignments.assign,
    cst.AnnAssign: assignments.annotated,
    cst.AugAssign: assignments.augmented,
    cst.NamedExpr: assignments.walrus,
    cst.Del: assignments.delete,
    cst.Import: assignments.imported,
    cst.ImportFrom: assignments.imported,
    cst.If: statements.if_,
    cst.Assert: statements.assert_,
    cst.Break: statements.break_,
    cst.While: statements.while_,
    cst.For: statements.for_,
    cst.With: statements.with_,
    cst.Try: statements.try_,
    cst.TryStar: statements.try_,
    cst.Match: statements.match,
    cst.FunctionDef: statements.function,
    cst.ClassDef: statements.class_,
    cst.Return: statements.return_,
    cst.TypeAlias: statements.nothing,
}


def plan(root: cst.Module, facts: Facts) -> Plan:
    """The plan of taps of one module."""
    planner = Planner(root, FORMS, facts)
    planner.visit_block(root)
    planner.flow.finish()
    planner.helpers.link()
    planner.answers.link()
    statements.note_polled(planner)
    return planner.plan
