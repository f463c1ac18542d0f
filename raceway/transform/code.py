"""Renders a plan as a code object: wraps the `ast` nodes that libcst chose, with the positions they have.

`S[base]` gets the range of its base, so that tracebacks, carets and line events stay those of the plain program.
"""

from __future__ import annotations

import ast
from typing import Any

import libcst as cst

from raceway.model import placeholders
from raceway.model.sites import Role
from raceway.transform.peeking import HOLD, taps_of
from raceway.transform.plan import Plan, Tap
from raceway.transform.polling import deciding

_LOAD = ast.Load()
_NO_INDEX = (
    ast.Constant,
    ast.JoinedStr,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.Slice,
)
"""What the compiler knows to be constant, and folds, or of a type that cannot index bytes, and warns about."""


_USES_POSITION = frozenset({"", "test", "operand", "iter", "subject"})
"""Fields whose parent takes the position of what stands there for instructions of its own, which can raise."""


def _foldable(node: ast.expr) -> bool:
    """Whether the compiler may see through an operand; `source.foldable` says the same of libcst's tree."""
    while isinstance(node, (ast.UnaryOp, ast.BinOp, ast.NamedExpr)):
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.MatMult):
                return False
            node = node.left
        else:
            node = node.operand if isinstance(node, ast.UnaryOp) else node.value
    if isinstance(node, ast.Subscript):
        return _foldable(node.value) and _foldable(node.slice)
    if isinstance(node, ast.BoolOp):
        return any(_foldable(value) for value in node.values)
    if isinstance(node, ast.IfExp):
        return _foldable(node.body) or _foldable(node.orelse)
    return isinstance(node, _NO_INDEX) or (isinstance(node, ast.Name) and node.id == "__debug__")


class _Renderer:
    def __init__(self, tree: ast.Module, pairs: dict[cst.CSTNode, ast.AST], marker: bytes, form: str) -> None:
        self._tree = tree
        self._pairs = pairs
        self._marker = marker
        self._form = form
        self._blocks: dict[ast.AST, list[ast.stmt]] | None = None

    def apply(self, tap: Tap) -> None:
        node: Any = self._pairs.get(tap.node)
        if tap.role is Role.STATEMENT:
            self._statement(tap, node)
        elif tap.field == "orelse":
            self._at_end(tap, node)
        elif not tap.field:
            self._in_place(tap, node)
        elif tap.field == "args":
            self._argument(tap, node)
        elif tap.index >= 0:
            children = getattr(node, tap.field)
            children[tap.index] = self._wrap(tap, children[tap.index])
        else:
            setattr(node, tap.field, self._wrap(tap, getattr(node, tap.field)))

    def _constant(self, tap: Tap, like: ast.AST) -> ast.expr:
        return ast.copy_location(ast.Constant(placeholders.spell(self._marker, tap.draft.index, tap.role)), like)

    def _tap(self, tap: Tap, like: ast.expr | ast.stmt) -> ast.expr:
        """The tap itself; for a captured variable `(C @ (lambda: name))`, which tells the variable's cell."""
        constant = self._constant(tap, like)
        if not self._reveals(tap):
            return constant
        nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        name = ast.copy_location(ast.Name(tap.cell, _LOAD), like)
        reveal = ast.copy_location(ast.Lambda(nothing, name), like)
        return ast.copy_location(ast.BinOp(constant, ast.MatMult(), reveal), like)

    def _reveals(self, tap: Tap) -> bool:
        """Whether the tap must be told the cell of its captured variable."""
        return bool(tap.cell) and self._form == HOLD

    def _wrap(self, tap: Tap, operand: ast.expr) -> ast.expr:
        """`S[operand]`; `S @ operand` where the compiler would fold the subscript of a constant or warn about it."""
        tapped = self._tap(tap, _begin(operand))
        if self._reveals(tap) or not _foldable(operand):
            wrapped: ast.expr = ast.Subscript(tapped, operand, _LOAD)
        else:
            wrapped = ast.BinOp(tapped, ast.MatMult(), operand)
        return ast.copy_location(wrapped, operand if tap.field in _USES_POSITION else _end(operand))

    def _in_place(self, tap: Tap, node: Any) -> None:
        """Wrap a node whose parent is not known: it becomes the wrapper, a copy of it the operand."""
        fields = dict(ast.iter_fields(node))
        operand: Any = ast.copy_location(type(node)(**fields), node)
        wrapper: Any = self._wrap(tap, operand)
        for name in fields:
            delattr(node, name)
        node.__class__ = type(wrapper)
        for name, value in ast.iter_fields(wrapper):
            setattr(node, name, value)

    def _argument(self, tap: Tap, call: ast.Call) -> None:
        """The argument at a place counted as libcst does, keywords and positions together."""
        arguments = tap.node.args  # type: ignore[attr-defined]
        wanted = arguments[tap.index]
        named = wanted.keyword is not None or wanted.star == "**"
        place = sum(
            1 for argument in arguments[: tap.index] if (argument.keyword is not None or argument.star == "**") == named
        )
        if named:
            call.keywords[place].value = self._wrap(tap, call.keywords[place].value)
            return
        found = call.args[place]
        if isinstance(found, ast.Starred):
            found.value = self._wrap(tap, found.value)
        else:
            call.args[place] = self._wrap(tap, found)

    def _at_end(self, tap: Tap, loop: ast.While) -> None:
        """A tap on a name of the test, as a statement where the loop ends by the test."""
        operand = tap.draft.operand
        assert isinstance(operand, cst.Name)
        place = next(deciding(loop.test))
        again = self._wrap(tap, ast.copy_location(ast.Name(operand.value, _LOAD), place))
        loop.orelse.insert(0, ast.copy_location(ast.Expr(again), place))

    def _statement(self, tap: Tap, node: Any) -> None:
        target = _neighbour(node, tap.field)
        zero = ast.copy_location(ast.Constant(0), target)
        tapped = self._tap(tap, target)
        if self._reveals(tap):
            value: ast.expr = ast.Subscript(tapped, zero, _LOAD)
        else:
            value = ast.BinOp(tapped, ast.MatMult(), zero)
        statement = ast.copy_location(ast.Expr(ast.copy_location(value, target)), target)
        if tap.field == "body":
            node.body.insert(0, statement)
            return
        block = self._block_of(node)
        place = next(index for index, other in enumerate(block) if other is node)
        block.insert(place + (tap.field == "after"), statement)

    def _block_of(self, node: ast.AST) -> list[ast.stmt]:
        if self._blocks is None:
            self._blocks = {}
            for parent in ast.walk(self._tree):
                for field in ("body", "orelse", "finalbody"):
                    block = getattr(parent, field, None)
                    if isinstance(block, list):
                        self._blocks.update((statement, block) for statement in block)
        return self._blocks[node]


def _begin(operand: Any) -> Any:
    """What an operand evaluates first: a tap's constant, loaded before it, has its position."""
    while True:
        match operand:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
                operand = inner
            case ast.Call(func=inner) | ast.BinOp(left=inner) | ast.Compare(left=inner) | ast.IfExp(test=inner):
                operand = inner
            case ast.BoolOp(values=[inner, *_]) | ast.JoinedStr(values=[inner, *_]) | ast.UnaryOp(operand=inner):
                operand = inner
            case ast.Tuple(elts=[inner, *_]) | ast.List(elts=[inner, *_]) | ast.Set(elts=[inner, *_]):
                operand = inner
            case ast.Yield(value=ast.expr() as inner) | ast.YieldFrom(value=inner) | ast.NamedExpr(value=inner):
                operand = inner
            case ast.Starred(value=inner) | ast.FormattedValue(value=inner) | ast.Slice(lower=ast.expr() as inner):
                operand = inner
            case ast.Dict(keys=[ast.expr() as inner, *_]) | ast.Dict(keys=[None, *_], values=[inner, *_]):
                operand = inner
            case _:
                return operand


def _end(operand: ast.expr) -> ast.expr:
    """Where an operand's last instruction stands: the compiler puts an attribute on the line of its name."""
    named = operand.func if isinstance(operand, ast.Call) else operand
    if not isinstance(named, ast.Attribute) or operand.lineno == named.end_lineno:
        return operand
    if isinstance(operand, ast.Call) and (
        any(isinstance(argument, ast.Starred) for argument in operand.args)
        or any(keyword.arg is None for keyword in operand.keywords)
    ):
        return operand
    place = ast.copy_location(ast.Constant(0), operand)
    place.lineno = named.end_lineno or operand.lineno
    place.col_offset = max(0, (named.end_col_offset or 0) - len(named.attr))
    return place


def _neighbour(node: Any, where: str) -> Any:
    """What runs next to a statement tap: with its position, the tap makes no line event of its own."""
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return _last(node.items[-1].optional_vars or node.items[-1].context_expr)
    if isinstance(node, ast.Assign):
        return _last(node.targets[-1])
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return _last(node.target)
    if isinstance(node, ast.Delete) and where == "before":
        return _first(node.targets[0])
    return node


def _last(target: Any) -> Any:
    while isinstance(target, ast.Starred) or (isinstance(target, (ast.Tuple, ast.List)) and target.elts):
        target = target.value if isinstance(target, ast.Starred) else target.elts[-1]
    return target


def _first(target: Any) -> Any:
    place = (ast.Attribute, ast.Subscript)
    while isinstance(target, place) or (isinstance(target, (ast.Tuple, ast.List)) and target.elts):
        target = target.value if isinstance(target, place) else target.elts[0]
    return target


def render(
    tree: ast.Module, pairs: dict[cst.CSTNode, ast.AST], plan: Plan, marker: bytes, form: str = HOLD
) -> ast.Module:
    """The tree with the planned taps of that form in it; `tree` itself is changed."""
    renderer = _Renderer(tree, pairs, marker, form)
    for tap in taps_of(plan, form):
        renderer.apply(tap)
    return tree
