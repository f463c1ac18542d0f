"""Locks that are replaced while threads take them: `self.lock = Lock()` in a method that is called again.

Who has loaded the old lock holds that, and the others the new one: they do not keep each other out, whatever the lock
guards. Told from the races on the variable that holds the lock. Serves the builder of findings.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from raceway.findings import naming
from raceway.findings.fields import makes_lock
from raceway.findings.groups import Group
from raceway.findings.sides import Names
from raceway.findings.syntax import around
from raceway.model.kinds import LocationKind
from raceway.model.races import Side
from raceway.model.sites import Site
from raceway.model.struct import Struct

_PLACES = frozenset({LocationKind.ATTRIBUTE, LocationKind.GLOBAL})


class Relock(Struct):
    """The variable that holds a lock, and where another one is stored in it."""

    lock: str
    file: str
    line: int
    function: str


class Relocked:
    """The locks of a run that are replaced; `directory` is what paths are shown relative to."""

    def __init__(self, groups: Iterable[Group], names: Names, directory: str) -> None:
        self._of: dict[str, Relock] = {}
        for group in groups:
            for race, _first, _second in group.races:
                for side in (race.earlier, race.later):
                    site, path = names.site(side.access.site), names.site_file(side.access.site)
                    if _stores_lock(side, path, site):
                        place = naming.relative(path, directory), site.line, site.function
                        self._of.setdefault(_last(group.variable), Relock(group.variable, *place))

    def of(self, variable: str, lock: str) -> Relock | None:
        """What is known of a variable that holds a lock which is replaced, else of a lock of that name."""
        known = self._of.get(_last(variable))
        return known if known is not None and known.lock == variable else self._of.get(_last(lock))


def _stores_lock(side: Side, path: str, site: Site) -> bool:
    """Whether a side stores a new lock where there has been one."""
    if side.access.location.kind not in _PLACES or not side.access.operation.mutates:
        return False
    match around(path, site)[:2]:
        case (_, ast.Assign(value=ast.Call(func=made)) | ast.AnnAssign(value=ast.Call(func=made))):
            return makes_lock(made) and not site.function.endswith("__init__")
    return False


def _last(name: str) -> str:
    """The name of a variable without that of its class, which may be one of several that inherit it."""
    return name.rpartition(".")[2]
