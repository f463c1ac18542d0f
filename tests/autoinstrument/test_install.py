"""`install` in processes of its own, with the real session: what it watches, what it returns, when it reports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TIMEOUT_S, clean_environ

WORK = """
import threading

class Counter:
    value = 0

counter = Counter()

def work():
    counter.value += 1

def race():
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def run(directory: Path, source: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in a plain interpreter."""
    (directory / "program.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "program.py"],
        cwd=directory,
        env=clean_environ() | dict(environ or {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def report(directory: Path) -> dict[str, Any]:
    """The JSON report that a program has written."""
    document = json.loads((directory / "races.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_a_process_is_watched_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(WORK)
    source = (
        "import raceway\nraceway.autoinstrument.install(json='races.json')\nimport shop\nshop.race()\nprint('end')\n"
    )
    finished = run(tmp_path, source)
    assert (finished.stdout, finished.returncode) == ("end\n", 0)
    assert finished.stderr.count("lost-update on Counter.value") == 1
    document = report(tmp_path)
    assert [finding["kind"] for finding in document["findings"]] == ["lost-update"]
    assert document["run"]["command"] == ["program.py"]
    assert document["not_seen"] == [{"reason": "executed-before-install", "module": "__main__"}]


def test_the_calling_module_is_watched_too(tmp_path: Path) -> None:
    source = f"from raceway.autoinstrument import install\n{WORK}\ninstall(json='races.json')\nrace()\n"
    assert run(tmp_path, source).returncode == 0
    assert [finding["variable"] for finding in report(tmp_path)["findings"]] == ["Counter.value"]


@pytest.mark.parametrize("name", ["raceway.autoinstrument.install", "raceway.transform.install"])
def test_it_can_be_called_from_a_function_under_every_name(name: str, tmp_path: Path) -> None:
    module = name.rpartition(".")[0]
    source = f"import {module}\n{WORK}\ndef main():\n    {name}(json='races.json')\n    race()\n\nmain()\n"
    assert run(tmp_path, source).returncode == 0
    assert [finding["variable"] for finding in report(tmp_path)["findings"]] == ["Counter.value"]


def test_modules_that_were_there_before_are_named(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(WORK)
    source = "import shop\nfrom raceway.autoinstrument import install\ninstall(json='races.json')\nshop.race()\n"
    run(tmp_path, source)
    document = report(tmp_path)
    assert document["findings"] == []
    assert {(entry["reason"], entry["module"]) for entry in document["not_seen"]} == {
        ("imported-before-hook", "shop"),
        ("executed-before-install", "__main__"),
    }


def test_a_block_is_watched_and_reported_on_demand(tmp_path: Path) -> None:
    source = f"""
import io, os, sys, threading
from raceway.autoinstrument import install
{WORK}
before = list(sys.meta_path), threading.Thread.start, work.__code__
with install() as handle:
    race()
print(len(handle.findings()), handle.active)
print((list(sys.meta_path), threading.Thread.start, work.__code__) == before)
text = io.StringIO()
handle.report(text)
print("Counter.value" in text.getvalue())
handle.uninstall()
race()
(finding,) = handle.findings()
print(finding.count)
print(finding)
"""
    finished = run(tmp_path, source)
    line = source.splitlines().index("    counter.value += 1") + 1
    told = rf"WARNING lost-update on Counter\.value \[\w+\]: program\.py:{line}"
    assert re.fullmatch(rf"1 False\nTrue\nTrue\n1\n{told}\n", finished.stdout), finished.stdout
    assert finished.stderr == ""


def test_uninstall_writes_the_files(tmp_path: Path) -> None:
    source = f"from raceway import autoinstrument\n{WORK}\nautoinstrument.install(json='races.json')\nrace()\n"
    finished = run(tmp_path, source + "autoinstrument.uninstall()\nautoinstrument.uninstall()\n")
    assert (finished.stderr, len(report(tmp_path)["findings"])) == ("", 1)


def test_a_second_call_gives_the_same_handle_or_says_why_not(tmp_path: Path) -> None:
    source = """
from raceway.autoinstrument import install
from raceway.errors import ConfigError, RacewayError
handle = install(quiet=True)
print(install(quiet=True) is handle)
for wrong in ({"quiet": True, "exclude": ["x"]}, {"colour": 1}, {"html": ""}):
    try:
        install(**wrong)
    except RacewayError as error:
        print(type(error).__name__, error)
handle.uninstall()
again = install(exclude=["x"], quiet=True)
print(again is not handle, again.active, handle.active)
"""
    finished = run(tmp_path, source)
    assert finished.stdout.splitlines() == [
        "True",
        "RacewayError raceway is installed already, with other settings; call uninstall() on that handle first",
        "ConfigError there is no setting 'colour'; did you mean 'core'?",
        "ConfigError html: expected a path, not ''",
        "True True False",
    ]
    assert finished.returncode == 0


def test_settings_come_from_the_environment_too(tmp_path: Path) -> None:
    source = (
        f"from raceway.autoinstrument import install\n{WORK}\nhandle = install()\nrace()\nprint(handle.findings())\n"
    )
    assert run(tmp_path, source, {"RACEWAY_ENABLED": "0"}).stdout == "()\n"
    assert run(tmp_path, source, {"RACEWAY_ENABLED": "0"}).stderr == ""
    assert run(tmp_path, source, {"RACEWAY_EXCLUDE": "__main__"}).stdout == "()\n"


@pytest.mark.parametrize(("ending", "status"), [("raise SystemExit(3)", 3), ("1 / 0", 1), ("pass", 0)])
def test_the_exit_status_does_not_change(ending: str, status: int, tmp_path: Path) -> None:
    source = f"from raceway.autoinstrument import install\n{WORK}\ninstall(fail_on='info')\nrace()\n{ending}\n"
    finished = run(tmp_path, source)
    assert finished.returncode == status
    assert "lost-update" in finished.stderr


def test_forked_children_do_not_report(tmp_path: Path) -> None:
    source = f"""
import os
from raceway.autoinstrument import install
{WORK}
install()
race()
child = os.fork()
if child:
    os.waitpid(child, 0)
"""
    assert run(tmp_path, source).stderr.count("lost-update on") == 1


def test_under_raceway_run_it_joins_the_run(tmp_path: Path) -> None:
    source = f"""
from raceway.autoinstrument import install
{WORK}
handle = install(include=["ignored"])
race()
handle.uninstall()
print(len(handle.findings()))
race()
"""
    (tmp_path / "program.py").write_text(source)
    command = [sys.executable, "-m", "raceway.run", "--fail-on", "never", "program.py"]
    finished = subprocess.run(
        command, cwd=tmp_path, env=clean_environ(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (finished.stdout, finished.returncode) == ("1\n", 0)
    assert finished.stderr.count("lost-update on") == 1


def test_a_program_that_python_ran_past_the_hook_is_named(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import raceway\nraceway.autoinstrument.install(json='races.json')\n")
    (tmp_path / "shop.py").write_text(WORK)
    finished = run(tmp_path, "import shop\nshop.race()\n", {"PYTHONPATH": str(tmp_path)})
    assert finished.returncode == 0
    document = report(tmp_path)
    assert {"reason": "run-by-interpreter", "module": "__main__"} in document["not_seen"]
    assert [finding["variable"] for finding in document["findings"]] == ["Counter.value"]
