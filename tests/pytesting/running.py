"""A project with tests that race, and runs of the real pytest over it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import TIMEOUT_S, clean_environ

BANK = """\
class Bank:
    '''
    >>> Bank().balance
    100
    '''

    def __init__(self):
        self.balance = 100

    def withdraw(self, amount):
        balance = self.balance
        self.check(balance)
        self.balance = balance - amount

    def check(self, balance):
        return balance > 0
"""

BOTH = """\
import threading
import unittest

import pytest

from bank import Bank


def both(function):
    threads = [threading.Thread(target=function) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


"""


@dataclass(frozen=True)
class Tested:
    """How a run of pytest ended."""

    status: int
    out: str
    report: dict[str, Any]

    @property
    def outcomes(self) -> dict[str, str]:
        """Name of the test -> its outcome, in small letters; the last phase counts."""
        return {
            name: outcome.lower()
            for name, outcome in re.findall(r"^\S+?::(\S+) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)", self.out, re.M)
        }

    @property
    def found(self) -> dict[str, list[str]]:
        """Variable -> the tests that found something on it, by their last names."""
        return {
            finding["variable"]: sorted(test.rpartition("::")[2] for test in finding.get("tests", []))
            for finding in self.report["findings"]
        }


@dataclass(frozen=True)
class Project:
    """A directory with the project."""

    directory: Path

    def write(self, name: str, source: str) -> None:
        """Write a file."""
        (self.directory / name).write_text(source, encoding="utf-8")

    def test(
        self, *words: str, plugins: str = "", raceway: bool = True, autoload: bool = False, on_ci: bool = False
    ) -> Tested:
        """Run pytest; `plugins` are the modules of others that it has beside ours. On CI it tells more of failures."""
        report = self.directory.parent / "report.json"
        report.unlink(missing_ok=True)
        asked = ["--raceway", f"--raceway-json={report}"] if raceway else []
        loaded = (
            [] if autoload else [word for name in f"raceway.pytest_plugin {plugins}".split() for word in ("-p", name)]
        )
        environ = clean_environ() | {"TERM": "dumb", "COLUMNS": "200", "BUILD_NUMBER": ""}
        environ["CI"] = "true" if on_ci else ""
        if not autoload:
            environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *loaded, *asked, *words],
            cwd=self.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        found = json.loads(report.read_bytes()) if os.path.exists(report) else {}
        return Tested(finished.returncode, finished.stdout, found)
