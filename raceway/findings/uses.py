"""A test of a place and then a use of it that fails unless the answer still holds: `if self.sock: self.sock.send(...)`.

Neither access writes, so the transform links no region. The source of the function tells, as long as the test and the
use name the place alike, with no store in between and nothing around that expects the failure. What the other side
does must make the answer wrong: it stores None, or takes something out. Serves the grouping of races.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from raceway.findings.classify import Member
from raceway.findings.syntax import Function, around, source, within
from raceway.model.kinds import RegionKind
from raceway.model.races import RawRace
from raceway.model.sites import Context, Site, SiteForm
from raceway.model.struct import replace

_NEAR = 400
"""So many sites of a module are looked through for the other end."""

_REMOVING = frozenset({"pop", "popitem", "popleft", "remove", "discard", "clear"})
_BLOCKS = ("body", "orelse", "finalbody")
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_FAILURES = {
    "place": frozenset({"AttributeError", "TypeError"}),
    "item": frozenset({"KeyError", "LookupError"}),
    "structure": frozenset({"IndexError", "LookupError", "ValueError"}),
}
_ANY = frozenset({"Exception", "BaseException"})


class Use(NamedTuple):
    """The nodes that test and use a place; `spans`: threads can switch in between on every interpreter."""

    test: ast.expr
    use: ast.expr
    spans: bool


Guarded = Sequence[ast.AST]
"""What is done only when a test turns out one way."""


class _Answer(NamedTuple):
    """What a test says when it turns out as wanted: of a place, of a key in a container, of its having items."""

    sort: str
    node: ast.expr
    place: str
    key: str = ""


def joined(
    race: RawRace, parts: tuple[Member, Member], site_of: Callable[[int], Site], file_of: Callable[[int], str]
) -> tuple[Member, Member]:
    """Both sides; one that tests a place, or uses it after a test, as that region."""
    first, second = parts
    if race.one_loop or first.side.access.operation.mutates == second.side.access.operation.mutates:
        return parts
    if second.side.access.operation.mutates:
        return _reading(first, second, site_of, file_of), second
    return first, _reading(second, first, site_of, file_of)


def used(best: tuple[RawRace, Member, Member], site_of: Callable[[int], Site]) -> str:
    """What the other side does to what one side tests and uses: makes it None ("value") or takes it out ("item"); empty
    where none does so."""
    _race, first, second = best
    for part, other in ((first, second), (second, first)):
        if part.opened >= 0:
            return "value" if _spoils(site_of(other.side.access.site)) == "place" else "item"
    return ""


def _reading(part: Member, other: Member, site_of: Callable[[int], Site], file_of: Callable[[int], str]) -> Member:
    serial, writer = part.side.access.site, site_of(other.side.access.site)
    site, path = site_of(serial), file_of(serial)
    spoils = _spoils(writer)
    found = use_at(path, _position(site), spoils) if spoils and part.region is None and part.side.region < 0 else None
    if found is None:
        return part
    test, use = (_serial_at(serial, node, site_of, file_of) for node in (found.test, found.use))
    if test < 0 or use < 0:
        return part
    return replace(part, unit=use, region=RegionKind.TEST, spans=found.spans, opened=test)


def _spoils(writer: Site) -> str:
    """Which sorts of answers the write makes wrong: "place" or "items"; empty for none."""
    if writer.form is SiteForm.METHOD:
        return "items" if writer.name in _REMOVING else ""
    if writer.context is Context.DELETE:
        return "items" if writer.form is SiteForm.ITEM else "place"
    return "place" if writer.literal == "None" else ""


Position = tuple[int, int, int | None, int | None]


def _position(site: Site) -> Position:
    return site.line, site.column, site.end_line, site.end_column


def _serial_at(near: int, node: ast.expr, site_of: Callable[[int], Site], file_of: Callable[[int], str]) -> int:
    """The serial of the site of a node in the file of another site; -1 when none is found."""
    wanted = node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
    path, begin = file_of(near), near - site_of(near).index
    for step in range(_NEAR):
        for serial in (near + step, near - step):
            if serial >= begin and _known(serial, file_of) == path and _position(site_of(serial)) == wanted:
                return serial
    return -1


def _known(serial: int, file_of: Callable[[int], str]) -> str:
    try:
        return file_of(serial)
    except (IndexError, KeyError):
        return ""


@lru_cache(maxsize=1024)
def use_at(path: str, position: Position, spoils: str) -> Use | None:
    """The test and the use of which the expression there is one."""
    known = source(path)
    node = known.expressions.get(position)
    function: ast.AST | None = node
    while function is not None and not isinstance(function, Function):
        function = known.parents.get(function)
    if node is None or function is None or isinstance(function, ast.Lambda):
        return None
    sorts = ("place",) if spoils == "place" else ("item", "structure")
    for answer, guarded in _answers(function):
        if answer.sort not in sorts:
            continue
        for use in _uses(answer, guarded):
            if node in (answer.node, use) and _holds(answer, use, function, known.parents):
                return Use(answer.node, use, _spans(answer.node, use, function))
    return None


def finds_nothing(path: str, site: Site, line: int) -> bool:
    """Whether a function comes to this line when the test that the site makes, for a key, has found nothing."""
    way = within(around(path, site))
    if not way or not isinstance(way[-1], Function):
        return False
    found = [guarded for answer, guarded in _answers(way[-1]) if answer.node is way[0]]
    return bool(found) and not any(_lies_in(guarded, line) for guarded in found)


def _lies_in(nodes: Sequence[ast.AST], line: int) -> bool:
    places = (one for one in nodes if isinstance(one, ast.stmt | ast.expr))
    return any(one.lineno <= line <= (one.end_lineno or one.lineno) for one in places)


def _answers(function: ast.AST) -> Iterator[tuple[_Answer, Guarded]]:
    """Each answer that a test of the function gives, and what is done only when it is that one."""
    for block in _blocks(function):
        yield from _left(block)
    for node in _own(function):
        match node:
            case ast.If(test=test, body=body, orelse=other):
                yield from ((answer, list(body)) for answer in _positive(test))
                yield from ((answer, list(other)) for answer in _negative(test))
            case ast.While(test=test, body=body):
                yield from ((answer, list(body)) for answer in _positive(test))
            case ast.IfExp(test=test, body=value, orelse=otherwise):
                yield from ((answer, [value]) for answer in _positive(test))
                yield from ((answer, [otherwise]) for answer in _negative(test))
            case ast.BoolOp(op=ast.And(), values=values):
                for place, value in enumerate(values[:-1]):
                    yield from ((answer, list(values[place + 1 :])) for answer in _positive(value))
            case ast.BoolOp(op=ast.Or(), values=values):
                for place, value in enumerate(values[:-1]):
                    yield from ((answer, list(values[place + 1 :])) for answer in _negative(value))
            case _:
                pass


def _blocks(function: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in chain([function], _own(function)):
        blocks = (getattr(node, name, None) for name in _BLOCKS)
        yield from (block for block in blocks if isinstance(block, list))


def _left(statements: list[ast.stmt]) -> Iterator[tuple[_Answer, Guarded]]:
    """What follows a test whose other answer leaves."""
    for place, statement in enumerate(statements):
        match statement:
            case ast.If(test=test, body=[*_, last], orelse=[]) if isinstance(last, _LEAVES):
                yield from ((answer, list(statements[place + 1 :])) for answer in _negative(test))
            case _:
                pass


def _positive(test: ast.expr) -> Iterator[_Answer]:
    """What holds when the test is true."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            yield from chain.from_iterable(map(_positive, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _negative(operand)
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]):
            yield from _there(left)
        case ast.Compare(left=key, ops=[ast.In()], comparators=[container]):
            yield _Answer("item", test, _text(container), _text(key))
        case ast.Compare(
            left=ast.Call() as call, ops=[ast.Gt() | ast.GtE() | ast.NotEq()], comparators=[ast.Constant()]
        ):
            yield from _counted(call)
        case ast.NamedExpr():
            return
        case _:
            yield from _there(test)
            yield from _counted(test)


def _negative(test: ast.expr) -> Iterator[_Answer]:
    """What holds when the test is false."""
    match test:
        case ast.BoolOp(op=ast.Or(), values=values):
            yield from chain.from_iterable(map(_negative, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _positive(operand)
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            yield from _there(left)
        case ast.Compare(left=key, ops=[ast.NotIn()], comparators=[container]):
            yield _Answer("item", test, _text(container), _text(key))
        case ast.Compare(left=ast.Call() as call, ops=[ast.Eq()], comparators=[ast.Constant(value=0)]):
            yield from _counted(call)
        case _:
            return


def _there(node: ast.expr) -> Iterator[_Answer]:
    """A value that is there."""
    match node:
        case ast.Call(func=ast.Attribute(value=container, attr="get"), args=[key]):
            yield _Answer("item", node, _text(container), _text(key))
        case ast.Attribute() | ast.Subscript() | ast.Name():
            yield _Answer("place", node, _text(node))
            yield _Answer("structure", node, _text(node))
        case _:
            return


def _counted(node: ast.expr) -> Iterator[_Answer]:
    match node:
        case ast.Call(func=ast.Name(id="len"), args=[container]):
            yield _Answer("structure", container, _text(container))
        case _:
            return


def _uses(answer: _Answer, guarded: Guarded) -> Iterator[ast.expr]:
    """Uses that fail when the answer does not hold any more, by the node of what they read."""
    for node in chain.from_iterable(_own(each, itself=True) for each in guarded):
        match node:
            case ast.Subscript(value=container, slice=key, ctx=ast.Load()):
                is_place = _text(container) == answer.place
                if answer.sort == "place" and is_place:
                    yield container
                elif is_place and (_text(key) == answer.key if answer.sort == "item" else _is_index(key)):
                    yield node
            case ast.Attribute(value=value, ctx=ast.Load()) | ast.Call(func=value):
                if answer.sort == "place" and _text(value) == answer.place:
                    yield value
            case _:
                pass


def _is_index(key: ast.expr) -> bool:
    match key:
        case ast.Constant(value=int()) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            return True
        case _:
            return False


def _holds(answer: _Answer, use: ast.expr, function: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether nothing is stored there in between, and nothing around the use expects it to fail."""
    begin, end = _end(answer.node), _begin(use)
    for node in _own(function):
        match node:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()) | ast.Name(ctx=ast.Store()):
                if begin <= _begin(node) < end and _is_part(_text(node), answer.place):
                    return False
            case _:
                pass
    failures = _FAILURES[answer.sort] | _ANY
    child: ast.AST = use
    while child is not function:
        parent = parents[child]
        if isinstance(parent, (ast.Try, ast.TryStar)) and child in parent.body:
            if any(_catches(handler, failures) for handler in parent.handlers):
                return False
        elif isinstance(parent, (ast.With, ast.AsyncWith)) and _suppresses(parent):
            return False
        child = parent
    return True


def _is_part(stored: str, place: str) -> bool:
    """Whether a store there is one to the place, or to what it is reached by."""
    return place == stored or place.startswith((f"{stored}.", f"{stored}["))


def _catches(handler: ast.ExceptHandler, failures: frozenset[str]) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in failures) for kind in kinds)


def _suppresses(statement: ast.With | ast.AsyncWith) -> bool:
    return any("suppress" in ast.dump(item.context_expr) for item in statement.items)


def _spans(test: ast.expr, use: ast.expr, function: ast.AST) -> bool:
    """Whether a call, a loop or the like lies between the two, where a GIL lets others run."""
    begin, end = _end(test), _begin(use)
    for node in _own(function):
        if isinstance(node, ast.Call | ast.Await | ast.Yield | ast.YieldFrom):
            between = begin <= _begin(node) and _end(node) <= end
        elif isinstance(node, ast.With | ast.AsyncWith | ast.For | ast.AsyncFor | ast.While):
            between = begin <= (node.lineno, node.col_offset) < end
        else:
            between = False
        if between:
            return True
    return False


def _own(node: ast.AST, itself: bool = False) -> Iterator[ast.AST]:
    """The nodes in a function, or in a part of one: those of functions within it aside."""
    todo = [node] if itself else [*ast.iter_child_nodes(node)]
    while todo:
        found = todo.pop()
        if not isinstance(found, Function):
            yield found
            todo.extend(ast.iter_child_nodes(found))


def _begin(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _text(node: ast.expr) -> str:
    return ast.unparse(node)
