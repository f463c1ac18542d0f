"""What a function does to an object that it has just made, before anybody else can know of it.

    def __init__(self):           row = {}
        self.parts = []           row["id"] = 1      # made
        self.parts.append(1)      self.rows = row    # handed out, whole
        Thread(target=self.run)   row["id"] = 2      # no longer made
        self.late = 0

Who finds such an object finds it through a reference that was stored later, so nothing that is made races with what
others do to it. Of objects only the receiver of `__init__` and `__post_init__` is known to be new, and containers
that are spelled out, copied, or made by calls of their types. An object is handed out where its name is used for
anything but an access of it; a method of the program may hand it out, too, if it gets it: methods of classes and static
ones do not, nor does a read of what the class itself gives a constant. Loops are walked twice, since what is handed
out at their end is so at their begin. What a branch hands out that ends by leaving the function is of no concern after
it.

What is stored in an object may be given to code of the program, by a property or another descriptor, or by
`__setattr__`: what that does to its object, as long as it has handed it to nobody, is part of making the object when a
store in the making has called it. Whether one has is known when it runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from raceway.transform.handing import handing
from raceway.transform.spelled import CONTAINERS, aligned, called, is_made, names_of_others

_MAKERS = frozenset({"__init__", "__post_init__"})
_SETTLING = frozenset({"tuple", "frozenset", "MappingProxyType", "replace", "_replace"})
_WHOLE = _SETTLING | {"sorted"}
_SETTLED = "="
"""Stands before the names of locals that hold what nobody changes, to whomever it is handed."""
_LENT = "~"
"""Stands before the names of locals that hold what was made here and then given to functions, to change it."""
_LOOKING = frozenset("len sorted sum min max any all isinstance print repr str range tuple frozenset id bool".split())
_ASKING = frozenset({"hasattr", "setattr", "delattr"})
_CLASS_METHODS = frozenset({"classmethod", "staticmethod"})
_OF_THREADS = frozenset({"setDaemon", "setName"})
"""Methods of threads that hand out nothing, unless the module has its own of that name."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Making:
    """What was found in one module: `bases` are expressions that denote an object which is still being made, `given`
    those of an object that a store in it gave to its own code, `whole` the targets of assignments that store a
    container which was made here. `quiet`: methods that do not hand out their object. `constants`: by maker, the
    attributes that its class gives constants. `handing`: the constructors of bases that hand out the object."""

    def __init__(self, tree: ast.Module) -> None:
        self.bases: set[ast.AST] = set()
        self.given: set[ast.AST] = set()
        self.whole: set[ast.AST] = set()
        self.quiet = frozenset(_quiet(tree))
        self.constants: dict[ast.AST, set[str]] = {}
        self.handing = handing(tree)
        makers: dict[ast.AST, ast.arg] = {}
        again = False
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found = dict(_makers(node))
                makers.update(found)
                self.constants.update(dict.fromkeys(found, _constants(node) if found else set()))
            again |= isinstance(node, ast.Attribute) and node.attr in _MAKERS and _is_name(node.value, "self")
        for node in ast.walk(tree):
            if isinstance(node, _FUNCTIONS):
                receiver = None if again else makers.get(node)
                _Function(self, node, "" if receiver is None else receiver.arg, self.bases)
                if given := _given(node):
                    _Function(self, node, given, self.given)


def _quiet(tree: ast.Module) -> set[str]:
    """Methods that do not hand out the object that they are called of, by name."""
    methods = [part for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body]
    known = [part for part in methods if isinstance(part, _FUNCTIONS)]
    without = {part.name for part in known if _is_of_class(part)}
    return (without | _OF_THREADS) - {part.name for part in known if not _is_of_class(part)}


def _is_of_class(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id in _CLASS_METHODS for one in node.decorator_list)


def _given(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The parameter for the object in which something is stored, of code that such a store calls; else empty."""
    is_setter = any(isinstance(one, ast.Attribute) and one.attr == "setter" for one in node.decorator_list)
    place = 1 if node.name == "__set__" else 0
    if not (is_setter or node.name in ("__set__", "__setattr__")):
        return ""
    parameters = (*node.args.posonlyargs, *node.args.args)
    return parameters[place].arg if len(parameters) > place else ""


def _makers(node: ast.ClassDef) -> Iterator[tuple[ast.AST, ast.arg]]:
    """The methods of a class that run once for each object, when it is new, with their receivers: what `__new__` gives
    back may be an old one."""
    methods = [part for part in node.body if isinstance(part, _FUNCTIONS)]
    if not any(part.name == "__new__" for part in methods):
        for part in methods:
            if part.name in _MAKERS and part.args.args:
                yield part, part.args.args[0]


def _constants(node: ast.ClassDef) -> set[str]:
    """The attributes that the class itself gives constants, and nothing else."""
    given: set[str] = set()
    other: set[str] = set()
    for part in node.body:
        match part:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant()):
                given.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant()):
                given.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                other.add(name)
            case _:
                other.update(inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name))
    return given - other


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


class _Function:
    """The walk over one function, in the order in which it runs. `fresh`: names and `name.attribute`s of what is being
    made, `receiver` among them if the function makes it; `stored`: the attributes that it was given so far, by its
    class or here; `guarded`: in how many blocks that may keep an exception from leaving the function."""

    def __init__(
        self, found: Making, node: ast.FunctionDef | ast.AsyncFunctionDef, receiver: str, bases: set[ast.AST]
    ) -> None:
        self._found = found
        self._bases = bases
        self._receiver = receiver
        self._fresh = {receiver} if receiver else set()
        self._stored = set(found.constants.get(node, ()))
        self._guarded = 0
        self._elsewhere = names_of_others(node)
        self._marks = True
        self._block(node.body)

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value)
            case ast.AnnAssign():
                if node.value is not None:
                    self._assign([node.target], node.value)
            case ast.AugAssign():
                self._use(node.value)
                self._target(node.target)
            case ast.If(test=test, body=body, orelse=orelse):
                self._use(test, looks=True)
                self._either(body, orelse)
            case ast.For() | ast.AsyncFor():
                self._use(node.iter, looks=True)
                self._forget(node.target)
                self._loop(node)
            case ast.While(test=test):
                self._use(test, looks=True)
                self._loop(node)
            case ast.Try() | ast.TryStar():
                before = set(self._fresh)
                self._guarded += 1
                self._block(node.body)
                self._fresh &= before
                for handler in node.handlers:
                    self._rebind(handler.name or "")
                self._either(node.orelse, *(handler.body for handler in node.handlers))
                self._guarded -= 1
                self._block(node.finalbody)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._use(item.context_expr)
                    if item.optional_vars is not None:
                        self._forget(item.optional_vars)
                self._guarded += 1
                self._block(node.body)
                self._guarded -= 1
            case ast.Match(subject=subject, cases=cases):
                self._use(subject)
                for part in ast.walk(node):
                    self._rebind(getattr(part, "name", None) or getattr(part, "rest", None) or "")
                self._either(*(case.body for case in cases), [])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._hide(node)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._target(target)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._use(child)

    def _either(self, *bodies: list[ast.stmt]) -> None:
        before, after = set(self._fresh), set(self._fresh)
        for body in bodies:
            self._fresh = set(before)
            self._block(body)
            if self._guarded or not _leaves(body):
                after &= self._fresh
        self._fresh = after

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        before = set(self._fresh)
        if self._marks:  # else it is looked ahead already; twice at each depth would be too often
            self._marks = False
            self._block(node.body)
            self._fresh &= before
            self._marks = True
        self._block(node.body)
        self._fresh &= before
        self._block(node.orelse)

    def _assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        if len(targets) == 1 and isinstance(value, ast.Tuple) and aligned(target := targets[0], value):
            for left, right in zip(target.elts, value.elts, strict=True):
                self._assign([left], right)
            return
        whole = self._is_whole(value)
        self._use(value)
        for target in targets:
            self._target(target)
            if whole and self._marks:
                self._found.whole.add(target)
            path = self._path(target)
            if path and len(targets) == 1 and is_made(value) and self._may_be(target):
                self._fresh.add(path)
            if isinstance(target, ast.Name) and self._is_settled(value) and self._may_be(target):
                self._fresh.add(_SETTLED + target.id)

    def _may_be(self, target: ast.expr) -> bool:
        """Whether what is stored there can only be reached through names that are looked at here."""
        if isinstance(target, ast.Name):
            return target.id not in self._elsewhere
        return isinstance(target, ast.Attribute) and self._path(target.value) in self._fresh

    def _is_whole(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Name):
            return not self._fresh.isdisjoint({value.id, _SETTLED + value.id, _LENT + value.id})
        if isinstance(value, ast.Call) and called(value) in _WHOLE:
            return True
        if isinstance(value, ast.BinOp):
            return self._is_whole(value.left) or self._is_whole(value.right)
        return isinstance(value, ast.Tuple) or is_made(value)

    def _is_settled(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Name):
            return _SETTLED + value.id in self._fresh
        if isinstance(value, ast.BinOp):
            return self._is_settled(value.left) or self._is_settled(value.right)
        return isinstance(value, ast.Tuple) or (isinstance(value, ast.Call) and called(value) in _SETTLING)

    def _target(self, target: ast.expr) -> None:
        if isinstance(target, (ast.Attribute, ast.Subscript)):
            self._base(target.value)
            if isinstance(target, ast.Subscript):
                self._use(target.slice)
            elif _is_name(target.value, self._receiver):
                self._stored.add(target.attr)
        self._forget(target)

    def _forget(self, target: ast.expr) -> None:
        """What the target denoted is another object now."""
        for node in ast.walk(target):
            path = self._path(node)
            if path and isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
                self._rebind(path)

    def _rebind(self, path: str) -> None:
        self._drop(path)
        self._fresh -= {_SETTLED + path, _LENT + path}

    def _drop(self, path: str) -> None:
        self._fresh = {other for other in self._fresh if other != path and not other.startswith(path + ".")}

    def _base(self, node: ast.expr) -> None:
        """An operand whose attribute or item is accessed, or which is looked at as a whole: it is not handed out."""
        path = self._path(node)
        own = isinstance(node, ast.Attribute) and node.attr == "__dict__" and self._path(node.value) in self._fresh
        if (path in self._fresh and path) or own:
            if self._marks:
                self._bases.add(node)
            if isinstance(node, ast.Attribute) and self._marks:
                self._bases.add(node.value)
        else:
            self._use(node)

    def _use(self, node: ast.AST, looks: bool = False) -> None:
        """An expression. `looks`: its value itself is not kept by anybody."""
        match node:
            case ast.Name(id=name):
                if not looks:
                    self._drop(name)
                elif name in self._fresh and self._marks:
                    self._bases.add(node)
            case ast.Attribute(value=value):
                self._attribute(node, value, looks)
            case ast.Subscript(value=value, slice=key):
                self._base(value)
                self._use(key)
            case ast.Call():
                self._call(node)
            case ast.Compare() | ast.UnaryOp() | ast.FormattedValue() | ast.Starred():
                for child in ast.iter_child_nodes(node):
                    self._use(child, looks=True)
            case ast.BoolOp(values=values):
                for value in values:
                    self._use(value, looks)
            case ast.Lambda():
                self._hide(node)
            case ast.NamedExpr(target=target, value=value):
                self._assign([target], value)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._use(child)

    def _attribute(self, node: ast.Attribute, value: ast.expr, looks: bool) -> None:
        path = self._path(node)
        own = _is_name(value, self._receiver)
        if (own and node.attr not in self._stored) or (not own and self._path(value) in self._fresh):
            self._use(value)  # perhaps a bound method, or a property
        else:
            self._base(value)
        if path in self._fresh and not looks:
            self._drop(path)

    def _call(self, node: ast.Call) -> None:
        func = node.func
        if isinstance(func, ast.Attribute):
            if _is_name(func.value, self._receiver) and func.attr not in self._found.quiet:
                self._use(func.value)
            else:
                self._base(func.value)
        else:
            self._use(func)
        looks = isinstance(func, ast.Name) and func.id in _LOOKING | CONTAINERS
        if node in self._found.handing:
            self._drop(self._receiver)
        # `Base.__init__(self)` is as good as `super().__init__()`, and what a descriptor passes on comes back.
        asks = func.id in _ASKING if isinstance(func, ast.Name) else called(node) in _MAKERS | {"__set__"}
        lent = {part.id for part in node.args if isinstance(part, ast.Name)} & self._fresh if _changes(func) else set()
        for place, argument in enumerate((*node.args, *node.keywords)):
            if asks and not place and isinstance(argument, ast.Name):
                self._base(argument)
            else:
                self._use(argument.value if isinstance(argument, ast.keyword) else argument, looks=looks)
        self._fresh |= {_LENT + name for name in lent}

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        for part in node.generators:
            self._use(part.iter, looks=True)
            for test in part.ifs:
                self._use(test, looks=True)
        for element in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._use(element)

    def _hide(self, node: ast.AST) -> None:
        """Code that runs later, and perhaps elsewhere, knows what it names."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                self._drop(part.id)

    @staticmethod
    def _path(node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return f"{node.value.id}.{node.attr}"
        return ""


def _changes(func: ast.expr) -> bool:
    """Whether a function may be there to change what it is given: a name that is not one of a class."""
    return isinstance(func, ast.Name) and not func.id[:1].isupper()


def _leaves(body: list[ast.stmt]) -> bool:
    """Whether the function is left at the end of a branch, and no earlier way out of it leads elsewhere."""
    if not body or not isinstance(body[-1], (ast.Return, ast.Raise)):
        return False
    return not any(isinstance(part, (ast.Break, ast.Continue)) for statement in body for part in ast.walk(statement))
