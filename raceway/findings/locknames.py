"""What people call a lock: by what the line that made it gives it to.

    self.lock = Lock()                                  Bank.lock
    self.locks[key] = Lock()                            Bank.locks[...]
    lock = self.locks.setdefault(key, Lock())           Bank.locks[...]
    with self.locks[key]:  # a defaultdict(Lock)        Bank.locks[...]
    bank = Bank("a")       # lock: Lock = field(...)    Bank.lock
    bank = Bank(Lock())    # stored as self.lock        Bank.lock

Else by where it was made: the name of a local variable that has an object with a lock is none for the lock.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from raceway.findings import naming
from raceway.findings.classes import attribute, called, lineage, parameter, tree_of
from raceway.findings.fields import LOCKS, SEMAPHORES, lock_fields, makes_lock
from raceway.findings.sources import parameters
from raceway.findings.syntax import Function, source
from raceway.model.races import ITEM

_PUTTING = frozenset({"append", "appendleft", "add", "put", "put_nowait", "insert"})
_COLLECTING = frozenset({"list", "tuple", "set", "frozenset", "dict", "deque", "OrderedDict", "WeakValueDictionary"})
_FIELDS = frozenset({"field", "ib", "attrib", "Factory", "Field", "PrivateAttr"})
_DEFAULTS = frozenset({"defaultdict"})


UNKNOWN = "lock made at "


def of_objects(name: str) -> bool:
    """Whether the name is that of an attribute, of which each object of a class may have one."""
    return "." in name and not name.startswith(UNKNOWN) and not name.endswith(ITEM)


def lock_name(place: tuple[str, int], serial: int, directory: str) -> str:
    """What people call a lock that was made at a place."""
    path, line = place
    if not path:
        return f"lock {serial}"
    return _found(path, line) or f"{UNKNOWN}{naming.relative(path, directory)}:{line}"


@lru_cache(maxsize=64)
def made_locks(path: str) -> frozenset[str]:
    """The names of the locks that a source is seen to make, but for semaphores."""
    return frozenset(_given_to(path, call) for call in _making(path) if not _is_semaphore(call)) - {""}


@lru_cache(maxsize=64)
def made_semaphores(path: str) -> frozenset[str]:
    """The names of the semaphores that a source is seen to make, but for those that are seen to let only one in."""
    made = (call for call in _making(path) if _is_semaphore(call) and not _is_of_one(call))
    return frozenset(_given_to(path, call) for call in made) - {""}


def _making(path: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and makes_lock(node.func))


def _is_semaphore(call: ast.Call) -> bool:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in SEMAPHORES


def _is_of_one(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return not given or (isinstance(given[0], ast.Constant) and given[0].value in (0, 1))


def target_name(path: str, node: ast.expr) -> str:
    """What people call what an expression of a source is, in the words of its class; empty where that has no name."""
    return _named(path, node)


def _found(path: str, line: int) -> str:
    tree = tree_of(path)
    calls = list(_calls(tree, line))
    makers = [call for call in calls if _makes(tree, call)]
    names = {_given_to(path, call) for call in makers}
    if makers:
        return names.pop() if len(names) == 1 else naming.assigned_name(path, line)
    found = _of_objects(path, calls) or _of_defaults(path, tree, line)
    return found or ("" if any(_may_have_one(path, call) for call in calls) else naming.assigned_name(path, line))


def _may_have_one(path: str, call: ast.Call) -> bool:
    """Whether what is called may make an object that has a lock: a class of the program, or what is given."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    given = (parameters(node) for node in _outwards(path, call) if isinstance(node, Function))
    return called(path, call.func) is not None or any(name in names for names in given)


def _outwards(path: str, node: ast.AST | None) -> Iterator[ast.AST]:
    while node is not None:
        yield node
        node = source(path).parents.get(node)


def _calls(tree: ast.AST, line: int) -> Iterator[ast.Call]:
    """The calls in a line; if none begins there, those that go on there."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _covers(node, line)]
    yield from [call for call in found if call.lineno == line] or found


def _covers(node: ast.expr, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _makes(tree: ast.AST, call: ast.Call) -> bool:
    """Whether what is called makes a lock, also by another name that the file gives it."""
    if makes_lock(call.func):
        return True
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    for node in ast.walk(tree) if name else ():
        match node:
            case ast.ImportFrom(names=names):
                if any(alias.asname == name and alias.name in LOCKS for alias in names):
                    return True
            case ast.Assign(targets=[ast.Name(id=known)], value=value) if known == name and makes_lock(value):
                return True
    return False


def _given_to(path: str, node: ast.expr) -> str:
    """What an expression of a file is given to, in the words of its class; empty where that has no name."""
    parents, suffix = source(path).parents, ""
    while (outer := parents.get(node)) is not None:
        match outer:
            case ast.Assign(targets=targets):
                target = next((one for one in targets if not isinstance(one, ast.Name)), targets[0])
                return _named(path, target, suffix)
            case ast.AnnAssign(target=target) | ast.NamedExpr(target=target):
                return _named(path, target, suffix)
            case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in _PUTTING | {"setdefault"}:
                return _named(path, owner, ITEM)
            case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function)) if function in _FIELDS:
                pass  # in the body of a class, around what makes the value of a field
            case ast.Call(func=ast.Name(id="map")):
                suffix = ITEM
            case ast.Call(func=function) if node is not function and not makes_lock(function):
                if not (isinstance(function, ast.Name) and function.id in _COLLECTING):
                    return _argument(path, outer, node)
            case (
                ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.ListComp() | ast.SetComp() | ast.DictComp()
            ) | ast.GeneratorExp():
                suffix = ITEM
            case ast.stmt():
                return ""
        node = outer  # type: ignore[assignment]  # a keyword stands around an argument
    return ""


def _argument(path: str, call: ast.Call, node: ast.AST) -> str:
    """The attribute in which the object of a class that is called keeps an argument of it."""
    given = node.value if isinstance(node, ast.keyword) else node
    one = called(path, call.func)
    name = parameter(one, call, given) if one is not None and isinstance(given, ast.expr) else ""
    for owner in lineage(one) if one is not None and name else ():
        if kept := attribute(owner, name):
            return f"{owner.node.name}.{kept}"
    return ""


def _named(path: str, target: ast.expr, suffix: str = "") -> str:
    match target:
        case ast.Subscript(value=owner):
            return _named(path, owner, ITEM)
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            around = _class_around(path, target)
            return f"{around[0]}.{name}{suffix}" if around[0] else f"{name}{suffix}"
        case ast.Name(id=name):
            cls, in_method = _class_around(path, target)
            return f"{cls}.{name}{suffix}" if cls and not in_method else f"{name}{suffix}"
        case ast.Attribute():
            return f"{ast.unparse(target)}{suffix}"
    return ""


def _class_around(path: str, node: ast.AST) -> tuple[str, bool]:
    """The class around a node, with those around it, and whether the node is in a function of it."""
    parents, names, in_method = source(path).parents, list[str](), False
    while (outer := parents.get(node)) is not None:
        if isinstance(outer, ast.ClassDef):
            names.insert(0, outer.name)
        elif isinstance(outer, Function):
            if names:
                break
            in_method = True
        node = outer
    return ".".join(names), in_method


def _of_objects(path: str, calls: list[ast.Call]) -> str:
    """The field in which an object of the one class called there keeps the lock that is made with it."""
    found = set()
    for call in calls:
        one = called(path, call.func)
        owners = [] if one is None else [(owner, list(lock_fields(owner.node))) for owner in lineage(one)]
        fields = [f"{owner.node.name}.{name}" for owner, names in owners for name in names]
        if fields:
            found.add(fields[0] if len(fields) == 1 else f"lock of {owners[0][0].node.name}")
    return found.pop() if len(found) == 1 else ""


def _of_defaults(path: str, tree: ast.AST, line: int) -> str:
    """The mapping that makes a lock for each key that it is asked for in that line."""
    asked = (node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and _covers(node, line))
    for owner in (node.value for node in asked):
        for target, value in _stored(tree, owner):
            match value:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[factory, *_]):
                    if name in _DEFAULTS and makes_lock(factory):
                        return _named(path, target, ITEM)
    return ""


def _stored(tree: ast.AST, owner: ast.expr) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Where a file stores what an expression of it loads, by name, and what."""
    text = ast.unparse(owner)
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                if ast.unparse(target).rpartition(".")[2] == text.rpartition(".")[2]:
                    yield target, value
