"""Small readings of libcst nodes: their text, whether they are literals, the blocks they hold, mangled names."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

DISPLAYS = (
    cst.List,
    cst.Dict,
    cst.Set,
    cst.Tuple,
    cst.ListComp,
    cst.SetComp,
    cst.DictComp,
    cst.GeneratorExp,
    cst.Lambda,
)
_GETTERS = frozenset({"get", "setdefault", "pop"})
LITERALS = (
    cst.Integer,
    cst.Float,
    cst.Imaginary,
    cst.SimpleString,
    cst.ConcatenatedString,
    cst.FormattedString,
    cst.Ellipsis,
)


def text(node: cst.CSTNode | None) -> str:
    """A short spelling of an operand for people: exact for names, attributes and simple subscripts."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{text(node.value)}.{node.attr.value}"
    if isinstance(node, cst.Subscript):
        return f"{text(node.value)}[...]"
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and node.func.attr.value in _GETTERS:
        return f"{text(node.func.value)}[...]"
    if isinstance(node, cst.Call):
        return f"{text(node.func)}()"
    if isinstance(node, cst.Await):
        return text(node.expression)
    return "<expression>"


def literal(node: cst.CSTNode | None) -> str:
    """The source of a literal scalar (also negative numbers, True, False, None); empty for anything else."""
    if isinstance(node, (cst.Integer, cst.Float, cst.SimpleString)):
        return node.value
    if isinstance(node, cst.Name) and node.value in {"True", "False", "None"}:
        return node.value
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        inner = literal(node.expression)
        return f"-{inner}" if inner and isinstance(node.expression, (cst.Integer, cst.Float)) else ""
    return ""


def is_constant_name(node: cst.CSTNode) -> bool:
    """True, False and None are names to libcst; `__debug__` is one to everybody but the compiler."""
    return isinstance(node, cst.Name) and node.value in {"True", "False", "None", "__debug__"}


def foldable(node: cst.CSTNode) -> bool:
    """Whether the compiler may see through an operand to a constant, or knows that its type is no index.

    It would fold `S[operand]` or warn about it. The code renderer says the same of `ast` nodes.
    """
    while isinstance(node, (cst.UnaryOperation, cst.BinaryOperation, cst.NamedExpr)):
        if isinstance(node, cst.BinaryOperation):
            if isinstance(node.operator, cst.MatrixMultiply):
                return False
            node = node.left
        else:
            node = node.expression if isinstance(node, cst.UnaryOperation) else node.value
    if isinstance(node, cst.Subscript):
        return foldable(node.value) and _foldable_index(node.slice)
    if isinstance(node, cst.BooleanOperation):
        return foldable(node.left) or foldable(node.right)
    if isinstance(node, cst.IfExp):
        return foldable(node.body) or foldable(node.orelse)
    return isinstance(node, (*DISPLAYS, *LITERALS)) or is_constant_name(node)


def _foldable_index(elements: Sequence[cst.SubscriptElement]) -> bool:
    index = elements[0].slice
    single = len(elements) == 1 and isinstance(index, cst.Index) and not index.star
    if not single or isinstance(elements[0].comma, cst.Comma) or not isinstance(index, cst.Index):
        return True
    return foldable(index.value)


def tappable(node: cst.CSTNode) -> bool:
    """Whether an operand may be shared state at all: not a literal, a display, or `super()`."""
    if isinstance(node, (*DISPLAYS, *LITERALS)) or is_constant_name(node):
        return False
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "super":
        return False
    return not isinstance(node, (cst.Comparison, cst.UnaryOperation, cst.BinaryOperation))


def spans_lines(node: cst.Attribute) -> bool:
    """Whether an attribute's name stands on another line than what it belongs to."""
    around = (node.dot.whitespace_before, node.dot.whitespace_after)
    return any(not isinstance(space, cst.SimpleWhitespace) or "\n" in space.value for space in around)


def walkable(node: cst.CSTNode) -> bool:
    """Whether an operand of an iteration may be a shared container."""
    return isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call, cst.Await)) and not is_constant_name(
        node
    )


def mangle(name: str, class_name: str) -> str:
    """A private name as the compiler spells it inside class `class_name` (language reference, 6.2.1)."""
    stripped = class_name.lstrip("_")
    if not name.startswith("__") or name.endswith("__") or "." in name or not stripped:
        return name
    return f"_{stripped}{name}"


def statements(block: cst.BaseSuite) -> Sequence[cst.CSTNode]:
    """The statements of a block, one-line suites included."""
    found: list[cst.CSTNode] = []
    for line in block.body:
        found.extend(line.body) if isinstance(line, cst.SimpleStatementLine) else found.append(line)
    return found


_WAITING = frozenset({"sleep", "wait"})


def only_waits(block: cst.BaseSuite) -> bool:
    """Whether a block does nothing but let time pass; it may give up, as after a deadline."""
    return all(map(_waits, statements(block)))


def _waits(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.If):
        return node.orelse is None and exits(node.body) is not None
    value: cst.CSTNode = node.value if isinstance(node, cst.Expr) else node
    if isinstance(value, cst.Await):
        value = value.expression
    if not isinstance(value, cst.Call):
        return isinstance(value, (cst.Pass, cst.Continue))
    func = value.func.attr if isinstance(value.func, cst.Attribute) else value.func
    return isinstance(func, cst.Name) and func.value in _WAITING


def waits_once(block: cst.BaseSuite) -> bool:
    """Whether a block waits for something, once, and goes on then."""
    values = [node.value for node in statements(block) if isinstance(node, cst.Expr)]
    called = [value.func for value in values if isinstance(value, cst.Call)]
    waits = any(isinstance(func, cst.Attribute) and func.attr.value == "wait" for func in called)
    return waits and exits(block) is None


def exits(block: cst.BaseSuite) -> cst.CSTNode | None:
    """The statement by which a block always leaves (return, raise, continue, break), None when it falls through."""
    body = statements(block)
    last = body[-1] if body else None
    if isinstance(last, (cst.Return, cst.Raise, cst.Continue, cst.Break)):
        return last
    if isinstance(last, cst.If) and isinstance(last.orelse, cst.Else) and exits(last.body) and exits(last.orelse.body):
        return exits(last.body)
    return None
