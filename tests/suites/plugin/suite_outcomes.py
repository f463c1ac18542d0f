"""Writes down how each test ended, a line of JSON per report: a plugin for the pytest that runs a suite."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

_DETAIL = 8000
"""How much of a failure's text is kept, in characters."""


def pytest_configure(config: pytest.Config) -> None:
    """Begin, when a file is named. While a process has had one thread only, Raceway has nothing to record."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    only = os.environ.pop("SUITE_ONLY", None)
    if only is not None:
        config.pluginmanager.register(_Chosen(frozenset(json.loads(only))))
    path = os.environ.pop("SUITE_OUTCOMES", None)  # what the tests start writes nothing
    if path is not None:
        config.pluginmanager.register(_Recorder(open(path, "w", encoding="utf-8")))  # noqa: SIM115 - kept open


class _Chosen:
    def __init__(self, tests: frozenset[str]) -> None:
        self._tests = tests

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what was not asked for."""
        items[:] = [item for item in items if item.nodeid in self._tests]


class _Recorder:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        outcome = str(report.outcome)
        if hasattr(report, "wasxfail"):
            outcome = f"x{outcome}"
        self._write(report.nodeid, f"{report.when} {outcome}", report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Files that could not be collected, or asked to be left out."""
        if not report.passed:
            self._write(report.nodeid, f"collect {report.outcome}", report)

    def _write(self, test: str, outcome: str, report: pytest.TestReport | pytest.CollectReport) -> None:
        detail = "" if report.passed else str(report.longrepr)[-_DETAIL:]
        self._file.write(json.dumps({"test": test, "outcome": outcome, "detail": detail}) + "\n")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """Flush what is buffered; a run that ends before is told by the lines that lack."""
        self._file.flush()
        yield
