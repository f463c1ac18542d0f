"""Runs the programs of a module plain and watched, and says which of them left different traces."""

from __future__ import annotations

import gc
import inspect
import linecache
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from types import CodeType
from typing import Any

from raceway.model.sites import FUNCTIONS
from raceway.runtime.core import make_core
from raceway.transform import instrument
from tests.fuzz import stage
from tests.fuzz.grammar import module

FILE = "<program>"
FUSES = 4
"""How often each program runs: to its end, and with a failure at one effect or another."""

Traces = Sequence[tuple[str, ...]]
"""For each program its runs, each the lines that it wrote down."""


def plain_code(source: str) -> CodeType:
    """The module as Python compiles it."""
    return compile(source, FILE, "exec", dont_inherit=True)


class Watching:
    """A core that records, and code for it. As in a program with threads: a second actor has been there."""

    def __init__(self, name: str, functions: bool = False) -> None:
        self._core = make_core(name)
        self._form = self._core.form + (FUNCTIONS if functions else "")
        if functions:
            self._core.telling.begin(False)

    def code(self, source: str) -> CodeType:
        """The module, instrumented and bound to the core."""
        done = instrument(source.encode(), FILE, "program", self._form)
        return self._core.bind(*done.parted(), FILE)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Record."""
        self._core.start()
        try:
            serial = self._core.recorder.new_sync("lock", "", 0)
            thread = threading.Thread(target=self._core.recorder.acquire, args=(serial,))
            thread.start()
            thread.join()
            yield
            assert self._core.counters().dropped == 0
        finally:
            self._core.stop()


def traces(code: CodeType, source: str, seeds: Sequence[int]) -> Traces:
    """Run all programs of a module, by the seeds they were made from: those say at which effects they fail, too."""
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    names: dict[str, Any] = {"__name__": "program", **stage.NAMES}
    exec(code, names)
    gc.collect()
    gc.disable()
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: stage.unraisable(unraisable.exc_value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [_runs(names, f"program_{place}", seed) for place, seed in enumerate(seeds)]
    finally:
        gc.collect()
        sys.unraisablehook = hook
        gc.enable()
        linecache.cache.pop(FILE, None)


def _runs(names: dict[str, Any], name: str, seed: int) -> tuple[str, ...]:
    random = Random(seed)
    found = [_run(names, name, 0)]
    effects = found[0].count("\n")
    fuses = {random.randint(1, max(effects, 1)) for _ in range(FUSES - 1)}
    found += [_run(names, name, fuse) for fuse in sorted(fuses)]
    return tuple(found)


def _run(names: dict[str, Any], name: str, fuse: int) -> str:
    stage.begin(fuse)
    names.update(g=stage.Logged(), h=stage.Box(), k=[stage.Logged()])
    try:
        result = names[name](stage.Logged(), stage.Logged())
        if inspect.iscoroutine(result):
            result = stage.complete(result)
        stage.log.append(f"gave {stage.kind(result)}")
        del result
    except BaseException as failure:
        stage.uncaught(failure)
    trace = re.sub(r"0x[0-9a-f]+", "0x", "\n".join(stage.log))
    names.update(g=None, h=None, k=None)
    return trace


def differing(plain: Traces, watched: Traces) -> list[int]:
    """The places of the programs that left different traces."""
    return [place for place, (one, other) in enumerate(zip(plain, watched, strict=True)) if one != other]


def differences(
    seeds: Sequence[int], core: str, functions: bool = False, make: Callable[[list[int]], str] = module
) -> list[int]:
    """The seeds of the programs that run differently on a core; `make` makes a module of them.

    Sets of functions have the order of their addresses: a program counts that differs each of three times, while plain
    runs agree.
    """
    left = list(seeds)
    for _ in range(3):
        if not left:
            break
        source = make(left)
        watching = Watching(core, functions)
        watched_code = watching.code(source)
        plain = traces(plain_code(source), source, left)
        with watching.running():
            watched = traces(watched_code, source, left)
        again = traces(plain_code(source), source, left) if len(left) < len(seeds) else plain
        varying = set(differing(plain, again))
        left = [left[place] for place in differing(plain, watched) if place not in varying]
    return left
