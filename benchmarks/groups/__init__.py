"""The groups of benchmarks, one file each: a function that measures and gives the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.groups import (
    collectors,
    counts,
    cpu,
    events,
    imports,
    lost,
    memory,
    micro,
    others,
    sdk,
    startup,
    tasks,
    threads,
    web,
)
from benchmarks.options import Bench
from benchmarks.results import Result

GROUPS: Mapping[str, Callable[[Bench], Result]] = {
    "cpu": cpu.run,
    "threads": threads.run,
    "asyncio": tasks.run,
    "web": web.run,
    "memory": memory.run,
    "micro": micro.run,
    "import": imports.run,
    "startup": startup.run,
    "lost": lost.run,
    "others": others.run,
    "events": events.run,
    "sdk": sdk.run,
    "collectors": collectors.run,
    "counts": counts.run,
}
"""By the names of `--only`, in the order of the page."""

BY_NAME_ONLY = frozenset({"collectors", "counts", "events", "sdk"})
"""Groups that are measured only when they are named."""

PROGRAMS: Mapping[str, tuple[str, ...]] = {"cpu": cpu.PROGRAMS, "threads": threads.PROGRAMS, "asyncio": tasks.PROGRAMS}
"""The programs that `--only` may name, by group."""
