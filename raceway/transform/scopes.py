"""Which names are locals, captured cells and globals: Python's scoping rules, read off libcst's tree in one pass.

Only what taps need is kept: how often a name is bound in a scope, which scopes declare it `global` or `nonlocal`, and
which inner scopes use it. Nothing is recursive, so long expressions do not exhaust the stack.
"""

from __future__ import annotations

import enum
from collections import Counter

import libcst as cst

from raceway.transform.pairing import children_of


class ScopeKind(enum.Enum):
    """The four sorts of scope."""

    MODULE = "module"
    FUNCTION = "function"
    CLASS = "class"
    COMPREHENSION = "comprehension"


class Binding(enum.Enum):
    """Where a name used in a scope lives."""

    LOCAL = "local"
    CELL = "cell"
    GLOBAL = "global"
    CLASS = "class"
    BUILTIN = "builtin"


REBOUND = 2
"""Weight of a binding that may happen many times (a loop target, a nonlocal store)."""


class Scope:
    """One scope: the names bound in it with their number of bindings, and its declarations.

    `definitions` counts those bindings that are `def`, `class` or `import`; of the `imported` names `imports` are those
    bound by `import` itself, and `origins` has what they are in full; `packed` names `*args` and `**kwargs`. An
    `inlined` scope is a comprehension that runs on the spot: what it uses of the scope around is not captured.
    """

    def __init__(self, kind: ScopeKind, name: str, parent: Scope | None) -> None:
        self.kind = kind
        self.name = name
        self.parent = parent
        self.bound: Counter[str] = Counter()
        self.declared_globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.used: set[str] = set()
        self.captured: set[str] = set()
        self.definitions: Counter[str] = Counter()
        self.imports: set[str] = set()
        self.imported: set[str] = set()
        self.origins: dict[str, str] = {}
        self.packed: set[str] = set()
        self.inlined = False

    @property
    def qualified(self) -> str:
        """The name as `__qualname__` spells it; empty for a module."""
        if self.parent is None:
            return ""
        if self.kind is ScopeKind.COMPREHENSION:
            return self.parent.qualified
        outer = self.parent.qualified
        if not outer:
            return self.name
        return (
            f"{outer}.<locals>.{self.name}"
            if self.parent.function().kind is ScopeKind.FUNCTION
            else f"{outer}.{self.name}"
        )

    def function(self) -> Scope:
        """The nearest scope that is not a comprehension."""
        scope = self
        while scope.kind is ScopeKind.COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        return scope

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def owner_of(self, name: str) -> Scope | None:
        """The function or comprehension scope whose local `name` is, as seen from here; None for a global."""
        scope: Scope | None = self
        first = True
        while scope is not None and scope.kind is not ScopeKind.MODULE:
            if first or scope.kind is not ScopeKind.CLASS:
                if name in scope.declared_globals:
                    return None
                if name in scope.bound and name not in scope.nonlocals:
                    return scope
            first = False
            scope = scope.parent
        return None

    def is_global(self, name: str) -> bool:
        """Whether `name`, used in this scope, is that of a variable of the module."""
        return self.resolve(name) is Binding.GLOBAL

    def captures_from(self, owner: Scope) -> bool:
        """Whether a function, class or generator lies between `owner` and a use of its variable here."""
        scope: Scope | None = self
        while scope is not None and scope is not owner:
            if not scope.inlined:
                return True
            scope = scope.parent
        return False

    def resolve(self, name: str) -> Binding:
        """Where `name`, used in this scope, lives."""
        owner = self.owner_of(name)
        if owner is None:
            return Binding.GLOBAL if name in self.module().bound else Binding.BUILTIN
        if owner.kind is ScopeKind.CLASS:
            return Binding.CLASS
        return Binding.CELL if name in owner.captured else Binding.LOCAL

    def rebinds(self, name: str) -> bool:
        """Whether the variable may change while others see it.

        A global does unless it is only ever defined or imported (other modules can store it), a local when it is bound
        more than once.
        """
        owner = self.owner_of(name)
        scope = self.module() if owner is None else owner
        assigned = scope.bound[name] > scope.definitions[name]
        return assigned and (owner is None or scope.bound[name] > 1)

    def is_packed(self, name: str) -> bool:
        """Whether `name` is the `*args` or `**kwargs` of its function, an object that no other activation has."""
        owner = self.owner_of(name)
        return owner is not None and name in owner.packed and owner.bound[name] == 1


class Scopes:
    """The scopes of one module, by the libcst node that opens them."""

    def __init__(self, root: cst.Module) -> None:
        self.module = Scope(ScopeKind.MODULE, "", None)
        self.of: dict[cst.CSTNode, Scope] = {root: self.module}
        self._stores: list[tuple[Scope, str, int]] = []
        self._walk(root)
        self._settle()

    def _walk(self, root: cst.Module) -> None:
        stack: list[tuple[cst.CSTNode, Scope]] = [(root, self.module)]
        while stack:
            node, scope = stack.pop()
            handler = _HANDLERS.get(type(node))
            inner = handler(self, node, scope) if handler is not None else None
            if inner is None:
                stack.extend((child, scope) for child in children_of(node))
            else:
                stack.extend(inner)

    def open(self, node: cst.CSTNode, kind: ScopeKind, name: str, parent: Scope) -> Scope:
        """A new scope for `node`."""
        scope = self.of[node] = Scope(kind, name, parent)
        return scope

    def bind(self, scope: Scope, name: str, weight: int = 1) -> None:
        """Note that `name` is bound in `scope`; declarations are applied when all are known."""
        self._stores.append((scope, name, weight))

    def bind_target(self, scope: Scope, target: cst.CSTNode, weight: int = 1) -> None:
        """Note the names that an assignment target binds."""
        stack = [target]
        while stack:
            node = stack.pop()
            if isinstance(node, cst.Name):
                self.bind(scope, node.value, weight)
            elif isinstance(node, (cst.Tuple, cst.List)):
                stack.extend(element.value for element in node.elements)
            elif isinstance(node, cst.StarredElement):
                stack.append(node.value)

    def _settle(self) -> None:
        for scope, name, weight in self._stores:
            if name not in scope.declared_globals and name not in scope.nonlocals:
                scope.bound[name] += weight
        for scope, name, _weight in self._stores:
            if name in scope.declared_globals:
                self.module.bound[name] += REBOUND
            elif name in scope.nonlocals:
                owner = scope.owner_of(name)
                if owner is not None:
                    owner.bound[name] += REBOUND
                    owner.captured.add(name)
        for scope in self.of.values():
            for name in scope.used | scope.nonlocals:
                owner = scope.owner_of(name)
                if owner is not None and owner.kind is not ScopeKind.CLASS and scope.captures_from(owner):
                    owner.captured.add(name)


Inner = list[tuple[cst.CSTNode, Scope]]


def _function(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> Inner:
    assert isinstance(node, (cst.FunctionDef, cst.Lambda))
    name = node.name.value if isinstance(node, cst.FunctionDef) else "<lambda>"
    around = _type_parameters(scopes, node, scope) if isinstance(node, cst.FunctionDef) else scope
    inner = scopes.open(node, ScopeKind.FUNCTION, name, around)
    outside: Inner = []
    if isinstance(node, cst.FunctionDef):
        scopes.bind(scope, name)
        scope.definitions[name] += 1
        outside.extend((decorator, scope) for decorator in node.decorators)
    parameters = node.params
    stars = (parameters.star_arg, parameters.star_kwarg)
    for param in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params, *stars):
        if isinstance(param, cst.Param):
            scopes.bind(inner, param.name.value)
            if param in stars:
                inner.packed.add(param.name.value)
            if param.default is not None:
                outside.append((param.default, scope))
    return [*outside, (node.body, inner)]


def _type_parameters(scopes: Scopes, node: cst.FunctionDef | cst.ClassDef, scope: Scope) -> Scope:
    """The scope of `[T]` in `def f[T]()` and `class C[T]`."""
    if node.type_parameters is None:
        return scope
    around = Scope(ScopeKind.COMPREHENSION, "<type parameters>", scope)
    for parameter in node.type_parameters.params:
        scopes.bind(around, parameter.param.name.value)
    return around


def _class(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> Inner:
    assert isinstance(node, cst.ClassDef)
    scopes.bind(scope, node.name.value)
    scope.definitions[node.name.value] += 1
    around = _type_parameters(scopes, node, scope)
    inner = scopes.open(node, ScopeKind.CLASS, node.name.value, around)
    outside = [(decorator, scope) for decorator in node.decorators]
    return [*outside, *((argument, around) for argument in (*node.bases, *node.keywords)), (node.body, inner)]


def _comprehension(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> Inner:
    assert isinstance(node, (cst.ListComp, cst.SetComp, cst.GeneratorExp, cst.DictComp))
    inner = scopes.open(node, ScopeKind.COMPREHENSION, "<comprehension>", scope)
    inner.inlined = not isinstance(node, cst.GeneratorExp)
    first = node.for_in
    parts: Inner = [(first.iter, scope)]
    parts.extend((part, inner) for part in ((node.key, node.value) if isinstance(node, cst.DictComp) else (node.elt,)))
    clause: cst.CompFor | None = first
    while clause is not None:
        scopes.bind_target(inner, clause.target)
        parts.append((clause.target, inner))
        if clause is not first:
            parts.append((clause.iter, inner))
        parts.extend((condition, inner) for condition in clause.ifs)
        clause = clause.inner_for_in
    return parts


def _name(_scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    assert isinstance(node, cst.Name)
    scope.used.add(node.value)


def _assign(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    assert isinstance(node, cst.Assign)
    for target in node.targets:
        scopes.bind_target(scope, target.target)


def _single_target(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    assert isinstance(node, (cst.AnnAssign, cst.AugAssign, cst.For, cst.NamedExpr, cst.Del))
    where = scope.function() if isinstance(node, cst.NamedExpr) else scope
    scopes.bind_target(where, node.target, REBOUND if isinstance(node, (cst.For, cst.AugAssign, cst.Del)) else 1)


def _as_name(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    if isinstance(node, cst.WithItem) and node.asname is not None:
        scopes.bind_target(scope, node.asname.name)
    elif isinstance(node, (cst.ExceptHandler, cst.ExceptStarHandler)) and node.name is not None:
        scopes.bind_target(scope, node.name.name, REBOUND)


def _import(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    assert isinstance(node, (cst.Import, cst.ImportFrom))
    if isinstance(node.names, cst.ImportStar):
        return
    for alias in node.names:
        target: cst.CSTNode = alias.asname.name if alias.asname is not None else alias.name
        while isinstance(target, cst.Attribute):
            target = target.value
        if isinstance(target, cst.Name):
            scopes.bind(scope, target.value)
            scope.definitions[target.value] += 1
            scope.imported.add(target.value)
            if isinstance(node, cst.Import):
                scope.imports.add(target.value)
            scope.origins[target.value] = _origin(node, alias)


def _origin(node: cst.Import | cst.ImportFrom, alias: cst.ImportAlias) -> str:
    """What an imported name is in full; empty for a name of a package's inside."""
    if not isinstance(alias.name, cst.Name):
        return ""
    if isinstance(node, cst.Import):
        return alias.name.value
    return "" if node.relative or not isinstance(node.module, cst.Name) else f"{node.module.value}.{alias.name.value}"


def _declaration(_scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    assert isinstance(node, (cst.Global, cst.Nonlocal))
    names = {item.name.value for item in node.names}
    (scope.declared_globals if isinstance(node, cst.Global) else scope.nonlocals).update(names)


class _PatternNames(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def visit_MatchAs(self, node: cst.MatchAs) -> None:  # noqa: N802 - libcst's own naming
        if node.name is not None:
            self.names.append(node.name.value)

    def visit_MatchStar(self, node: cst.MatchStar) -> None:  # noqa: N802
        if node.name is not None:
            self.names.append(node.name.value)

    def visit_MatchMapping(self, node: cst.MatchMapping) -> None:  # noqa: N802
        if node.rest is not None:
            self.names.append(node.rest.value)


def captured_names(pattern: cst.MatchPattern) -> list[str]:
    """The names that a pattern of a `match` statement binds."""
    found = _PatternNames()
    pattern.visit(found)
    return found.names


def _match_case(scopes: Scopes, node: cst.CSTNode, scope: Scope) -> None:
    assert isinstance(node, cst.MatchCase)
    for name in captured_names(node.pattern):
        scopes.bind(scope, name)


_HANDLERS = {
    cst.FunctionDef: _function,
    cst.Lambda: _function,
    cst.ClassDef: _class,
    cst.ListComp: _comprehension,
    cst.SetComp: _comprehension,
    cst.DictComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    cst.Name: _name,
    cst.Assign: _assign,
    cst.AnnAssign: _single_target,
    cst.AugAssign: _single_target,
    cst.For: _single_target,
    cst.NamedExpr: _single_target,
    cst.Del: _single_target,
    cst.WithItem: _as_name,
    cst.ExceptHandler: _as_name,
    cst.ExceptStarHandler: _as_name,
    cst.Import: _import,
    cst.ImportFrom: _import,
    cst.Global: _declaration,
    cst.Nonlocal: _declaration,
    cst.MatchCase: _match_case,
}
