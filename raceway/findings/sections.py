"""Whether critical sections can be looked through: `with lock:` whose body does nothing that Raceway does not see.

What code of others does with data of its own is not recorded, so a section that calls it may depend on what an earlier
one has done there. Told from the source: a section is looked through when it is a `with` block of own code and all that
it calls, and what that calls, is own code, a method of a built-in container or text, or a function without a memory.
Names are enough: a method may be any of that name. Sources are read when they are first asked for.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable

from raceway.findings import naming

_FUNCTIONS = frozenset(
    "abs all any bool bytes dict divmod enumerate float frozenset getattr hasattr hash id int isinstance issubclass "
    "len list max min print range repr reversed round set setattr sorted str sum super tuple type zip".split()
)
_METHODS = frozenset(
    "append appendleft extend extendleft insert pop popleft popitem remove discard add clear update setdefault sort "
    "get reverse rotate move_to_end subtract difference_update intersection_update symmetric_difference_update items "
    "keys values copy index count union intersection difference startswith endswith strip lower upper split join "
    "format encode decode replace".split()
)
_PAUSES = (ast.Await, ast.Yield, ast.YieldFrom, ast.AsyncWith, ast.AsyncFor, ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Sections:
    """The critical sections of a program. `files` gives the files of its own code so far."""

    def __init__(self, files: Callable[[], Iterable[str]]) -> None:
        self._files = files
        self._read: set[str] = set()
        self._blocks: dict[tuple[str, int], list[ast.stmt]] = {}
        self._named: dict[str, list[list[ast.stmt]]] = {}
        self._answers: dict[tuple[str, int], bool] = {}

    def opaque(self, file: str, line: int) -> bool:
        """Whether the section whose lock was taken there may depend on what is not seen."""
        answer = self._answers.get((file, line))
        if answer is None:
            self._look()
            body = self._blocks.get((file, line))
            answer = self._answers[file, line] = body is None or not self._clear(body, set())
        return answer

    def _look(self) -> None:
        for file in self._files():
            tree = None if file in self._read else naming.parsed(file)
            self._read.add(file)
            for node in ast.walk(tree) if tree is not None else ():
                if isinstance(node, ast.With):
                    for line in range(node.lineno, node.body[0].lineno + 1):
                        self._blocks.setdefault((file, line), node.body)
                elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self._named.setdefault(node.name, []).append(node.body)
                elif isinstance(node, ast.ClassDef):
                    functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
                    makes = [one.body for one in functions if one.name == "__init__"]
                    self._named.setdefault(node.name, []).extend(makes or [[]])

    def _clear(self, body: Iterable[ast.AST], asked: set[str]) -> bool:
        """Whether nothing in the body is out of sight. `asked` are the names that are being looked into."""
        todo = list(body)
        while todo:
            node = todo.pop()
            if isinstance(node, _PAUSES) or (isinstance(node, ast.Call) and not self._calls_clear(node.func, asked)):
                return False
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and not self._own(node.attr, asked):
                return False  # a property, as it may be
            if not isinstance(node, _DEFINITIONS):
                todo.extend(ast.iter_child_nodes(node))
        return True

    def _calls_clear(self, called: ast.expr, asked: set[str]) -> bool:
        if isinstance(called, ast.Name):
            if called.id in self._named:
                return self._own(called.id, asked)
            kind = getattr(builtins, called.id, None)
            return called.id in _FUNCTIONS or (isinstance(kind, type) and issubclass(kind, BaseException))
        if isinstance(called, ast.Attribute):
            return called.attr in self._named or called.attr in _METHODS  # an attribute is asked for its body, too
        return False

    def _own(self, name: str, asked: set[str]) -> bool:
        """Whether all own functions of that name can be looked through."""
        if name in asked:
            return True
        asked.add(name)
        return all(self._clear(body, asked) for body in self._named.get(name, ()))
