"""What becomes of the modules of a run: their instrumented code, from the cache or made now, and what has none.

Serves the session. `sites` has the number of sites of each module that is watched, `notes` what was not seen.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from types import CodeType

from raceway import files
from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.finder import early_modules
from raceway.autoinstrument.foreign import Finish
from raceway.autoinstrument.marks import Marks
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from raceway.config import Config, cache_directory
from raceway.errors import TransformError
from raceway.model.findings import NotSeen, WatchedModule
from raceway.model.sites import Site
from raceway.model.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raceway.autoinstrument.maker import Maker

Bind = Callable[[CodeType, Sequence[Site], bytes, str], CodeType]


class Modules:
    """The modules of one run. `form` is how taps are rendered for its core, and `bind` puts live ones in place."""

    def __init__(self, scope: Scope, config: Config, form: str, bind: Bind) -> None:
        self._scope = scope
        self._form = form
        self._bind = bind
        self._quiet = config.quiet
        self._cache = Cache(cache_directory(config))
        self._maker: Maker | None = None
        self.search: Sequence[str] = ()
        """Directories in which the transform finds packages that this interpreter does not."""
        self.sites: dict[tuple[str, str], int] = {}
        self.notes: list[NotSeen] = []
        self.marks = Marks()
        """The files among them that hold suppressions in comments."""

    def compile(self, source: Source, filename: str, module: str, finish: Finish | None = None) -> CodeType:
        """Instrumented code of a module; plain code, noted as not seen, when it cannot be rewritten.

        `finish` is what somebody else does to the module. Raises SyntaxError exactly as `compile` does, and what
        reading the source raises.
        """
        made = self._made(source, filename, module, finish)
        return _plain_code(source.content, filename, finish) if made is None else self._bound(made, filename, module)

    def compile_script(self, content: bytes, filename: str) -> tuple[CodeType, bool]:
        """The same for the script that is run as `__main__`, and whether the compiler may warn of it."""
        made = self._made(Source(lambda: content), filename, "__main__", None)
        if made is None:
            return _plain_code(content, filename, None), True
        return self._bound(made, filename, "__main__"), made.warns

    def _made(self, source: Source, filename: str, module: str, finish: Finish | None) -> Cached | None:
        """From the cache or made now; None when it cannot be rewritten. Raises what reading the source raises."""
        form = self._form if finish is None else self._form + finish.name
        try:
            return self._cache.load(source, filename, form) or self._make(source, filename, module, finish)
        except Exception as error:  # a fault of ours costs the module its instrumentation, never the program its import
            _ = source.content  # one that cannot be read is no fault of ours: raises what reading it raises
            if not isinstance(error, SyntaxError):
                kind = "" if isinstance(error, TransformError) else f"{type(error).__name__}: "
                self._untransformed(module, f"{kind}{error}")
            return None

    def _bound(self, made: Cached, filename: str, module: str) -> CodeType:
        """Its code with live taps."""
        self.sites[module, filename] = len(made.sites)
        self.marks.add(filename)
        return self._bind(made.code, made.sites, made.places, filename)

    def not_seen(self, reason: str, module: str, detail: str = "") -> None:
        """Note something that the run does not look at."""
        note = NotSeen(reason, module, detail)
        if note not in self.notes:
            self.notes.append(note)

    def note_others(self) -> None:
        """Note the modules in scope that were imported past us."""
        names = {module for module, _file in self.sites} | {note.module for note in self.notes}
        seen = {files.absolute_path(file) for _module, file in self.sites}
        for module, file in early_modules(self._scope):
            again = files.absolute_path(file) in seen  # `__mp_main__` is `__main__` once more
            if module in names or again:
                continue
            if module == "__main__":
                self.not_seen("run-by-interpreter", module)
            else:
                self.not_seen("other-loader", module)

    def watched(self, directory: str) -> tuple[WatchedModule, ...]:
        """What was instrumented; paths are relative to `directory` where they lie under it."""
        root = directory.rstrip(os.sep) + os.sep if directory else ""
        return tuple(
            WatchedModule(module, files.absolute_path(file).removeprefix(root), sites)
            for (module, file), sites in self.sites.items()
        )

    def _make(self, source: Source, filename: str, module: str, finish: Finish | None) -> Cached:
        warns = module != "__main__" or _warns(source.content, filename)  # an error is told before more is imported
        if self._maker is None:
            from raceway.autoinstrument.reach import found_in

            with found_in(self.search):
                from raceway.autoinstrument.maker import Maker

            self._maker = Maker(self._cache, self._scope, self._form, quiet=self._quiet)
        return self._maker.make(source, filename, module, finish, warns=warns)

    def _untransformed(self, module: str, why: str) -> None:
        self.not_seen("not-transformed", module, why)
        if not self._quiet and sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                text = f"raceway: warning: module {module} runs uninstrumented: {why} [{TransformError.slug}]"
                sys.stderr.write(text + "\n")


def _warns(content: bytes, filename: str) -> bool:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        compile(content, filename, "exec", dont_inherit=True)
    return bool(told)


def _plain_code(content: bytes, filename: str, finish: Finish | None) -> CodeType:
    if finish is None:
        return compile(content, filename, "exec", dont_inherit=True)
    import ast

    tree = ast.parse(content, filename)
    finish.apply(tree)
    return compile(tree, filename, "exec", dont_inherit=True)
