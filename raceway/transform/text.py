"""Renders a plan as source text with libcst, for people: what `raceway show` prints.

Statement taps have no text form (they stand in front of compound bodies), nor have those at the ends of loops; the site
table lists them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import libcst as cst

from raceway.model.sites import Role
from raceway.transform.plan import Plan, Tap
from raceway.transform.source import foldable

_PARENTHESES: dict[str, Any] = {"lpar": [cst.LeftParen()], "rpar": [cst.RightParen()]}
_ONE_EXPRESSION = (cst.UnaryOperation, cst.FormattedStringExpression)
_KEEPS_PARENTHESES = (cst.GeneratorExp, cst.NamedExpr, cst.Tuple)


def tap_name(tap: Tap) -> str:
    """How a tap is spelled: the letter of its role and the index of its site."""
    letter = tap.role.value
    return f"{letter}{tap.draft.index}"


def _wrap(tap: Tap, operand: Any) -> cst.BaseExpression:
    """`S3[operand]`; parentheses around the operand go around the whole, as keywords may touch them."""
    site: cst.BaseExpression = cst.Name(tap_name(tap))
    if tap.cell:
        reveal = cst.Lambda(params=cst.Parameters(), body=cst.Name(tap.cell), **_PARENTHESES)
        site = cst.BinaryOperation(site, cst.MatrixMultiply(), reveal, **_PARENTHESES)
    lpar, rpar = operand.lpar, operand.rpar
    if not tap.cell and foldable(operand):
        return cst.BinaryOperation(site, cst.MatrixMultiply(), _grouped(operand), **_PARENTHESES)
    if isinstance(operand, cst.Yield):
        inner = _grouped(operand)
    else:
        inner = operand if isinstance(operand, _KEEPS_PARENTHESES) else operand.with_changes(lpar=[], rpar=[])
    return cst.Subscript(site, [cst.SubscriptElement(cst.Index(inner))], lpar=lpar, rpar=rpar)


def _grouped(operand: Any) -> Any:
    """An operand of `@`, in parentheses unless it is a simple literal."""
    simple = isinstance(operand, (cst.Integer, cst.Float, cst.SimpleString, cst.Name)) or operand.lpar
    return operand if simple else operand.with_changes(**_PARENTHESES)


class _Renderer(cst.CSTTransformer):
    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._taps: dict[cst.CSTNode, list[Tap]] = defaultdict(list)
        for tap in plan.taps:
            if tap.role is not Role.STATEMENT and tap.field != "orelse":
                self._taps[tap.node].append(tap)

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        node = super().on_leave(original_node, updated_node)
        for tap in self._taps.get(original_node, ()):
            node = self._apply(tap, node)
        return node

    def _apply(self, tap: Tap, node: Any) -> Any:
        if not tap.field:
            return _wrap(tap, node)
        if tap.field == "args":
            arguments = list(node.args)
            arguments[tap.index] = arguments[tap.index].with_changes(value=_wrap(tap, arguments[tap.index].value))
            return node.with_changes(args=arguments)
        if tap.field == "comparators":
            target = node.comparisons[tap.index]
            changed = target.with_changes(comparator=_wrap(tap, target.comparator))
            return node.with_changes(comparisons=[changed])
        if tap.field == "slice":
            return node.with_changes(slice=self._key(tap, node.slice))
        if tap.field == "values":
            elements = list(node.elements)
            elements[tap.index] = elements[tap.index].with_changes(value=_wrap(tap, elements[tap.index].value))
            return node.with_changes(elements=elements)
        if isinstance(node, cst.Yield):
            source: Any = node.value
            return node.with_changes(value=source.with_changes(item=_wrap(tap, source.item)))
        field = "expression" if isinstance(node, _ONE_EXPRESSION) else tap.field
        return node.with_changes(**{field: _wrap(tap, getattr(node, field))})

    @staticmethod
    def _key(tap: Tap, elements: Any) -> list[cst.SubscriptElement]:
        if len(elements) == 1 and elements[0].comma.__class__ is not cst.Comma:
            return [cst.SubscriptElement(cst.Index(_wrap(tap, elements[0].slice.value)))]
        parts = [cst.Element(element.slice.value) for element in elements]
        return [cst.SubscriptElement(cst.Index(_wrap(tap, cst.Tuple(parts))))]


def render(root: cst.Module, plan: Plan) -> cst.Module:
    """The module with its expression taps written out."""
    return root.visit(_Renderer(plan))
