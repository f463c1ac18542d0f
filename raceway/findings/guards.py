"""Which lock the program says guards a variable: `self.count = 0  # raceway: guarded-by(self._lock)`.

The comment stands at the end of the line that assigns the variable, or alone on the line above. Accesses are judged as
if under that lock. One that Raceway observes is held or not: a race on the variable is a breach, and the finding says
who does not hold the lock. One of the program's own making is taken on trust: the finding is benign, and says so.
Sources are read only when there are findings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from raceway.findings import naming
from raceway.findings.sides import unnumbered
from raceway.findings.syntax import spelled
from raceway.model.struct import Struct

_COMMENT = re.compile(r"#\s*raceway:\s*guarded-by\((?P<lock>[\w.\[\]'\"]+)\)")
_OBSERVED = frozenset({"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "allocate_lock"})


class Guard(Struct):
    """A declaration: the lock as the comment spells it, where, and whether it is one that Raceway observes."""

    lock: str
    file: str
    line: int
    observed: bool


class Guards:
    """The declarations in these files, and who inherits them."""

    def __init__(self, files: Iterable[str]) -> None:
        self._guards: dict[str, Guard] = {}
        self._bases: dict[str, tuple[str, ...]] = {}
        for file in files:
            lines = naming.source_lines(file)
            found = [
                (number, match["lock"]) for number, text in enumerate(lines, 1) if (match := _COMMENT.search(text))
            ]
            if found:
                self._read(file, lines, found)

    def of(self, variable: str) -> Guard | None:
        """The guard of a variable, by the name that a finding gives it; a container's items are guarded with it."""
        owner, _, name = variable.removesuffix("[...]").rpartition(".")
        seen: set[str] = set()
        todo = [owner]
        while todo:
            cls = todo.pop()
            guard = self._guards.get(f"{cls}.{name}" if cls else name)
            if guard is not None:
                return guard
            seen.add(cls)
            todo.extend(base for base in self._bases.get(cls, ()) if base not in seen)
        return self._guards.get(name) if owner.islower() else None  # a global of a module, by its full name

    def _read(self, file: str, lines: list[str], found: list[tuple[int, str]]) -> None:
        tree = naming.parsed(file)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.ClassDef):
                self._bases[node.name] = tuple(spelled(base) for base in node.bases)
        for number, lock in found:
            alone = lines[number - 1].lstrip().startswith("#")
            variable = naming.assigned_name(file, number + alone)
            if variable:
                observed = tree is None or _is_observed(tree, lock.rpartition(".")[2])
                self._guards[variable] = Guard(lock, file, number, observed)


def _is_observed(tree: ast.Module, name: str) -> bool:
    """Whether the lock called `name` is one of the standard library's, or made where that cannot be told."""
    made = [value for node in ast.walk(tree) if (value := _assigned(node, name)) is not None]
    return not made or any(_makes_lock(value) for value in made)


def _assigned(node: ast.AST, name: str) -> ast.expr | None:
    """What the node assigns to something whose last name is `name`."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return None
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return node.value if any(spelled(target) == name for target in targets) else None


def _makes_lock(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    factories = [keyword.value for keyword in value.keywords if keyword.arg == "default_factory"]
    return any(spelled(made) in _OBSERVED for made in (value.func, *factories))


def missing(guard: Guard, held: tuple[str, ...]) -> bool:
    """Whether none of the locks held is the guard, as far as their names tell."""
    return all(unnumbered(name).rpartition(".")[2] != guard.lock.rpartition(".")[2] for name in held)
