"""Values that each thread stores into one place of all and reads back: it may get what another one has stored there.

    def handle(self, request):
        self.user = user_of(request)        # another thread stores its user here
        self.reply(inbox.of(self.user))

Both sides of a race of two writes stand at the store, so whoever comes by there stores; the read follows it in the same
call. What is stored is the thread's own if it is made of what the function was given. Serves the builder of findings.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable

from raceway.findings import naming
from raceway.findings.groups import Group
from raceway.findings.sources import parameters
from raceway.findings.syntax import around, source, within
from raceway.model.kinds import FindingKind, Operation
from raceway.model.races import RawRace, Side
from raceway.model.records import Stack
from raceway.model.sites import Context, Site, SiteForm


class ReadBack:
    """The stores of a run that two threads race at and that each of them reads back."""

    def __init__(self, groups: Iterable[Group], site_of: Callable[[int], Site], file_of: Callable[[int], str]) -> None:
        self._site_of = site_of
        self._file_of = file_of
        self._stores: dict[str, list[Side]] = defaultdict(list)
        self._back: set[int] = set()
        groups = list(groups)
        for group in groups:
            for race in _races(group, FindingKind.WRITE_WRITE):
                if race.earlier.access.site == race.later.access.site and self._is_own(race.earlier.access.site):
                    self._stores[group.variable] += (race.earlier, race.later)
        for group in groups:
            for race in _races(group, FindingKind.READ_WRITE):
                self._back |= {self.store_of(group, race)} - {-1}

    def store_of(self, group: Group, race: RawRace) -> int:
        """The site at which the reading side has stored the value before; -1 without one."""
        reading = race.earlier if race.later.access.operation.mutates else race.later
        stores = self._stores.get(group.variable, ()) if group.kind is FindingKind.READ_WRITE else ()
        return next((one.access.site for one in stores if _comes_after(reading.access.stack, one.access.stack)), -1)

    def harms(self, group: Group, race: RawRace) -> bool:
        """Whether what one side of the race stores may be read back by another that has stored there, too."""
        if group.kind is FindingKind.WRITE_WRITE:
            return race.earlier.access.site == race.later.access.site and race.earlier.access.site in self._back
        return self.store_of(group, race) >= 0

    def _is_own(self, serial: int) -> bool:
        """Whether what is stored there is made of what the function was given."""
        site = self._site_of(serial)
        if site.context is not Context.STORE or site.form not in (SiteForm.ATTRIBUTE, SiteForm.GLOBAL):
            return False
        nodes = within(around(self._file_of(serial), site))
        match nodes[:2]:
            case (target, ast.Assign(targets=[only], value=value)) if only is target:
                given = set(parameters(nodes[-1])) - {"self", "cls"}
                return any(isinstance(node, ast.Name) and node.id in given for node in ast.walk(value))
        return False


def _races(group: Group, kind: FindingKind) -> Iterable[RawRace]:
    plain = (race for race, _first, _second in group.races if group.kind is kind)
    return (race for race in plain if Operation.STRUCTURAL_CHANGE not in _operations(race))


def _operations(race: RawRace) -> set[Operation]:
    return {race.earlier.access.operation, race.later.access.operation}


def _comes_after(reading: Stack, storing: Stack) -> bool:
    """Whether the innermost function that was running at both had come further when it read, in the same loop."""
    at = dict(reversed(storing))
    for code, offset in reading:
        if code in at:
            stored, read = naming.line_at(code, at[code]), naming.line_at(code, offset)
            return stored < read and _loops(code.co_filename, stored) == _loops(code.co_filename, read)
    return False


def _loops(path: str, line: int) -> set[int]:
    """The lines in which the loops around a line begin."""
    loops = (node for node in source(path).parents if isinstance(node, (ast.For, ast.While, ast.AsyncFor)))
    return {loop.lineno for loop in loops if loop.lineno <= line <= (loop.end_lineno or line)}
