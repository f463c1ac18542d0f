"""Places in which a coroutine stores something of its own, to ask for it later: the request or the user it works for.

    async def handle(request):              def current_user():
        global _user                            return _user
        _user = request.user
        await load()
        greet(current_user())

Whoever does the same meanwhile leaves its own there. Only what is stored in any case counts, and made of what the
function was given: a constant is a mark, an empty container is to be filled by others, and what is stored under a test
is stored once. And only what is asked for in order to use it: who compares what is there looks whether it is still its
own. What is called the last one, or the newest, is meant to be that of whoever came last; and so is an attribute that
not everybody who stores it asks for.

What `__aenter__` stores in its object and `__aexit__` uses is of that sort, too, whatever it is made of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_LATEST = frozenset({"last", "latest", "newest", "recent", "prev", "previous"})

_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "__set_name__", "__set__", "__setattr__"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def echoes(tree: ast.Module) -> set[ast.AST]:
    """The targets of such stores, and the reads that may ask for what was stored."""
    found: set[ast.AST] = set()
    variables: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, _Function) and node.name not in _CONSTRUCTORS:
            for target, later in _stores(node):
                if isinstance(target, ast.Name):
                    variables[target] = target.id
                elif isinstance(target, ast.Attribute):
                    found.update(_paired(target, _asked(later, target.attr)))
        elif isinstance(node, ast.ClassDef):
            found.update(_entered(node))
    names = set(variables.values())
    reads = {node for node in _used(tree) if isinstance(node, ast.Name) and node.id in names} if names else set()
    return found | reads | {target for target, name in variables.items() if any(one.id == name for one in reads)}


def _paired(target: ast.AST, reads: Iterable[ast.AST]) -> set[ast.AST]:
    """Both, if there are any reads."""
    found = set(reads)
    return {target, *found} if found else set()


def _stores(function: _Function) -> Iterator[tuple[ast.AST, list[ast.stmt]]]:
    """The stores that the function makes in any case, of something that it was given, and what it does in any case
    later: stores in globals, and those of coroutines in attributes."""
    arguments = function.args
    given = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {"self", "cls"}
    shared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    statements = list(_always(function.body))
    for number, statement in enumerate(statements):
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        target, names, attributes = statement.targets[0], *_names(statement.value)
        own, later = not names.isdisjoint(given), statements[number + 1 :]
        match target:
            case ast.Name(id=name) if name not in shared:
                given = given | {name} if own else given - {name}
            case ast.Name(id=name) if own and name not in names and not _is_latest(name):
                yield target, later
            case ast.Attribute(value=ast.Name(), attr=name) if isinstance(function, ast.AsyncFunctionDef):
                if own and name not in attributes and not _is_latest(name):
                    yield target, later


def _asked(statements: list[ast.stmt], name: str) -> Iterator[ast.expr]:
    """The uses of an attribute in what is done in any case."""
    for statement in statements:
        parts: list[ast.AST] = [statement]
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            parts = [*statement.items]
        elif not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return)):
            continue
        given = [statement.value] if isinstance(statement, ast.Return) and statement.value is not None else []
        for node in (*(used for part in parts for used in _used(part)), *given):
            if isinstance(node, ast.Attribute) and node.attr == name:
                yield node


def _entered(node: ast.ClassDef) -> Iterator[ast.AST]:
    """What `__aenter__`, or a method that it calls, stores in `self` and uses later, or `__aexit__`, or what that
    calls, uses."""
    methods = {part.name: part for part in node.body if isinstance(part, _Function) and part.args.args}
    if not {"__aenter__", "__aexit__"} <= methods.keys():
        return
    entering, leaving = _with_called("__aenter__", methods), _with_called("__aexit__", methods)
    targets = {target.attr: target for name in entering - leaving for target in _kept(methods[name])}
    for name in entering ^ leaving:
        receiver = methods[name].args.args[0].arg
        for used in _used(methods[name], objects=True):
            match used:
                case ast.Attribute(value=ast.Name(id=base), attr=attribute) if base == receiver:
                    target = targets.get(attribute)
                    if target is not None and (name in leaving or used.lineno > target.lineno):
                        yield from (target, used)


def _with_called(name: str, methods: dict[str, _Function]) -> set[str]:
    """A method and those of the object that it calls."""
    called = {name}
    for node in ast.walk(methods[name]):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=base), attr=attribute)):
                if base == methods[name].args.args[0].arg and attribute in methods:
                    called.add(attribute)
    return called


def _kept(method: _Function) -> Iterator[ast.Attribute]:
    """What a method stores in its object in any case: no constant, and nothing made of what was there."""
    receiver = method.args.args[0].arg
    for statement in _always(method.body):
        match statement:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=base), attr=name) as target], value=value):
                constant = isinstance(value, (ast.Constant, ast.List, ast.Dict, ast.Set))
                if base == receiver and not constant and name not in _names(value)[1] and not _is_latest(name):
                    yield target


def _is_latest(name: str) -> bool:
    return not _LATEST.isdisjoint(name.lower().split("_"))


def _always(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run whenever the first one does, and nothing is raised."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.With, ast.AsyncWith, ast.Try)):
            yield from _always(statement.body)


def _names(value: ast.expr) -> tuple[set[str], set[str]]:
    """The names in an expression, and those of attributes."""
    nodes = list(ast.walk(value))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return {node.id for node in nodes if isinstance(node, ast.Name)}, attributes


def _used(tree: ast.AST, objects: bool = False) -> Iterator[ast.expr]:
    """What is given to somebody: arguments of calls, keys of items, parts of what is shown or stored in a place; and
    globals that are given back; with `objects`, what something is asked or called of. Nothing within a test."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=args, keywords=keywords):
                yield from args
                yield from (keyword.value for keyword in keywords)
            case ast.Subscript(slice=part) | ast.FormattedValue(value=part):
                yield part
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()], value=part):
                yield part
            case ast.Return(value=ast.Name() as part):
                yield part
        match node:
            case ast.Attribute(value=ast.Attribute() as part) | ast.Subscript(value=ast.Attribute() as part) if objects:
                yield part
