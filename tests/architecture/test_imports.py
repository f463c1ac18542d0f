"""The import table: a stage imports only what lies before it in the flow of data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGE, Source, imports, part_of, sources

_ENTRY = {"session", "pipeline", "report", "model", "config", "errors"}


ALLOWED: dict[str, set[str]] = {
    "": {"autoinstrument", "client", "errors", "sync", "transform"},
    "model": set(),
    "errors": set(),
    "files": set(),
    "originals": set(),
    "standins": {"model"},
    "config": {"model", "errors"},
    "transform": {"model", "errors", "originals"},
    "detector": {"model"},
    "report": {"model", "errors"},
    "_native": set(),
    "runtime": {"_native", "detector", "model", "config", "errors", "files", "originals", "standins"},
    "autoinstrument": {"_native", "transform", "model", "config", "errors", "files"},
    "sync": {"runtime", "model", "originals", "standins"},
    "findings": {"model", "config", "errors", "files"},
    "pipeline": {"_native", "model", "config", "errors", "originals"},
    "children": {"model", "config", "errors", "files", "originals", "standins"},
    "outcome": {
        "config", "detector", "errors", "findings", "model", "originals", "pipeline", "report", "runtime", "sync",
    },
    "session": {
        "autoinstrument", "children", "config", "detector", "errors", "findings", "model", "originals", "outcome",
        "pipeline", "report", "runtime", "sync", "transform",
    },
    "run": {"cli"},
    "__main__": {"cli"},
    "cli": _ENTRY | {"children"},
    "client": _ENTRY | {"_native", "autoinstrument", "originals", "runtime", "sync", "transform"},
    "middleware": _ENTRY | {"client", "originals", "sync"},
    "celery": _ENTRY | {"client"},
    "debug": _ENTRY | {"client"},
    "pytest_plugin": {"pytesting"},
    "pytesting": _ENTRY | {"children", "outcome", "pytest_plugin"},
    "server": {"model", "detector", "findings", "report", "config", "errors"},
}  # fmt: skip
"""Who may import whom. What is not listed is forbidden, also under `TYPE_CHECKING`."""

EXCEPTIONS: dict[str, set[str]] = {
    "raceway/transform/__init__.py": {"autoinstrument"},  # the public `install`, resolved when it is first asked for
    "raceway/autoinstrument/composition.py": {"session"},  # where `install` gets its session from
    "raceway/pytesting/asserts.py": {"autoinstrument"},  # has pytest's hook give instrumented code
    "raceway/cli/show.py": {"transform"},  # prints the instrumented source
    "raceway/children/boot/_raceway_child.py": {"cli"},  # a program of its own: where a followed interpreter begins
}
"""Single files that may import more."""


def violations(source: Source) -> list[str]:
    """What a file imports of ours and must not."""
    allowed = ALLOWED.get(source.part, set()) | EXCEPTIONS.get(source.path, set()) | {source.part}
    found = []
    for imported in imports(source):
        # The version is a constant of the root, which is loaded before any of its modules anyway.
        ours = imported.target.startswith("raceway.") and imported.target != "raceway.__version__"
        if imported.target == "raceway" or (ours and part_of(imported.target) not in allowed):
            found.append(f"{source.path}:{imported.line}: {source.part or 'raceway'} imports {imported.target}")
    return found


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_a_file_imports_only_what_the_table_allows(source: Source) -> None:
    assert violations(source) == []


def test_every_part_of_the_package_is_in_the_table() -> None:
    parts = {source.part for source in sources()}
    assert parts - ALLOWED.keys() == set()


def test_exceptions_are_for_files_that_exist() -> None:
    root = PACKAGE.parent
    packages = {Path(path).parent for path in EXCEPTIONS}
    there = {package for package in packages if (root / package / "__init__.py").exists()}
    assert [path for path in EXCEPTIONS if Path(path).parent in there and not (root / path).exists()] == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("from raceway.runtime import active", "raceway.runtime.active"),
        ("import raceway.runtime.active", "raceway.runtime.active"),
        ("from raceway import runtime", "raceway.runtime"),
        ("from ..runtime import active", "raceway.runtime.active"),
        ("from .. import runtime", "raceway.runtime"),
        ("def f():\n    from raceway.runtime import active", "raceway.runtime.active"),
        ("if TYPE_CHECKING:\n    from raceway.runtime import active", "raceway.runtime.active"),
        ("importlib.import_module('raceway.runtime')", "raceway.runtime"),
        ("import raceway", "raceway"),
    ],
)
def test_no_spelling_of_an_import_escapes(line: str, complaint: str) -> None:
    source = Source("raceway/detector/x.py", "raceway.detector.x", False, line, ast.parse(line))
    found = violations(source)
    assert len(found) == 1
    assert found[0].endswith(f"detector imports {complaint}")


@pytest.mark.parametrize(
    "line",
    [
        "from raceway.model import kinds",
        "from raceway.detector import epoch",
        "from . import epoch",
        "from .epoch import Epoch",
        "from raceway import __version__",
        "import threading",
        "import racewayish",
    ],
)
def test_what_the_table_allows_passes(line: str) -> None:
    source = Source("raceway/detector/x.py", "raceway.detector.x", False, line, ast.parse(line))
    assert violations(source) == []
