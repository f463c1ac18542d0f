"""Default arguments that are one object for all calls: `def check(path, report=[])`.

Who changes a parameter changes that object wherever a call does not give another one. Told from the source: the
parameter has a default that can be changed, and a call on the stack of a side leaves it out; or, where a pool or a
thread calls, what the source hands the function to does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from types import CodeType

from raceway.findings import naming
from raceway.findings.sides import Names
from raceway.findings.syntax import spelled
from raceway.model.races import ITEM, RawRace, Side
from raceway.model.sites import Site
from raceway.model.struct import Struct

_MAKERS = {"list": "list", "dict": "dict", "set": "set", "bytearray": "bytearray", "defaultdict": "defaultdict"}
_MAKERS |= {"deque": "deque", "OrderedDict": "OrderedDict", "Counter": "Counter"}
_DISPLAYS = {ast.List: "list", ast.ListComp: "list", ast.Dict: "dict", ast.DictComp: "dict"}
_DISPLAYS |= {ast.Set: "set", ast.SetComp: "set"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Default(Struct):
    """A parameter of a function whose default is one object for all calls; `made` is the source that makes it."""

    parameter: str
    function: str
    kind: str
    made: str


def default_of(variable: str, race: RawRace, names: Names) -> Default | None:
    """The default that the variable of a race is; None where it is none, or where no side shows that."""
    label = variable.removesuffix(ITEM)
    function, _, parameter = label.rpartition(".")
    found = None
    for side in (race.earlier, race.later):
        site = names.site(side.access.site)
        if function != site.function.rpartition(".")[2]:
            continue
        default, given = _asked(parameter, side, site, names.site_file(side.access.site))
        if default is None or given is True:
            return None
        found = found or (default if given is False else None)
    return found


def _asked(parameter: str, side: Side, site: Site, file: str) -> tuple[Default | None, bool | None]:
    """The default of a parameter of the function that a side is in, and whether its call gives another value; None if
    that is not known."""
    tree = naming.parsed(file)
    function = next(_functions(tree, site), None) if tree is not None else None
    if function is None:
        return None, None
    arguments = function.args
    row = [*arguments.posonlyargs, *arguments.args]
    pairs = dict(zip([one.arg for one in row[len(row) - len(arguments.defaults) :]], arguments.defaults, strict=True))
    pairs |= {one.arg: made for one, made in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if made}
    made = pairs.get(parameter)
    kind = made_kind(made)
    if made is None or not kind or _is_stored(parameter, function):
        return None, None
    names = [one.arg for one in row]
    position = names.index(parameter) if parameter in names else -1
    bound = bool(names) and names[0] in ("self", "cls")
    default = Default(parameter, function.name, kind, ast.unparse(made))
    position -= bound if position >= 0 else 0
    given = _gives(side.access.stack, parameter, position)
    if given is None and tree is not None and _is_handed_on(side.access.stack):
        given = _handed(tree, function.name, parameter, position)
    return default, given


def _functions(tree: ast.Module, site: Site) -> Iterator[_Function]:
    """The function that a site is in: of those around its line the innermost one of that name."""
    name = site.function.rpartition(".")[2]
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == name
        and node.lineno <= site.line <= (node.end_lineno or node.lineno)
    ]
    yield from sorted(around, key=lambda node: -node.lineno)


def made_kind(made: ast.expr | None) -> str:
    """What can be changed that the expression makes; empty for what cannot, or may not."""
    if isinstance(made, ast.Call):
        return _MAKERS.get(spelled(made.func), "")
    return _DISPLAYS.get(type(made), "") if made is not None else ""


def _is_stored(parameter: str, function: _Function) -> bool:
    """Whether the function gives its parameter another value."""
    stores = (node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return any(node.id == parameter for node in stores)


def _gives(stack: tuple[tuple[CodeType, int], ...], parameter: str, position: int) -> bool | None:
    """Whether the call of the function gives a value for the parameter; None where the call is not to be seen."""
    if len(stack) < 2 or naming.is_ours(stack[1][0].co_filename):
        return None
    code, offset = stack[1]
    call = _call_at(code, offset)
    if call is None or spelled(call.func) != stack[0][0].co_name:
        return None
    return _passes(call.args, call.keywords, parameter, position)


def _is_handed_on(stack: tuple[tuple[CodeType, int], ...]) -> bool:
    """Whether whoever calls the function gives it what somebody else has said, as pools and threads do."""
    call = _call_at(*stack[1]) if len(stack) > 1 else None
    return len(stack) < 2 or (call is not None and any(isinstance(one, ast.Starred) for one in call.args))


def _handed(tree: ast.Module, function: str, parameter: str, position: int) -> bool | None:
    """Whether those whom the source gives the function to, in order to call it, give a value for the parameter; None
    where that cannot be told, or some do and others do not."""
    told = {
        one
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and (row := _row_of(call, function)) is not None
        and (one := _passes(*row, parameter, position)) is not None
    }
    return told.pop() if len(told) == 1 else None


_Row = tuple[list[ast.expr], list[ast.keyword]]
"""Arguments that a function will be called with."""


def _row_of(call: ast.Call, function: str) -> _Row | None:
    """What the function will be given by whom this call hands it to: `submit(f, 1)`, `Thread(target=f, args=(1,))`."""
    keywords = {one.arg: one.value for one in call.keywords}
    if any(spelled(keywords.get(name)) == function for name in ("target", "func", "function")) or (
        any(spelled(one) == function for one in call.args) and keywords.keys() & {"args", "kwargs"}
    ):
        row, named = keywords.get("args", ast.Tuple([])), keywords.get("kwargs", ast.Dict([], []))
        if not isinstance(row, ast.Tuple | ast.List) or not isinstance(named, ast.Dict):
            return None
        texts = [str(key.value) if isinstance(key, ast.Constant) else None for key in named.keys]
        return row.elts, [ast.keyword(text, value) for text, value in zip(texts, named.values, strict=True)]
    for place, one in enumerate(call.args):
        if spelled(one) == function:
            return call.args[place + 1 :], call.keywords
    return None


def _passes(row: list[ast.expr], keywords: list[ast.keyword], parameter: str, position: int) -> bool | None:
    """Whether such arguments give a value for the parameter; None where that cannot be told."""
    if any(isinstance(one, ast.Starred) for one in row) or any(one.arg is None for one in keywords):
        return None
    return 0 <= position < len(row) or any(one.arg == parameter for one in keywords)


def _call_at(code: CodeType, offset: int) -> ast.Call | None:
    """The call that an instruction makes."""
    tree = naming.parsed(code.co_filename)
    line, end_line, column, end_column = next(islice(code.co_positions(), offset // 2, None), (None,) * 4)
    for node in ast.walk(tree) if tree is not None else ():
        place = (
            (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) if isinstance(node, ast.Call) else ()
        )
        if isinstance(node, ast.Call) and place == (line, end_line, column, end_column):
            return node
    return None
