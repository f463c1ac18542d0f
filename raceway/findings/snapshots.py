"""Snapshots: whole values of which a new one replaces the old one, while others load what is there once and use that.

    def reload(self):                         config = holder.current
        self._current = parse(path)           return config.limit(user)

CPython stores and loads a reference in one step, with a GIL and without one, and who finds an object finds all that was
written to it before. So a reader has the old value or the new one, and each of them is whole, if nobody changes what is
stored, if there is a value from the beginning, and if the store does not depend on what it replaces, but where one
actor makes all stores, or a lock is held at all of them (read, copy, update). A reader that loads twice may have both;
one that tests what it finds may act on the old one; two variables that one function stores and another one loads may be
of two moments: these stay findings.

Told from the races of the run, and from the source of all that stores (`wholes`) and loads (`loads`) the variable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from itertools import permutations

from raceway.findings.loads import Loads
from raceway.findings.sources import Sources
from raceway.findings.wholes import Wholes
from raceway.model.kinds import FindingKind, LocationKind, Operation, RegionKind
from raceway.model.races import ITEM, RawRace
from raceway.model.records import Access
from raceway.model.sites import Context, Site, SiteForm
from raceway.model.struct import Struct

REASON = "a snapshot: who loads it once has the old value or the new one, and nobody changes either of them"

_PLACES = frozenset({LocationKind.ATTRIBUTE, LocationKind.GLOBAL})
_FORMS = frozenset({SiteForm.ATTRIBUTE, SiteForm.GLOBAL})


_Function = tuple[str, str]
"""A file, and the name of a function in it."""


class _Pair(Struct):
    """Who stores and who loads a variable: the functions that were running, innermost first."""

    variable: str
    stores: tuple[_Function, ...]
    loads: tuple[_Function, ...]


class Raced(Struct):
    """A race and what kind of finding it is."""

    kind: FindingKind
    race: RawRace


class Snapshots:
    """What a run and its sources tell of variables whose values are replaced as a whole."""

    def __init__(
        self,
        raced: Iterable[Raced],
        site_of: Callable[[int], Site],
        file_of: Callable[[int], str],
        files: Sequence[str],
    ) -> None:
        self._of: dict[str, list[Raced]] = defaultdict(list)
        for one in raced:
            self._of[_variable(one.race)].append(one)
        self._site_of = site_of
        self._file_of = file_of
        self._files = frozenset(files)
        sources = Sources(files)
        self._wholes = Wholes(sources)
        self._uses = Loads(sources)
        self._is_swapped = cache(self._swapped)
        self._is_loaded = cache(self._loads)

    def explain(self, race: RawRace) -> bool:
        """Whether the race is one of a store of a snapshot with somebody who loads it once."""
        reader = race.earlier if race.later.access.operation.mutates else race.later
        return self._is_swapped(_variable(race)) and self._is_loaded(reader.access.site) and self.is_alone(race)

    def is_one_value(self, race: RawRace) -> bool:
        """Whether what is stored is no half of something, and the two race on nothing else, such as what is in it."""
        for access in (race.earlier.access, race.later.access):
            if access.operation.mutates:
                plain = access.operation is Operation.WRITE and access.location.kind is not LocationKind.STRUCTURE
                if not plain or not self._wholes.is_one_value(self._file_of(access.site), self._site_of(access.site)):
                    return False
        return self.is_alone(race)

    def is_alone(self, race: RawRace) -> bool:
        """Whether those who load and store race on no other variable, such as one that the flag tells of, or what is in
        the value."""
        loads, stores = sorted((race.earlier, race.later), key=lambda side: side.access.operation.mutates)
        ours = self._pair(_variable(race), stores.access, loads.access)
        return not any(
            other.variable != ours.variable and _meet(other.loads, ours.loads)
            for function in ours.stores
            for other in self._pairs[function]
            if _meet(other.stores, ours.stores)
        )

    @cached_property
    def _pairs(self) -> dict[_Function, list[_Pair]]:
        """The two sides of all races in either order, by each function that was running on the first."""
        found: dict[_Function, list[_Pair]] = defaultdict(list)
        for variable, raced in self._of.items():
            for one in raced:
                for first, second in permutations((one.race.earlier.access, one.race.later.access)):
                    pair = self._pair(variable, first, second)
                    for function in set(pair.stores):
                        found[function].append(pair)
        return found

    def _pair(self, variable: str, stores: Access, loads: Access) -> _Pair:
        return _Pair(variable, self._functions(stores), self._functions(loads))

    def _functions(self, access: Access) -> tuple[_Function, ...]:
        """The functions of the program that were running, innermost first."""
        codes = (code for code, _offset in access.stack)
        return tuple((code.co_filename, code.co_qualname) for code in codes if code.co_filename in self._files)

    def _swapped(self, variable: str) -> bool:
        """Whether all races on the variable are of plain stores of whole values with plain loads."""
        stores, storing, guards = set[int](), set[int](), list[set[int]]()
        for one in self._of[variable]:
            if one.kind is not FindingKind.READ_WRITE:
                return False
            for side in (one.race.earlier, one.race.later):
                if side.access.location.kind not in _PLACES:
                    return False
                if side.access.operation.mutates:
                    stores.add(side.access.site)
                    storing.add(side.access.actor)
                    guards.append(set(side.locks))
        sites, alone = [self._site_of(serial) for serial in stores], len(storing) == 1
        guarded = bool(guards) and bool(set.intersection(*guards))
        if not all(_stores(site, alone, guarded) and not site.function.endswith("__init__") for site in sites):
            return False
        if sites[0].form is SiteForm.GLOBAL:
            return self._wholes.of_module(self._file_of(min(stores)), sites[0].name)
        return self._wholes.of_class(*variable.rpartition(".")[::2])

    def _loads(self, serial: int) -> bool:
        site = self._site_of(serial)
        plain = site.context is Context.LOAD and site.form in _FORMS and site.once and not site.is_head
        return plain and self._uses.are_plain(self._file_of(serial), site)


def _variable(race: RawRace) -> str:
    """The variable that a race is about; a container's items, and its structure, are of the container."""
    return race.later.access.variable.removesuffix(ITEM)


def _stores(site: Site, alone: bool, guarded: bool) -> bool:
    """Whether the site replaces what is there by something that is no literal, and has not been made of it; `alone`:
    by one actor only, which may compare the two before, and make the one of the other; `guarded`: all stores are made
    under one lock, so that it may be made of what is there then."""
    plain = site.context is Context.STORE and site.form in _FORMS and not site.keyed
    whole = guarded and not any(one.splits for one in site.regions)
    allowed = {RegionKind.TEST: alone, RegionKind.VALUE: alone or whole}
    tests = all(allowed.get(region.kind, False) for region in site.regions)
    return plain and tests and not site.literal and not site.flag


def _meet(ours: tuple[_Function, ...], theirs: tuple[_Function, ...]) -> bool:
    """Whether one function did both, or one of them for the other, or for the same caller."""
    if not ours or not theirs:
        return False  # no code of the program
    return ours[0] in theirs or theirs[0] in ours or ours[1:2] == theirs[1:2] != ()
