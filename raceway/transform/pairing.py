"""Pairs the nodes of libcst's tree with those of `ast`, so that what libcst decides can be done to a code object.

Both trees are listed in source order, only the nodes that a tap can hang on. The two lists must agree in kind and
name, one by one; where they do not, the module is refused and runs as it is. Positions come from the `ast` side, which
spares libcst's position provider (it costs four times the parse).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

import libcst as cst

from raceway.errors import TransformError

# Fields that hold expressions or statements, in source order. Annotations, patterns and names that are not
# expressions (parameters, keywords, imported names) are left out on both sides.
_CST_FIELDS: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.Module: ("body",),
    cst.SimpleStatementLine: ("body",),
    cst.SimpleStatementSuite: ("body",),
    cst.IndentedBlock: ("body",),
    cst.Expr: ("value",),
    cst.Assign: ("targets", "value"),
    cst.AssignTarget: ("target",),
    cst.AnnAssign: ("target", "value"),
    cst.AugAssign: ("target", "value"),
    cst.Return: ("value",),
    cst.Raise: ("exc", "cause"),
    cst.From: ("item",),
    cst.Assert: ("test", "msg"),
    cst.Del: ("target",),
    cst.Import: ("names",),
    cst.ImportFrom: ("names",),
    cst.If: ("test", "body", "orelse"),
    cst.Else: ("body",),
    cst.While: ("test", "body", "orelse"),
    cst.For: ("target", "iter", "body", "orelse"),
    cst.With: ("items", "body"),
    cst.WithItem: ("item", "asname"),
    cst.AsName: ("name",),
    cst.Try: ("body", "handlers", "orelse", "finalbody"),
    cst.TryStar: ("body", "handlers", "orelse", "finalbody"),
    cst.ExceptHandler: ("type", "body"),
    cst.ExceptStarHandler: ("type", "body"),
    cst.Finally: ("body",),
    cst.FunctionDef: ("decorators", "params", "body"),
    cst.Decorator: ("decorator",),
    cst.Parameters: ("posonly_params", "params", "kwonly_params"),
    cst.Param: ("default",),
    cst.ClassDef: ("decorators", "bases", "keywords", "body"),
    cst.Lambda: ("params", "body"),
    cst.Attribute: ("value",),
    cst.Subscript: ("value", "slice"),
    cst.SubscriptElement: ("slice",),
    cst.Index: ("value",),
    cst.Slice: ("lower", "upper", "step"),
    cst.Call: ("func", "args"),
    cst.Arg: ("value",),
    cst.Comparison: ("left", "comparisons"),
    cst.ComparisonTarget: ("comparator",),
    cst.BooleanOperation: ("left", "right"),
    cst.BinaryOperation: ("left", "right"),
    cst.UnaryOperation: ("expression",),
    cst.IfExp: ("body", "test", "orelse"),
    cst.Await: ("expression",),
    cst.Yield: ("value",),
    cst.Tuple: ("elements",),
    cst.List: ("elements",),
    cst.Set: ("elements",),
    cst.Element: ("value",),
    cst.StarredElement: ("value",),
    cst.Dict: ("elements",),
    cst.DictElement: ("key", "value"),
    cst.StarredDictElement: ("value",),
    cst.GeneratorExp: ("elt", "for_in"),
    cst.ListComp: ("elt", "for_in"),
    cst.SetComp: ("elt", "for_in"),
    cst.DictComp: ("key", "value", "for_in"),
    cst.CompFor: ("target", "iter", "ifs", "inner_for_in"),
    cst.CompIf: ("test",),
    cst.NamedExpr: ("target", "value"),
    cst.FormattedString: ("parts",),
    cst.FormattedStringExpression: ("expression", "format_spec"),
    cst.ConcatenatedString: ("left", "right"),
    cst.Match: ("subject", "cases"),
    cst.MatchCase: ("guard", "body"),
}

_CST_KINDS: dict[type[cst.CSTNode], str] = {
    cst.Name: "Name",
    cst.Attribute: "Attribute",
    cst.Subscript: "Subscript",
    cst.Call: "Call",
    cst.Comparison: "Compare",
    cst.For: "For",
    cst.CompFor: "comprehension",
    cst.AugAssign: "AugAssign",
    cst.Assign: "Assign",
    cst.AnnAssign: "AnnAssign",
    cst.NamedExpr: "NamedExpr",
    cst.StarredElement: "Starred",
    cst.FormattedStringExpression: "FormattedValue",
    cst.With: "With",
    cst.ExceptHandler: "ExceptHandler",
    cst.ExceptStarHandler: "ExceptHandler",
    cst.Match: "Match",
    cst.FunctionDef: "FunctionDef",
    cst.ClassDef: "ClassDef",
    cst.If: "If",
    cst.While: "While",
    cst.IfExp: "IfExp",
    cst.Await: "Await",
    cst.Dict: "Dict",
    cst.Del: "Delete",
    cst.Import: "Import",
    cst.ImportFrom: "ImportFrom",
    cst.ImportAlias: "alias",
    cst.ImportStar: "alias",
    cst.Assert: "Assert",
}

_CONSTANTS = frozenset({"True", "False", "None"})
"""Names to libcst, constants to `ast`."""

_AST_KINDS = {
    **{getattr(ast, kind): kind for kind in set(_CST_KINDS.values()) - {"comprehension"}},
    ast.comprehension: "comprehension",
    ast.AsyncFor: "For",
    ast.AsyncWith: "With",
    ast.AsyncFunctionDef: "FunctionDef",
    ast.YieldFrom: "YieldFrom",
    ast.UnaryOp: "UnaryOp",
}


def children_of(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The expression and statement children of a libcst node, in source order."""
    found: list[cst.CSTNode] = []
    for field in _CST_FIELDS.get(type(node), ()):
        value: Any = getattr(node, field)
        if value is None:
            continue
        if isinstance(value, cst.CSTNode):
            found.append(value)
        elif not isinstance(value, (str, cst.MaybeSentinel)):
            found.extend(value)
    return found


def _cst_kind(node: cst.CSTNode) -> str | None:
    kind = _CST_KINDS.get(type(node))
    if kind is not None:
        return None if isinstance(node, cst.Name) and node.value in _CONSTANTS else kind
    if (type(node) is cst.Arg and node.star == "*") or (type(node) is cst.Index and node.star):
        return "Starred"
    if type(node) is cst.Yield and isinstance(node.value, cst.From):
        return "YieldFrom"
    if type(node) is cst.UnaryOperation:
        return "UnaryOp"
    return None


def _list_cst(root: cst.Module) -> list[tuple[str, str, cst.CSTNode]]:
    found: list[tuple[str, str, cst.CSTNode]] = []
    stack: list[cst.CSTNode] = [root]
    while stack:
        node = stack.pop()
        kind = _cst_kind(node)
        if kind is not None:
            found.append((kind, _cst_name(node), node))
        stack.extend(reversed(children_of(node)))
    return found


def _cst_name(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return ""


def _position(node: ast.AST) -> tuple[int, int]:
    inner: Any = node.value if isinstance(node, ast.keyword) else node
    return inner.lineno, inner.col_offset


def _call(node: ast.Call) -> Iterator[ast.AST]:
    yield node.func
    if node.keywords and any(isinstance(argument, ast.Starred) for argument in node.args):
        yield from sorted([*node.args, *node.keywords], key=_position)
    else:
        yield from node.args
        yield from node.keywords


def _arguments(node: ast.arguments) -> Iterator[ast.AST]:
    yield from node.defaults
    for default in node.kw_defaults:
        if default is not None:
            yield default


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    yield from node.decorator_list
    yield node.args
    yield from node.body


def _class(node: ast.ClassDef) -> Iterator[ast.AST]:
    yield from node.decorator_list
    yield from node.bases
    yield from node.keywords
    yield from node.body


def _dict(node: ast.Dict) -> Iterator[ast.AST]:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            yield key
        yield value


def _annotated(node: ast.AnnAssign) -> Iterator[ast.AST]:
    yield node.target
    if node.value is not None:
        yield node.value


def _if_expression(node: ast.IfExp) -> Iterator[ast.AST]:
    yield node.body
    yield node.test
    yield node.orelse


def _match_case(node: ast.match_case) -> Iterator[ast.AST]:
    if node.guard is not None:
        yield node.guard
    yield from node.body


def _nothing(_node: ast.AST) -> Iterator[ast.AST]:
    return iter(())


_AST_ORDER: dict[type, Callable[[Any], Iterator[ast.AST]]] = {
    ast.Call: _call,
    ast.arguments: _arguments,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Dict: _dict,
    ast.AnnAssign: _annotated,
    ast.IfExp: _if_expression,
    ast.match_case: _match_case,
    **({ast.TypeAlias: _nothing} if hasattr(ast, "TypeAlias") else {}),
}


def _list_ast(root: ast.AST) -> list[tuple[str, str, ast.AST]]:
    found: list[tuple[str, str, ast.AST]] = []
    stack: list[ast.AST] = [root]
    while stack:
        node = stack.pop()
        kind = _AST_KINDS.get(type(node))
        if kind is not None:
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            found.append((kind, name, node))
        order = _AST_ORDER.get(type(node))
        children = order(node) if order is not None else ast.iter_child_nodes(node)
        stack.extend(reversed(list(children)))
    return found


def pair(module: cst.Module, tree: ast.Module) -> dict[cst.CSTNode, ast.AST]:
    """The `ast` node of each tappable libcst node (libcst nodes compare and hash by identity).

    Raises TransformError when the two parsers saw different programs.
    """
    left, right = _list_cst(module), _list_ast(tree)
    if len(left) != len(right):
        raise TransformError(f"libcst and the compiler disagree on the number of nodes ({len(left)} and {len(right)})")
    pairs: dict[cst.CSTNode, ast.AST] = {}
    for (kind, name, node), (other_kind, other_name, other) in zip(left, right, strict=True):
        if kind != other_kind or (name != other_name and name.isascii() and not _mangled(name, other_name)):
            line = getattr(other, "lineno", 0)
            raise TransformError(
                f"libcst and the compiler disagree at line {line}: {kind} {name}, {other_kind} {other_name}"
            )
        pairs[node] = other
    return pairs


def _mangled(name: str, other: str) -> bool:
    return name.startswith("__") and other.endswith(name)


def synchronises(node: cst.CSTNode) -> bool:
    """Whether evaluating the node may run other code or wait."""
    if isinstance(node, (cst.Call, cst.Await, cst.Yield)):
        return True
    if isinstance(node, cst.Lambda):
        return False
    return any(synchronises(child) for child in children_of(node))
