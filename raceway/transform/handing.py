"""Which calls of a base's constructor hand out the object that is being made. Serves `transform.making`.

    class Monitor:                                 class Depth(Monitor):
        def __init__(self):                            def __init__(self):
            Thread(target=self.run).start()                super().__init__()  # hands it out
                                                           self.late = 0       # no longer made

A base is looked into where the same module has it. Its constructor hands out the object where it gives it away, or a
bound method of it, where it starts itself as a thread, and where a method that it calls does so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_MAKERS = frozenset({"__init__", "__post_init__"})
_KEEPING = _MAKERS | frozenset("hasattr setattr delattr super len isinstance print repr str id bool type".split())
"""Calls that keep nothing of what they are given."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def handing(tree: ast.Module) -> set[ast.AST]:
    """The calls of constructors of bases that hand out the object which they are called for."""
    classes = _Classes(tree)
    found: set[ast.AST] = set()
    for node in classes.all():
        for function in classes.methods(node).values():
            if function.name in _MAKERS:
                found.update(call for call, name in _of_bases(function) if classes.base_hands_out(node, name))
    return found


class _Classes:
    """The classes of a module, by name."""

    def __init__(self, tree: ast.Module) -> None:
        self._named = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    def all(self) -> Iterator[ast.ClassDef]:
        yield from self._named.values()

    @staticmethod
    def methods(node: ast.ClassDef) -> dict[str, _Function]:
        """What the class itself defines."""
        return {part.name: part for part in node.body if isinstance(part, _FUNCTIONS)}

    def base_hands_out(self, node: ast.ClassDef, name: str, asked: frozenset[ast.AST] = frozenset()) -> bool:
        """Whether a method that is found in the bases of the class hands out its object."""
        return any(self._hands_out(base, name, asked) for base in self._bases(node))

    def _bases(self, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
        for base in node.bases:
            inner = base.value if isinstance(base, ast.Subscript) else base
            if isinstance(inner, ast.Name) and inner.id in self._named:
                yield self._named[inner.id]

    def _find(self, node: ast.ClassDef, name: str, asked: frozenset[ast.AST]) -> tuple[ast.ClassDef, _Function] | None:
        if node in asked:
            return None
        own = self.methods(node).get(name)
        if own is not None:
            return node, own
        found = (self._find(base, name, asked | {node}) for base in self._bases(node))
        return next((one for one in found if one is not None), None)

    def _hands_out(self, node: ast.ClassDef, name: str, asked: frozenset[ast.AST]) -> bool:
        found = self._find(node, name, frozenset())
        if found is None:
            return name == "start"  # that of a thread
        owner, function = found
        if function in asked or not function.args.args:
            return False
        asked |= {function}
        receiver = function.args.args[0].arg
        if any(self.base_hands_out(owner, called, asked) for _, called in _of_bases(function)):
            return True
        for parent in ast.walk(function):
            for child in ast.iter_child_nodes(parent):
                if _is(child, receiver) and _gives(parent):
                    return True
                if isinstance(child, ast.Attribute) and _is(child.value, receiver):
                    calls = isinstance(parent, ast.Call) and child is parent.func
                    if self._hands_out(node, child.attr, asked) if calls else self._binds(node, child):
                        return True
        return False

    def _binds(self, node: ast.ClassDef, attribute: ast.Attribute) -> bool:
        """Whether it is a method of the class, which is bound to its object and not called."""
        found = self._find(node, attribute.attr, frozenset())
        return found is not None and isinstance(attribute.ctx, ast.Load) and not found[1].decorator_list


def _of_bases(function: _Function) -> Iterator[tuple[ast.Call, str]]:
    """The calls of constructors of bases: `super().__init__()` and `Base.__init__(self)`, with what is called."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Call() | ast.Name())) if name in _MAKERS:
                yield node, name


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _gives(parent: ast.AST) -> bool:
    """Whether what stands right in there, an object, can be kept by somebody: as an argument, a value, an element."""
    if isinstance(parent, ast.Call):
        func = parent.func
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        return name not in _KEEPING
    return isinstance(parent, (ast.Assign, ast.keyword, ast.Tuple, ast.List, ast.Dict, ast.Set))
