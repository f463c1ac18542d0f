"""What happens when the cache has nothing for a module: it is instrumented and kept. Serves the session.

Imported with the first such module: a warm run needs none of it.
"""

from __future__ import annotations

from raceway.autoinstrument.ahead import Ahead
from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.foreign import Finish
from raceway.autoinstrument.progress import Progress
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from raceway.transform import instrument


class Maker:
    """Instruments the modules of one run in one form of rendering."""

    def __init__(self, cache: Cache, scope: Scope, form: str, *, quiet: bool) -> None:
        self._cache = cache
        self._form = form
        self._ahead = Ahead(cache, scope, form)
        self._progress = Progress(quiet=quiet)

    def make(
        self, source: Source, filename: str, module: str, finish: Finish | None = None, *, warns: bool = True
    ) -> Cached:
        """Instrument a module and keep the result. Raises what `instrument` and reading the source raise."""
        form, apply = (self._form, None) if finish is None else (self._form + finish.name, finish.apply)
        self._ahead.missed(module, filename)
        with self._progress.of(module):
            done = instrument(source.content, filename, module, self._form, apply)
        made = Cached(*done.parted(), warns)
        self._cache.store(source, filename, form, made)
        return made
