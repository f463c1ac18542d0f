"""Runs measured programs, each in a process of its own: plainly, under Raceway, or with variables for another tool."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.programs.measuring import MARK

ROOT = Path(__file__).resolve().parent.parent

TIMEOUT_S = 900


class BenchmarkError(Exception):
    """A measured program did not do its work."""


class Counts(msgspec.Struct, frozen=True):
    """What the summary of a JSON report counts."""

    sites: int = 0
    accesses: int = 0
    error: int = 0
    warning: int = 0


class Tool(msgspec.Struct, frozen=True):
    """Which core made a report."""

    core: str = ""


class Report(msgspec.Struct, frozen=True):
    """What the benchmarks read of a JSON report."""

    summary: Counts
    tool: Tool


class Measured(msgspec.Struct, frozen=True):
    """What a program told of itself; `values` are the fields that only some programs have."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    values: dict[str, Any] = {}
    counts: Counts = Counts()


class Machinery(msgspec.Struct, frozen=True):
    """Where runs keep what they write, and on which core they run."""

    work: Path
    core: str

    @property
    def report_file(self) -> Path:
        """The JSON report of the latest run."""
        return self.work / "report.json"

    def plain(self, module: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Measured:
        """Run `python -m module arguments`."""
        return parse(execute([sys.executable, "-m", module, *arguments], environ))

    def raceway(self, module: str, *arguments: str, include: Sequence[str] = (), core: str = "") -> Measured:
        """Run the same under Raceway, on the core that is measured unless another is named."""
        command = [*self.raceway_command(include, core), "-m", module, *arguments]
        self.report_file.unlink(missing_ok=True)
        measured = parse(execute(command))
        return msgspec.structs.replace(measured, counts=self.report().summary)

    def raceway_command(self, include: Sequence[str] = (), core: str = "") -> list[str]:
        """The command line up to the program."""
        options = ["--core", core or self.core, "--fail-on", "never", "--show", "error", "--quiet"]
        options += ["--json", str(self.report_file), "--cache-dir", str(self.work / "cache")]
        for glob in include:
            options += ["--include", glob]
        return [sys.executable, "-m", "raceway.run", *options]

    def report(self) -> Report:
        """The report that the latest run has written."""
        return msgspec.json.decode(self.report_file.read_bytes(), type=Report)

    def core_of_a_run(self) -> str:
        """The name of the core that a run really gets, which `auto` leaves open."""
        execute([*self.raceway_command(), "-m", "benchmarks.programs.trivial"])
        return self.report().tool.core


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every measured process: no settings of the user's, and hashes that are the same each time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RACEWAY_", "PYTHON", "COV"))}
    return {**kept, "PYTHONHASHSEED": "0", **(more or {})}


def execute(command: Sequence[str], environ: Mapping[str, str] | None = None, timeout: float = TIMEOUT_S) -> str:
    """Run a command in the root of the project; gives its standard output. Raises BenchmarkError when it fails."""
    try:
        finished = subprocess.run(
            command, cwd=ROOT, env=environment(environ), capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{' '.join(command)}: not done after {timeout:.0f} s") from None
    if finished.returncode:
        last = "\n".join(finished.stderr.splitlines()[-20:])
        raise BenchmarkError(f"{' '.join(command)}: status {finished.returncode}\n{last}")
    return finished.stdout


def parse(output: str) -> Measured:
    """The measurement in what a program has printed."""
    lines = [line.removeprefix(MARK) for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        raise BenchmarkError(f"no result in {output[-500:]!r}")
    values = msgspec.json.decode(lines[-1], type=dict[str, Any])
    known = {name: values.pop(name) for name in ("cpu_s", "wall_s", "peak_mb") if name in values}
    return Measured(**known, values=values)
