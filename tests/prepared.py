"""Programs of tests, put into the cache of instrumented code before they are run.

A child that misses the cache imports libcst, which costs twice what the rest of a short run does. The test process
has it at hand: it fills the cache as such a child would, by the same functions. What a run does on a miss is proved by
`tests/autoinstrument`, and wherever tests run programs in another way.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Iterable
from pathlib import Path

from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.source import Source
from raceway.config import Config, cache_directory
from raceway.errors import TransformError


def prepare(scripts: Iterable[Path]) -> None:
    """Have each script in the cache, for every core; what cannot be rewritten is left out."""
    cache = Cache(cache_directory(Config()))
    for script in scripts:
        for form in _forms():
            _prepare(cache, script, form)


@functools.cache
def _forms() -> tuple[str, ...]:
    """How the cores that can run here have taps rendered."""
    from raceway.transform.peeking import HOLD, PEEK

    if importlib.util.find_spec("raceway._native") is None:
        return (HOLD,)
    from raceway.runtime.native import can_peek

    return (HOLD, PEEK) if can_peek() else (HOLD,)


def _prepare(cache: Cache, script: Path, form: str) -> None:
    filename = str(script)
    source = Source(script.read_bytes, filename)
    if cache.load(source, filename, form) is not None:
        return
    from raceway.transform import instrument

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = instrument(source.content, filename, "__main__", form)
    except (SyntaxError, ValueError, RecursionError, TransformError):
        return
    cache.store(source, filename, form, Cached(*made.parted()))
