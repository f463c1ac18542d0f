"""How a measured program tells what it cost: one line of JSON on standard output, after the work alone was timed."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping

MARK = "RESULT "
"""What the line begins with."""

SIZES = ("tiny", "small", "full")
"""Just to try it or to fill caches; for slow tools; for figures that count."""


def peak_mb() -> float:
    """The most memory that this process has had resident so far.

    `ru_maxrss` counts what the process was before `exec`, so the kernel's own figure is taken where there is one.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        return kilobytes / 1024
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 2**20 if sys.platform == "darwin" else most / 1024


def tell(values: Mapping[str, object]) -> None:
    """Print the result line."""
    print(MARK + json.dumps(values), flush=True)


def measure(work: Callable[[], object], **more: float) -> None:
    """Run the work once and tell its CPU time, of all threads, its time on the clock and the peak of memory."""
    before_mb = peak_mb()
    clock = time.perf_counter()
    cpu = time.process_time()
    work()
    cpu_s = time.process_time() - cpu
    wall_s = time.perf_counter() - clock
    tell({"cpu_s": cpu_s, "wall_s": wall_s, "before_mb": before_mb, "peak_mb": peak_mb(), **more})


def nothing() -> None:
    """The work of a dry run, which only fills the caches of everything that is imported."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that every program has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--size", choices=SIZES, default="tiny")
    made.add_argument("--dry", action="store_true", help="import everything, do no work")
    return made


def main(work: Callable[[int], object], sizes: Mapping[str, int], description: str | None) -> None:
    """A whole program that knows nothing but its size."""
    options = parser(description).parse_args()
    measure(nothing if options.dry else lambda: work(sizes[options.size]))
