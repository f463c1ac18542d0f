"""What all tests share: the detection cores to run on, and a way to run Raceway on a program as its user would."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.prepared import prepare

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in the background has them ignore interrupts, and what they start would too.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.default_int_handler)

# How long examples take to make and to try is the machine's business.
settings.register_profile("raceway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("raceway")

ROOT = Path(__file__).resolve().parent.parent

TIMEOUT_S = 60
"""A run that takes longer hangs; the slowest program of the corpus needs a few seconds on a busy machine."""


def available_cores() -> tuple[str, ...]:
    """The detection cores that can run here, by the names that `RACEWAY_CORE` takes."""
    spec = importlib.util.find_spec("raceway._native")
    built = spec is not None and spec.origin is not None
    if os.environ.get("RACEWAY_CORE") == "native" and not built:
        raise pytest.UsageError("RACEWAY_CORE=native asks for the native core, which is not built; run `make setup`")
    if built:
        importlib.import_module("raceway._native")  # one that was built must load: no silent loss of tests
    return ("pure", "native") if built else ("pure",)


def pytest_report_header() -> str:
    """One line that says which cores the tests run on."""
    if "native" in available_cores():
        return "raceway cores: pure, native"
    return "raceway cores: pure alone, since the native core is not built (it needs a C compiler)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The same at the end, where `-q` hides the header."""
    if terminalreporter.verbosity < 0:
        terminalreporter.write_line(pytest_report_header())


@pytest.fixture(autouse=True, scope="module")
def few_objects() -> None:
    """Take what was there before a file of tests out of the collector's sight.

    Searches through all objects, collections and counts of objects are then about what the tests themselves make, and
    not about the test runner, which has a million.
    """
    gc.collect()
    gc.freeze()


def has_gil() -> bool:
    """Whether this interpreter has a GIL, for which a finding's severity is judged."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return enabled is None or bool(enabled())


@pytest.fixture(params=available_cores())
def core(request: pytest.FixtureRequest) -> str:
    """The name of a core: a test that takes this fixture runs once on each."""
    name = request.param
    assert isinstance(name, str)
    return name


@dataclass(frozen=True)
class RacewayRun:
    """How one run of `python -m raceway.run` ended; `report` is the parsed JSON report, empty when none was written."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any]

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of the report."""
        found = self.report.get("findings", [])
        assert isinstance(found, list)
        return found

    @property
    def kinds(self) -> list[str]:
        """The kind of every finding, sorted."""
        return sorted(str(finding["kind"]) for finding in self.findings)


@dataclass(frozen=True)
class RunRaceway:
    """Runs Raceway in a process of its own, in `directory`; `report_file` lies outside it."""

    directory: Path
    report_file: Path

    def __call__(
        self,
        *arguments: str | Path,
        json_report: bool = True,
        environ: Mapping[str, str] | None = None,
        python: str = sys.executable,
        stdin: str = "",
        timeout: float = TIMEOUT_S,
    ) -> RacewayRun:
        """Run `python -m raceway.run arguments`, by default with `--json` put before them."""
        self.report_file.unlink(missing_ok=True)
        prepare(self._scripts(arguments))
        options = ["--json", str(self.report_file)] if json_report else []
        finished = subprocess.run(
            [python, "-m", "raceway.run", *options, *map(str, arguments)],
            cwd=self.directory,
            env=clean_environ() | dict(environ or {}),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        written = self.report_file.exists()
        report = json.loads(self.report_file.read_bytes()) if written else {}
        return RacewayRun(finished.returncode, finished.stdout, finished.stderr, report)

    def _scripts(self, arguments: tuple[str | Path, ...]) -> Iterator[Path]:
        """The files of the program: those of the directory, and a script elsewhere with what it imports."""
        yield from sorted(self.directory.rglob("*.py"))
        for argument in arguments:
            if isinstance(argument, Path) and self.directory not in argument.parents:
                yield from sorted(argument.parent.glob("*.py")) if argument.name == "main.py" else [argument]

    def write(self, name: str, source: str) -> Path:
        """Write a program into the directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return path


def clean_environ() -> dict[str, str]:
    """The environment without settings of Raceway or Python that the developer may have made."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RACEWAY_", "PYTHON", "PYTEST_"))}


@pytest.fixture
def run_raceway(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> RunRaceway:
    """Run programs in `tmp_path`: `run_raceway("app.py", "argument")`."""
    return RunRaceway(tmp_path, tmp_path_factory.mktemp("report") / "report.json")
