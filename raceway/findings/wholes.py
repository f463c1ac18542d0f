"""What sources tell of variables that hold whole values: what is stored in them.

A value is whole if it is there from the beginning, is no mark of there being none (None, 0, an empty list), and if
nobody is seen to change it in place. The classes, functions and attributes of a program are known by their names: where
two have the same one, what is told of either of them counts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from raceway.findings.loads import changes_itself
from raceway.findings.sources import Def, File, Sources, outwards, parameters
from raceway.findings.syntax import spelled
from raceway.model.sites import Site

_CONSTRUCTORS = frozenset({"__init__", "__post_init__"})
_EMPTY = frozenset("dict list set tuple frozenset bytearray deque defaultdict Counter OrderedDict object".split())
"""Calls that make something to be filled, if they are given nothing."""
_SCALARS = frozenset("int float bool str len ord hash id min max sum abs round get_ident get_native_id".split())
_PERHAPS = frozenset({"get", "pop", "popitem", "popleft", "getattr", "next", "wait", "acquire"})
"""Calls that may well give None or True."""
_MARKS = (type(None), bool)
_DEPTH = 3
_OF_PARTS = (ast.Name, ast.Call, ast.List, ast.Set, ast.Dict, ast.Await, ast.IfExp, ast.Attribute, ast.Subscript)
"""What may give something that is to be filled."""

_Store = tuple[ast.AST, ast.expr]
"""A statement that stores something, and the target."""


class Wholes:
    """What is stored in the variables of a program."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def of_class(self, owner: str, name: str) -> bool:
        """Whether an attribute is given a whole value by the constructor of its class, and such values ever after."""
        begins, seen, todo = False, set[str](), [owner.rpartition(".")[2]]
        while todo:
            cls = todo.pop()
            found = [(file, node) for file in self._sources.naming(f"class {cls}") for node in file.classes(cls)]
            if len(found) > 1 or (not found and cls == owner.rpartition(".")[2]):
                return False
            for file, node in found:
                inside = [one for one in _stores(file, name) if node in outwards(file, one[1])]
                begins |= any(_constructs(part, statement) for part in node.body for statement, _target in inside)
                begins |= _is_field(node, name) and self._is_given(node.name)
                if not self._are_whole(file, inside) or not _passes_on(node):
                    return False
                if _uses_up(file, inside, file.attributes(name)):
                    return False
                todo.extend(base for base in _bases(node) if base not in seen)
            seen.add(cls)
        return begins and self._is_left_alone(name)

    def of_module(self, path: str, name: str) -> bool:
        """Whether a global is given a whole value by its module, and such values ever after."""
        file = self._sources.file(path)
        uses = list(_names(file, name))
        inside = [(file.statement(node), node) for node in uses if not isinstance(node.ctx, ast.Load)]
        begins = any(isinstance(file.around(statement), ast.Module) for statement, _target in inside)
        changed = any(map(file.is_changed, uses)) or _uses_up(file, inside, uses)
        return begins and not changed and self._are_whole(file, inside) and self._is_left_alone(name)

    def is_one_value(self, path: str, site: Site) -> bool:
        """Whether what a site stores is a value of its own, and no container that is still to be filled."""
        file = self._sources.file(path)
        value = file.stored(site.line)
        if site.literal or value is None:
            return bool(site.literal)
        return not isinstance(value, _OF_PARTS) or self._is_whole(file, value, _DEPTH)

    def _is_left_alone(self, name: str) -> bool:
        """Whether code that is not of the class stores nothing else, and nobody changes in place what is there."""
        for file in self._sources.naming(f".{name}"):
            stores = [(statement, target) for statement, target in _stores(file, name) if not _is_own(file, target)]
            uses = file.attributes(name)
            if not self._are_whole(file, stores) or any(map(file.is_changed, uses)) or _uses_up(file, stores, uses):
                return False
        return True

    def _are_whole(self, file: File, stores: Sequence[_Store]) -> bool:
        for statement, target in stores:
            match statement:
                case ast.Assign(targets=targets, value=value) if target in targets:
                    pass
                case ast.AnnAssign(target=only, value=ast.expr() as value) if only is target:
                    pass
                case _:
                    return False
            if not self._is_whole(file, value, _DEPTH):
                return False
        return True

    def _is_whole(self, file: File, value: ast.expr, depth: int) -> bool:
        match value:
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
                return bool(parts)
            case ast.ListComp() | ast.SetComp() | ast.DictComp():
                return True
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                fills = called not in _EMPTY or bool(value.args or value.keywords)
                return fills and called not in _SCALARS | _PERHAPS
            case ast.Name():
                function = file.function(value)
                return isinstance(function, Def) and depth > 0 and self._is_local(file, function, value, depth)
        return False

    def _is_local(self, file: File, function: Def, stored: ast.Name, depth: int) -> bool:
        """Whether a local holds a whole value where it is stored, which the function does not change later."""
        uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == stored.id]
        changes = [node for node in uses if file.is_changed(node)]
        if _is_changed_later(file, stored):
            return False
        bound, again = [node for node in uses if not isinstance(node.ctx, ast.Load)], _targets(file.statement(stored))
        if stored.id in (defaults := parameters(function)):
            default = defaults[stored.id]
            given = default is None or self._is_whole(file, default, depth - 1)
            cls = file.owner(function) if function.name in _CONSTRUCTORS else None
            return given and not bound and self._is_given(function.name if cls is None else cls.name)
        for node in bound:
            match file.around(node):
                case ast.Assign(targets=[target], value=ast.expr() as value) if target is node:
                    filled = bool(changes) and not isinstance(value, ast.Constant)
                    if not filled and spelled(value) not in again and not self._is_whole(file, value, depth - 1):
                        return False
                case _:
                    return False
        return bool(bound)

    def _is_given(self, name: str) -> bool:
        """Whether no call of a function or class is seen to pass a mark of there being none."""
        for other in self._sources.naming(name):
            for node in ast.walk(other.tree):
                match node:
                    case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called == name:
                        given = [*node.args, *(keyword.value for keyword in node.keywords)]
                    case ast.Assign(targets=[ast.Attribute(attr=called)], value=value) if called == name:
                        given = [value]  # of a property
                    case _:
                        continue
                if any(isinstance(one, ast.Constant) and isinstance(one.value, _MARKS) for one in given):
                    return False
                if any(isinstance(one, ast.Name) and _is_changed_later(other, one) for one in given):
                    return False
        return True


def _uses_up(file: File, stores: Sequence[_Store], loads: Sequence[ast.Attribute | ast.Name]) -> bool:
    """Whether a function that stores a value loads the one before, for instance to close it: who has that still uses
    it. One that only compares them does not, nor what makes the new one of it, or asks for that again."""
    functions = {file.function(target) for _statement, target in stores}
    storing = {one for one in functions if isinstance(one, Def) and one.name not in _CONSTRUCTORS}
    return any(
        isinstance(node.ctx, ast.Load)
        and file.function(node) in storing
        and not _is_compared(file, node)
        and not _is_made_of(file, node, stores)
        for node in loads
    )


def _is_made_of(file: File, node: ast.expr, stores: Sequence[_Store]) -> bool:
    """Whether a value is loaded by the statement that stores the next one, or for it, or where that is there."""
    own, function = file.statement(node), file.function(node)
    return _leads_to(file, node, [one for one, target in stores if file.function(target) is function]) or any(
        own is statement or (file.function(target) is function and own.lineno > target.lineno)
        for statement, target in stores
        if isinstance(own, ast.stmt)
    )


def _leads_to(file: File, node: ast.expr, stores: Sequence[ast.AST]) -> bool:
    """Whether a value is loaded into a local that is for nothing but to make, in steps, what is stored, and to be
    compared; and does not change."""
    if not (names := _targets(file.statement(node), node)):
        return False
    uses = [use for name in names for use in file.names(name) if file.function(use) is file.function(node)]
    steps = _steps(file.function(node), stores)
    return bool(uses) and not any(
        file.is_changed(use)
        or _is_told_to_change(file, use)
        or isinstance(file.around(use), ast.AugAssign)
        or (isinstance(use.ctx, ast.Load) and not (_is_compared(file, use) or file.statement(use) in steps))
        for use in uses
    )


def _is_told_to_change(file: File, use: ast.expr) -> bool:
    """Whether a method is called that changes its object."""
    method = file.around(use)
    called = isinstance(method, ast.Attribute) and isinstance(file.around(method), ast.Call)
    return called and any(changes_itself(file, one) for one in file.functions(spelled(method)) if file.owner(one))


def _steps(function: ast.AST, stores: Sequence[ast.AST]) -> set[ast.AST]:
    """The assignments of a function to locals from which, in steps, what is stored is made; and the stores."""
    steps, makes = set[ast.AST](stores), list[ast.AST](stores)
    assigned = [part for part in ast.walk(function) if isinstance(part, (ast.Assign, ast.AnnAssign))]
    while makes:
        needed = {part.id for part in ast.walk(makes.pop()) if isinstance(part, ast.Name)}
        new = [part for part in assigned if part not in steps and needed & _targets(part)]
        steps.update(new)
        makes.extend(new)
    return steps


def _targets(statement: ast.AST, value: ast.expr | None = None) -> set[str]:
    """What an assignment gives a value to, by name: that value, if one is given."""
    match statement:
        case ast.Assign(targets=targets, value=given) if value is None or value is given:
            return {spelled(target) for target in targets} - {""}
        case ast.AnnAssign(target=target, value=given) if value is None or value is given:
            return {spelled(target)} - {""}
    return set()


def _is_compared(file: File, node: ast.expr) -> bool:
    """Whether a value, or a part of it, is loaded to be compared: at once, or by a local that is for nothing else."""
    part: ast.AST = node
    while isinstance(outer := file.around(part), ast.Attribute):
        part = outer
    match outer:
        case ast.Compare():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) if part is not node:
            uses = (one for one in file.names(name) if file.function(one) is file.function(node))
            return all(not isinstance(one.ctx, ast.Load) or isinstance(file.around(one), ast.Compare) for one in uses)
    return False


def _is_changed_later(file: File, given: ast.Name) -> bool:
    """Whether what a local holds is changed in place after a use of it."""
    return any(
        isinstance(node, ast.Name)
        and node.id == given.id
        and (node.lineno, node.col_offset) > (given.lineno, given.col_offset)
        and file.is_changed(node)
        for node in ast.walk(file.function(given))
    )


def _constructs(method: ast.stmt, statement: ast.AST) -> bool:
    """Whether a method is a constructor that makes a statement in any case."""
    return isinstance(method, Def) and method.name in _CONSTRUCTORS and statement in method.body


def _bases(cls: ast.ClassDef) -> Iterator[str]:
    for base in cls.bases:
        if isinstance(base, (ast.Name, ast.Attribute)):
            yield base.id if isinstance(base, ast.Name) else base.attr


def _is_field(cls: ast.ClassDef, name: str) -> bool:
    """Whether a dataclass has its constructor store an attribute, which must be given and may not be None."""
    makes = any("dataclass" in ast.unparse(one) for one in cls.decorator_list)
    for part in cls.body if makes else ():
        match part:
            case ast.AnnAssign(target=ast.Name(id=same), annotation=annotation, value=None) if same == name:
                return not {"None", "Optional", "bool", "int", "float", "str"} & _words(annotation)
    return False


def _words(node: ast.AST) -> set[str]:
    """The names in an annotation."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)}


def _passes_on(cls: ast.ClassDef) -> bool:
    """Whether the constructor of a class calls those of its bases, if it has any."""
    own = [part for part in cls.body if isinstance(part, Def) and part.name == "__init__"]
    calls = (isinstance(part, ast.Attribute) and part.attr == "__init__" for one in own for part in ast.walk(one))
    return not own or not cls.bases or any(calls)


def _stores(file: File, name: str) -> Iterator[_Store]:
    """What stores or deletes attributes of a name."""
    for node in file.attributes(name):
        if not isinstance(node.ctx, ast.Load):
            yield file.statement(node), node


def _names(file: File, name: str) -> Iterator[ast.Name]:
    """All places of a module where its global of a name is used."""
    locals_of: dict[ast.AST, bool] = {}
    for node in file.names(name):
        function = file.function(node)
        if function not in locals_of:
            locals_of[function] = not isinstance(function, ast.Module) and _is_local(function, name)
        if not locals_of[function]:
            yield node


def _is_local(function: ast.AST, name: str) -> bool:
    """Whether a function has a variable of its own of that name."""
    stores = (
        isinstance(part, ast.Name) and part.id == name and not isinstance(part.ctx, ast.Load)
        for part in ast.walk(function)
    )
    return not _declares(function, name) and (name in parameters(function) or any(stores))


def _declares(function: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Global) and name in part.names for part in ast.walk(function))


def _is_own(file: File, target: ast.expr) -> bool:
    """Whether a method stores an attribute of its own object."""
    function = file.function(target)
    if not isinstance(function, Def) or file.owner(function) is None or not isinstance(target, ast.Attribute):
        return False
    first = next(iter(parameters(function)), "")
    return isinstance(target.value, ast.Name) and target.value.id == first
