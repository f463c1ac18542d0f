"""Taps of the pure core: the live objects among the constants of instrumented code.

`tap[operand]` and `tap @ operand` give back the operand unchanged and note the access. Being Python, they are calls:
they add switch points to the program and frames to `sys.setprofile`; the native core's taps do not.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType

from raceway.model.placeholders import Place, put_in
from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.typing import Any
from raceway.runtime.accesses import Accesses, Missing, Reach
from raceway.runtime.actors import ThreadState
from raceway.runtime.calltaps import CallTap
from raceway.runtime.log import Log
from raceway.runtime.plaintaps import plain_tap

_PLAIN_KEYS = frozenset({str, int, type(None), type(Missing)})
"""Keys that can be compared without calling code of the program; `Missing` is a class, and no key."""


_PLAIN_FORMS = frozenset({SiteForm.ATTRIBUTE, SiteForm.GLOBAL, SiteForm.CELL})
_PLAIN_CONTEXTS = frozenset({Context.LOAD, Context.AUGMENT})
"""Accesses that do the same each time. What a store into a container does depends on whether the key is there."""


class Tap:
    """One tap of one site: it holds its operand for the site's commit, or is that commit.

    `held` operands wait for the commit.
    """

    __slots__ = ("accesses", "commits", "held", "key", "log", "serial", "site")

    def __init__(self, accesses: Accesses, site: Site, serial: int, commits: bool, held: int) -> None:
        self.accesses = accesses
        self.log: Log = accesses.log
        self.site = site
        self.serial = serial
        self.commits = commits
        self.held = held
        self.key: Any = _literal(site.key) if site.key else Missing

    def __getitem__(self, operand: Any) -> Any:
        """Note that the operand is used; give it back."""
        self._note(sys._getframe(1), operand)
        return operand

    def __matmul__(self, operand: Any) -> Any:
        """The same, as an operator that the compiler never folds; a captured variable's lambda tells its cell."""
        if self.site.form is not SiteForm.CELL:
            self._note(sys._getframe(1), operand)
            return operand
        if not self.log.open:
            return self
        try:
            cell = operand.__closure__[operand.__code__.co_freevars.index(self.site.name)]
            self.log.state().hold(sys._getframe(1), self.serial, cell)
        except Exception:  # as in _note
            self.log.failed()
        return self

    def _note(self, frame: FrameType, operand: Any) -> None:
        if not self.log.open:
            return
        try:
            state = self.log.state()
            if self.commits:
                self._commit(state, frame, operand)
            else:
                state.hold(frame, self.serial, operand)
        except Exception:  # the boundary between the program and us: nothing may cross it
            self.log.failed()

    def _commit(self, state: ThreadState, frame: FrameType, operand: Any) -> None:
        """Gather the operands and record."""
        site, key, owner = self.site, self.key, state.owner
        base = operand
        if self.held:
            held = state.take(frame, self.serial, self.held)
            if len(held) != self.held:
                return
            base, owner = held[0].value, held[0].owner
            if site.form is SiteForm.CONTAINS:
                key, base, owner = base, operand, state.owner
            elif len(held) > 1:
                key = held[1].value
            elif site.commit is Role.KEY:
                key = operand
        address = id(frame.f_globals) if site.form is SiteForm.GLOBAL else id(base)
        repeated = (self.serial, address, key)
        plain = type(key) in _PLAIN_KEYS and (site.form in _PLAIN_FORMS or site.context in _PLAIN_CONTEXTS)
        plain = plain and not site.given  # who has called it counts, too
        if plain and self.log.repeats(state, repeated):
            if site.form is SiteForm.ATTRIBUTE:
                state.owner = (type(base), address)
            return
        before = state.accesses
        self.accesses.reached(Reach(self.serial, site, state, frame, base, key, owner))
        if plain and state.accesses != before and self.log.identity.knows(address):
            self.log.repeated(state, repeated)

    def __repr__(self) -> str:
        site = self.site
        return f"<raceway tap {site.form.value} {site.base}.{site.name} at line {site.line}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (plain_tap, ())


def _literal(source: str) -> object:
    from ast import literal_eval  # dear to import, and most programs have such keys in a few places only

    return literal_eval(source)


def bind(accesses: Accesses, code: CodeType, base: int, sites: tuple[Site, ...], places: bytes) -> CodeType:
    """The code with taps at the places that are listed; nested code included."""

    def tap(place: Place) -> Tap | CallTap:
        site, serial = sites[place.site], base + place.site
        if site.form is SiteForm.BODY:
            return CallTap(accesses.log, serial, place.role)
        held = 1 if site.form is SiteForm.CELL else place.others
        return Tap(accesses, site, serial, place.role is site.commit, held)

    return put_in(code, places, tap)
