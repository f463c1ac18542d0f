"""One run of a suite, plain or watched, and what it took."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.suites.catalogue import Suite
from tests.suites.environment import Place
from tests.suites.outcomes import Outcomes, read

_PYTEST = ("-m", "pytest", "-q", "-p", "suite_outcomes", "-p", "no:cacheprovider", "--assert=plain")


class Run(Struct, frozen=True):
    """The outcomes, the CPU seconds of the process and its children, the exit status, and what it printed last."""

    outcomes: Outcomes
    cpu_s: float
    status: int
    tail: str


class NotSeen(Struct, frozen=True):
    """Something that the watched run did not look at."""

    reason: str
    module: str = ""
    detail: str = ""


class _Summary(Struct, frozen=True):
    modules: int
    sites: int
    accesses: int


class _Watched(Struct, frozen=True):
    module: str
    sites: int


class _Coverage(Struct, frozen=True):
    watched: tuple[_Watched, ...]


class Report(Struct, frozen=True):
    """The part of Raceway's report that tells what was watched."""

    summary: _Summary
    not_seen: tuple[NotSeen, ...]
    coverage: _Coverage

    def missing(self, modules: Iterable[str]) -> list[str]:
        """Those of the modules that were not instrumented, or had nothing to instrument."""
        seen = {watched.module for watched in self.coverage.watched if watched.sites}
        return [module for module in modules if not seen & {module, f"{module}.__init__"}]


def plain(place: Place, suite: Suite, results: Path, only: Sequence[str] = ()) -> Run:
    """Run the suite as its authors do, or of it these tests alone."""
    return _run(place, suite, results, (), only=only)


def warm(place: Place, suite: Suite, results: Path) -> None:
    """Have all modules of a suite instrumented, so that a run that is timed finds them in the cache."""
    _run(place, suite, results, _raceway(place, suite, results), ("--collect-only",))


def watched(place: Place, suite: Suite, results: Path) -> tuple[Run, Report | None]:
    """Run the suite with its package and its tests instrumented, on the native core."""
    report = results.with_suffix(".json")
    report.unlink(missing_ok=True)
    run = _run(place, suite, results, _raceway(place, suite, results))
    return run, read_report(report)


def _raceway(place: Place, suite: Suite, results: Path) -> tuple[str, ...]:
    includes = [word for glob in suite.include for word in ("--include", glob)]
    options = ("--core", "native", "--quiet", "--fail-on", "never", "--cache-dir", str(place.cache))
    return ("-m", "raceway.run", *options, "--json", str(results.with_suffix(".json")), *includes)


def _run(
    place: Place,
    suite: Suite,
    results: Path,
    before: tuple[str, ...],
    more: tuple[str, ...] = (),
    only: Sequence[str] = (),
) -> Run:
    command = [str(place.python), *before, *_PYTEST, *suite.arguments, *more]
    environ = {"PYTHONPATH": os.pathsep.join(map(str, place.search)), **suite.environ, "SUITE_OUTCOMES": str(results)}
    if only:
        environ["SUITE_ONLY"] = msgspec.json.encode(only).decode()
    return run_command(command, place.directory, environ, results, suite.timeout_s)


def run_command(
    command: Sequence[str], directory: Path, environ: Mapping[str, str], outcomes: Path, timeout_s: int
) -> Run:
    """Run a command that writes down outcomes, in a session of its own; what it leaves running ends with it."""
    outcomes.unlink(missing_ok=True)
    start = _children_cpu_s()
    log = outcomes.with_suffix(".log")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RACEWAY_", "PYTHON", "PYTEST"))}
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**kept, "PYTHONHASHSEED": "0", "TERM": "dumb", **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    return Run(read(outcomes), _children_cpu_s() - start, status, tail)


def read_report(path: Path) -> Report | None:
    """Raceway's report; None when there is none."""
    return msgspec.json.decode(path.read_bytes(), type=Report) if path.exists() else None


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
