"""Where and when something was measured: the circumstances that stand beside every figure."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import sysconfig
import time

from benchmarks.options import Bench
from benchmarks.processes import ROOT
from benchmarks.results import Circumstances

PACKAGES = ("pyperformance", "flask", "werkzeug", "networkx", "coverage", "dynapyt", "libcst")


def circumstances(bench: Bench) -> Circumstances:
    """Those of this moment."""
    return Circumstances(
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        commit=commit(),
        machine=machine(),
        python=interpreter(),
        versions=", ".join(filter(None, map(version, PACKAGES))),
        core=core(bench.core),
        size=bench.size,
        rounds=bench.rounds,
    )


def machine() -> str:
    """The processor, how many there are, and the system; not the machine's name."""
    return f"{processor()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}"


def processor() -> str:
    """The processor as its maker calls it, where the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def interpreter() -> str:
    """The interpreter and how it was built, as far as that matters here."""
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    optimised = "with PGO" if "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "") else "no PGO"
    gil = "GIL" if enabled else "no GIL"
    return f"{platform.python_implementation()} {platform.python_version()} ({gil}, {optimised})"


def core(name: str) -> str:
    """The core; whether the compiler knew what a run of the native one does."""
    if name != "native":
        return name
    from raceway import _native

    return f"{name} (with PGO)" if _native.PROFILED else f"{name} (no PGO)"


def version(package: str) -> str:
    """A package with its version; empty when it is not installed."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def commit() -> str:
    """The commit that is checked out; marked when files differ from it."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return finished.stdout.strip()
