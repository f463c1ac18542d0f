"""Public names: each says in its docstring what it is, and importing Raceway brings in nothing heavy."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

import raceway
from tests.architecture.tree import PACKAGE, FunctionNode, Source, sources
from tests.conftest import clean_environ

HEAVY = ("libcst", "httpx", "rich")
"""Runtime dependencies that are imported only when they are needed."""


def undocumented(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    """Public classes, functions and methods in `body` that have no docstring."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from undocumented(node.body + node.orelse, prefix)
        elif isinstance(node, ast.ClassDef | FunctionNode) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None and not documented_elsewhere(node):
                yield f"{prefix}{node.name}:{node.lineno}"
            if isinstance(node, ast.ClassDef):
                yield from undocumented(node.body, f"{prefix}{node.name}.")


def documented_elsewhere(node: ast.ClassDef | FunctionNode) -> bool:
    """Overloads, setters and overrides are told by what they belong to."""
    decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return not decorators.isdisjoint({"overload", "setter", "deleter", "override"})


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_public_names_have_docstrings(source: Source) -> None:
    assert ast.get_docstring(source.tree)
    assert list(undocumented(source.tree.body, "")) == []


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `statement`."""
    program = f"import sys\n{statement}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, env=clean_environ()
    )
    return set(json.loads(finished.stdout))


def test_importing_raceway_imports_nothing_else() -> None:
    loaded = modules_after("import raceway")
    assert {name for name in loaded if name.startswith("raceway")} == {"raceway"}
    assert loaded.isdisjoint({*HEAVY, "msgspec"})


@pytest.mark.parametrize("module", ["autoinstrument", "run", "session", "cli", "pytest_plugin"])
def test_entry_points_import_heavy_packages_later(module: str) -> None:
    if not (PACKAGE / module).is_dir() and not (PACKAGE / f"{module}.py").exists():
        pytest.skip(f"there is no raceway.{module}")
    assert modules_after(f"import raceway.{module}").isdisjoint(HEAVY)


def test_every_public_name_resolves() -> None:
    assert {name for name in raceway.__all__ if not hasattr(raceway, name)} == set()
    assert set(raceway.__all__) <= set(dir(raceway))


def test_autoinstrument_is_reachable_after_import_raceway() -> None:
    assert "raceway.autoinstrument" in modules_after("import raceway\nraceway.autoinstrument.install")
    assert raceway.enable_auto_instrumentation is raceway.autoinstrument.install


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'raceway' has no attribute 'nothing'"):
        raceway.nothing  # noqa: B018
