"""What a warm run does not import: starting a program under Raceway costs little time and memory."""

from __future__ import annotations

import pytest

from tests.conftest import RunRaceway, available_cores

HEAVY = frozenset(
    "argparse asyncio ast concurrent.futures dataclasses decimal difflib dis gettext hashlib httpx inspect json libcst "
    "linecache locale logging msgspec pkgutil platform re rich shutil socket ssl subprocess tempfile tokenize tomllib "
    "traceback typing typing_extensions unicodedata uuid".split()
)


@pytest.mark.parametrize("options", [(), ("--quiet", "--include", "shop", "--fail-on=never")])
def test_a_warm_run_without_findings_imports_little(run_raceway: RunRaceway, options: tuple[str, ...]) -> None:
    program = run_raceway.write("app.py", "print('done')\n")
    environ = {"XDG_CACHE_HOME": str(program.parent), "PYTHONPROFILEIMPORTTIME": "1"}
    for _ in range(2):
        finished = run_raceway(*options, program, json_report=False, environ=environ)
    assert finished.stdout == "done\n"
    imported = {line.rpartition("|")[2].strip() for line in finished.stderr.splitlines() if line.startswith("import ")}
    assert "raceway.session" in imported
    assert imported & HEAVY == set()


@pytest.mark.skipif("native" not in available_cores(), reason="the pure core imports what makes them")
def test_a_warm_run_makes_no_types_of_trees(run_raceway: RunRaceway) -> None:
    """`compile` makes them, for good: 200 KiB."""
    program = run_raceway.write("app.py", "print({cls.__name__ for cls in object.__subclasses__()} & {'AST'})\n")
    environ = {"XDG_CACHE_HOME": str(program.parent)}
    said = [run_raceway(program, json_report=False, environ=environ).stdout for _ in range(2)]
    assert said == ["{'AST'}\n", "set()\n"]
