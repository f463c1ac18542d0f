"""The package as syntax trees: what the architecture tests read instead of importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "raceway"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file of the package; `module` is its dotted name, `path` relative to the root of the project."""

    path: str
    module: str
    is_package: bool
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """The package or top-level module it belongs to, empty for `raceway/__init__.py`."""
        return part_of(self.module)


@dataclass(frozen=True)
class Import:
    """One imported name: `target` is a dotted name, which may end in a name that is not a module."""

    target: str
    line: int


def part_of(dotted: str) -> str:
    """The second component: `raceway.model.kinds` belongs to `model`."""
    return dotted.partition(".")[2].partition(".")[0]


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file under `raceway/`."""
    return tuple(read_source(path) for path in sorted(PACKAGE.rglob("*.py")))


def read_source(path: Path) -> Source:
    """One file, parsed."""
    relative = path.relative_to(ROOT)
    is_package = path.name == "__init__.py"
    parts = relative.parent.parts if is_package else relative.with_suffix("").parts
    text = path.read_text(encoding="utf-8")
    return Source(relative.as_posix(), ".".join(parts), is_package, text, ast.parse(text, str(relative)))


def imports(source: Source) -> Iterator[Import]:
    """Everything a file imports, wherever in the file, `import_module("literal")` and relative imports included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(source, node)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno)
        elif isinstance(node, ast.Call) and called_name(node) in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield Import(first.value, node.lineno)


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """The dotted name that the `from` part of an import means."""
    if not node.level:
        return node.module or ""
    parts = source.module.split(".")
    keep = len(parts) - node.level + source.is_package
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def called_name(call: ast.Call) -> str:
    """The last name of what is called: `import_module` for `importlib.import_module(...)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def functions(tree: ast.AST) -> Iterator[FunctionNode]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode):
            yield node


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    """Every class, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node
