"""The sources of a run, to look for all that a program does with a name; each is parsed once, when it has the name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from raceway.findings import naming
from raceway.findings.syntax import Function, Source, place, source
from raceway.model.sites import Site

CHANGING = frozenset(
    "append appendleft extend extendleft insert pop popitem popleft remove clear update setdefault add discard sort "
    "reverse rotate move_to_end difference_update intersection_update symmetric_difference_update __setitem__".split()
)
"""Methods that change a container in place."""

_ENDING = frozenset("close aclose shutdown stop terminate kill cancel disconnect dispose release join quit".split())
"""Methods after which what is called is of no use to those who have it."""

Def = ast.FunctionDef | ast.AsyncFunctionDef


class File:
    """One source: its tree and what is around each node of it."""

    def __init__(self, known: Source) -> None:
        self._known = known
        self.tree: ast.AST = next(iter(known.parents.values()), ast.Module([], []))

    def at(self, site: Site) -> ast.expr | None:
        """The expression of a site."""
        return self._known.expressions.get(place(site))

    def around(self, node: ast.AST) -> ast.AST:
        """What is right around a node; of the module itself, it."""
        return self._known.parents.get(node, node)

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement that a node is in."""
        while not isinstance(node, (ast.stmt, ast.Module)):
            node = self.around(node)
        return node

    def function(self, node: ast.AST) -> ast.AST:
        """The function that a node is in; the module outside of any."""
        node = self.around(node)
        while not isinstance(node, (Function, ast.Module)):
            node = self.around(node)
        return node

    def owner(self, function: ast.AST) -> ast.ClassDef | None:
        """The class that has the function as a method."""
        cls = self.around(function)
        return cls if isinstance(cls, ast.ClassDef) else None

    def attributes(self, name: str) -> list[ast.Attribute]:
        """All attributes of a name, loaded or stored."""
        return self._attributes[name]

    def names(self, name: str) -> list[ast.Name]:
        """All variables of a name, whichever function they belong to."""
        return self._names[name]

    def functions(self, name: str) -> list[Def]:
        """All functions of a name."""
        return [node for node in self._functions if node.name == name]

    def classes(self, name: str) -> list[ast.ClassDef]:
        """All classes of a name."""
        return [node for node in self._classes if node.name == name]

    def stored(self, line: int) -> ast.expr | None:
        """What the assignment in a line stores."""
        return self._stored.get(line)

    @cached_property
    def _attributes(self) -> dict[str, list[ast.Attribute]]:
        found: dict[str, list[ast.Attribute]] = defaultdict(list)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                found[node.attr].append(node)
        return found

    @cached_property
    def _names(self) -> dict[str, list[ast.Name]]:
        found: dict[str, list[ast.Name]] = defaultdict(list)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                found[node.id].append(node)
        return found

    @cached_property
    def _functions(self) -> list[Def]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Def)]

    @cached_property
    def _classes(self) -> list[ast.ClassDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]

    @cached_property
    def _stored(self) -> dict[int, ast.expr]:
        statements = (node for node in ast.walk(self.tree) if isinstance(node, (ast.Assign, ast.AnnAssign)))
        return {node.lineno: node.value for node in statements if node.value is not None}

    def is_changed(self, node: ast.AST) -> bool:
        """Whether what an expression gives is changed in place where it stands, or a part of it is."""
        outer = self.around(node)
        while isinstance(outer, (ast.Attribute, ast.Subscript)) and outer.value is node:
            node, outer = outer, self.around(outer)
            if not isinstance(node.ctx, ast.Load):
                return True
            is_called = isinstance(outer, ast.Call) and outer.func is node
            if is_called and isinstance(node, ast.Attribute) and node.attr in CHANGING | _ENDING:
                return True
        return False


class Sources:
    """The files of the watched modules of a run."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._known: dict[str, File] = {}

    def file(self, path: str) -> File:
        """A source."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = File(source(path))
        return known

    def naming(self, text: str) -> Iterator[File]:
        """Those in which the text stands somewhere."""
        for path in self._files:
            if path in self._known or any(text in line for line in naming.source_lines(path)):
                yield self.file(path)


def outwards(file: File, node: ast.AST) -> Iterator[ast.AST]:
    """A node of a file, what it is in, and so on."""
    while not isinstance(node, ast.Module):
        yield node
        node = file.around(node)


def parameters(function: ast.AST) -> dict[str, ast.expr | None]:
    """The parameters of a function, each with its default."""
    if not isinstance(function, Def):
        return {}
    given = function.args
    plain = [one.arg for one in (*given.posonlyargs, *given.args)]
    found: dict[str, ast.expr | None] = dict.fromkeys(plain)
    if given.defaults:
        found.update(zip(plain[-len(given.defaults) :], given.defaults, strict=True))
    found.update((one.arg, value) for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True))
    return found
