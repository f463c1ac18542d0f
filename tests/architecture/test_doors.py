"""Doors: a thing from outside is touched in one place only, so that it can be replaced there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.tree import Source, imports, sources

DOORS = {
    "libcst": ("raceway/transform/",),
    "rich": ("raceway/report/text.py",),
    "msgspec": (
        "raceway/report/json.py", "raceway/model/events.py", "raceway/model/eventkinds.py", "raceway/pipeline/",
        "raceway/client/", "raceway/server/",
    ),
    "httpx": ("raceway/pipeline/", "raceway/client/"),
}  # fmt: skip
"""Outside package -> the files and folders that may import it."""

ENVIRONMENT_DOOR = (
    "raceway/config.py",
    "raceway/children/boot/_raceway_child.py",  # cleans up before anything of ours is imported, on any interpreter
)

ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def importers(source: Source) -> Iterator[tuple[str, str]]:
    """(outside package, place) of every import of a package that has a door."""
    for imported in imports(source):
        package = imported.target.partition(".")[0]
        if package in DOORS:
            yield package, f"{source.path}:{imported.line}"


def environment_users(source: Source) -> Iterator[str]:
    """Every place that reaches the process environment: `os.environ`, `from os import getenv`."""
    for imported in imports(source):
        module, _, name = imported.target.rpartition(".")
        if module in ("os", "posix") and name in ENVIRONMENT:
            yield f"{source.path}:{imported.line}"
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute) or node.attr not in ENVIRONMENT:
            continue
        if isinstance(node.value, ast.Name) and node.value.id in ("os", "posix"):
            yield f"{source.path}:{node.lineno}"


@pytest.mark.parametrize("package", DOORS)
def test_an_outside_package_is_imported_behind_its_door_only(package: str) -> None:
    places = [place for source in sources() for name, place in importers(source) if name == package]
    assert [place for place in places if not place.startswith(DOORS[package])] == []


def test_the_environment_is_read_in_config_only() -> None:
    places = [place for source in sources() for place in environment_users(source)]
    assert [place for place in places if not place.startswith(ENVIRONMENT_DOOR)] == []


@pytest.mark.parametrize("line", ["os.environ['A']", "os.getenv('A')", "from os import environ, path"])
def test_every_way_to_the_environment_is_seen(line: str) -> None:
    source = Source("raceway/x.py", "raceway.x", False, line, ast.parse(line))
    assert len(list(environment_users(source))) == 1
