"""The ways by which modules get in without a finder, and what is put in each. Serves the import hook.

`importlib.util.spec_from_file_location` makes a `SourceFileLoader` of its own, so the class itself is made to give
instrumented code; `runpy.run_path` compiles scripts itself unless `pkgutil.read_code` has code for them. `pkgutil` is
not imported for this: the replacement waits until the program does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType

from raceway.autoinstrument.loader import SOURCE_FILE_CODE, Instrumenter, instrumented
from raceway.autoinstrument.source import Source
from raceway.model.typing import Any, BinaryIO

ReadCode = Callable[[BinaryIO], CodeType | None]

MODULE = "pkgutil"

_SCRIPT = "<run_path>"
"""The name that runpy gives a script by default."""


class SideDoors:
    """The two replacements; `close` puts back what was there."""

    def __init__(self, instrumenter: Instrumenter) -> None:
        self._instrumenter = instrumenter
        self._replaced: list[tuple[Any, str, Any, Any]] = []

    def open(self) -> None:
        """Put the replacements in place."""
        self._replace(SourceFileLoader, "get_code", instrumented(SOURCE_FILE_CODE, self._instrumenter))
        self.open_pkgutil()

    def open_pkgutil(self, _module: str = MODULE) -> None:
        """The same for `pkgutil`, once that has been imported."""
        module = sys.modules.get(MODULE)
        if module is not None and self._instrumenter.active:
            self._replace(module, "read_code", self._reading(module.read_code))

    def close(self) -> None:
        """Put back what was there, unless someone else has replaced ours since: theirs may call it."""
        while self._replaced:
            owner, name, ours, before = self._replaced.pop()
            if vars(owner).get(name) is not ours:
                continue
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

    def _replace(self, owner: Any, name: str, ours: Any) -> None:
        # `SourceFileLoader` inherits the method: there is nothing of its own to put back.
        self._replaced.append((owner, name, ours, vars(owner).get(name)))
        setattr(owner, name, ours)

    def _reading(self, plain: ReadCode) -> ReadCode:
        """`pkgutil.read_code`, which runpy asks first: None means that runpy is to compile the script itself."""

        def read_code(stream: BinaryIO) -> CodeType | None:
            start = stream.read(len(MAGIC_NUMBER))
            stream.seek(0)
            path = getattr(stream, "name", "")
            if start == MAGIC_NUMBER or not isinstance(path, str) or not self._instrumenter.wants(_SCRIPT, path):
                return plain(stream)
            # runpy opens the absolute path but compiles under the name it was given.
            given = sys._getframe(1).f_locals.get("fname", path)
            return self._instrumenter.compile(Source(stream.read), given, _SCRIPT)

        return read_code
