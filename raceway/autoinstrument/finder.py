"""The import hook: a finder that stands first, asks the others, and equips the loaders of modules in scope.

Serves the session. It never finds anything itself, so what is imported, from where and in which order does not change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from types import ModuleType

from raceway.autoinstrument import sidedoors
from raceway.autoinstrument.composition import Watching
from raceway.autoinstrument.foreign import Finishing, Make, adopt
from raceway.autoinstrument.loaded import file_of, loaded
from raceway.autoinstrument.loader import (
    Compile,
    Executed,
    Instrumenter,
    as_importlib,
    equip,
    hide_frame,
    tell_when_executed,
)
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.sidedoors import SideDoors

NotSeen = Callable[[str, str, str], None]
"""Takes a reason, a module and a detail."""

_SOURCE = (".py", ".pyw")
_TELLING = (SourceFileLoader, ExtensionFileLoader)


def _nothing(_module: str) -> None:
    pass


class InstrumentingFinder:
    """The hook of one run; `install` puts it first on `sys.meta_path`.

    `executed` is called with the name of a module in scope that has run, `awaited` has what to call when modules of any
    sort have.
    """

    def __init__(
        self,
        scope: Scope,
        compile: Compile,
        not_seen: NotSeen,
        executed: Executed = _nothing,
        awaited: Mapping[str, Executed] | None = None,
    ) -> None:
        self._scope = scope
        self._not_seen = not_seen
        self.owner: Watching | None = None
        self._executed = executed
        self._adopted: list[object] = []
        self._instrumenter = Instrumenter(scope, compile, executed)
        self._side_doors = SideDoors(self._instrumenter)
        self._awaited = {sidedoors.MODULE: self._side_doors.open_pkgutil, **(awaited or {})}

    def install(self, owner: Watching | None = None) -> None:
        """From now on modules in scope are instrumented; those that are there already are named as not seen.

        `owner` is the session that the hook serves: `raceway.autoinstrument.install` joins it.
        """
        self.owner = owner
        for module, _file in early_modules(self._scope):
            self._not_seen("imported-before-hook", module, "")
        self._instrumenter.active = True
        self._side_doors.open()
        sys.meta_path.insert(0, self)

    def adopt(self, loader: object, finishing: Finishing, make: Make) -> None:
        """Have a loader of somebody else give instrumented code, for as long as it is there."""
        adopt(loader, finishing, self._scope, make, self._executed)
        self._adopted.append(loader)

    def uninstall(self) -> None:
        """Import as before; what has been imported stays instrumented. Loaders that were equipped are plain again."""
        self._instrumenter.active = False
        self._side_doors.close()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    @as_importlib
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the remaining finders find; the loader is equipped when the module is in scope."""
        busy = self._instrumenter.busy
        if fullname in sys.builtin_module_names or (busy and fullname not in self._awaited):
            return None
        finders = list(sys.meta_path)  # importing may change it
        for finder in finders[finders.index(self) + 1 :] if self in finders else ():
            find_spec = getattr(finder, "find_spec", None)
            if find_spec is None:  # a finder of the old kind (3.11): importlib knows how to ask it
                return None
            try:
                spec: ModuleSpec | None = find_spec(fullname, path, target)
            except BaseException as error:
                hide_frame(error)
                raise
            if spec is not None:
                if not busy:
                    try:
                        self._equip(fullname, spec)
                    except Exception as error:  # the program may have replaced what the file system is asked by
                        self._not_seen("not-transformed", fullname, type(error).__name__)
                if fullname in self._awaited and isinstance(spec.loader, _TELLING):
                    tell_when_executed(spec.loader, self._awaited[fullname])
                return spec
        return None

    def _equip(self, module: str, spec: ModuleSpec) -> None:
        decision = self._scope.decide(module, spec.origin if spec.has_location else None)
        if decision.instrument and not any(spec.loader is loader for loader in self._adopted):
            obstacle = equip(spec.loader, self._instrumenter)
            if obstacle is not None:
                self._not_seen(obstacle.value, module, type(spec.loader).__qualname__)


def early_modules(scope: Scope) -> Iterator[tuple[str, str]]:
    """Modules in scope that have been imported already, and their files."""
    for name, variables in loaded():
        file = file_of(variables)
        if file is None or not file.endswith(_SOURCE) or name in scope.running:
            continue
        # Run with `-m`, it is what its spec says: pytest, say, is not own code for being `__main__`.
        spelled = getattr(variables.get("__spec__"), "name", name)
        if scope.decide(spelled if isinstance(spelled, str) else name, file).instrument:
            yield name, file
