"""Hand-made tracking calls as the local detector sees them, while one is active.

A variable that is told by its name is a global of a namespace that nothing else uses. For each place of the program
that tells of it there is a small function with one tap, which stands in reports for the line of the call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType

from raceway.client.marks import Place, line_of
from raceway.model.placeholders import spell, take_out
from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.runtime.active import recorder

if TYPE_CHECKING:
    from raceway.session import Session

_MARKER = b"raceway mark "
_SOURCE = f"def mark():\n    {spell(_MARKER, 0, Role.VALUE)!r} @ None\n"

_CONTEXTS = {
    "Read": Context.LOAD,
    "AtomicRead": Context.LOAD,
    "Write": Context.STORE,
    "AtomicWrite": Context.STORE,
    "AtomicRMW": Context.AUGMENT,
}

_LIMIT = 10_000
"""Places and variables that are told apart: a name made of user data must not fill the memory."""


def _template() -> tuple[CodeType, bytes]:
    """The code of the function, and where its tap goes."""
    space: dict[str, Any] = {}
    exec(compile(_SOURCE, __file__, "exec", dont_inherit=True), space)
    code: CodeType = space["mark"].__code__
    return take_out(code, _MARKER)


class Feed:
    """Tells the detector of one process; nothing that goes wrong here comes out."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._marks: dict[object, Callable[[], None]] = {}
        self._locks: dict[str, int] = {}
        self._held: dict[tuple[int, str], int] = {}
        self._namespace: dict[str, Any] = {}
        self._template, self._places = _template()

    def access(self, variable: str, access_type: str, frame: FrameType, place: Place) -> None:
        """A variable was read or written by the frame, at its line or where `place` says."""
        try:
            if not self._follow() or type(variable) is not str:
                return
            context = _CONTEXTS.get(access_type, Context.STORE)
            key = (variable, context, place)
            mark = self._marks.get(key)
            if mark is None:
                if len(self._marks) >= _LIMIT:
                    return
                mark = self._marks.setdefault(key, self._made(variable, context, frame, place))
            mark()
        except Exception:  # it costs the detector an access, never the program a call
            return

    def lock_taken(self, lock_id: str, frame: FrameType) -> None:
        """The current actor holds the lock from here on."""
        try:
            if not self._follow() or type(lock_id) is not str or (active := recorder()) is None:
                return
            if lock_id not in self._locks:
                self._locks[lock_id] = active.new_sync("lock", frame.f_code.co_filename, frame.f_lineno or 0)
            holding = (active.current(), lock_id)
            depth = self._held[holding] = self._held.get(holding, 0) + 1
            if depth == 1:
                active.lock_taken(self._locks[lock_id])
        except Exception:
            return

    def lock_freed(self, lock_id: str) -> None:
        """The current actor is about to free the lock; nothing happens when it does not hold it."""
        try:
            if not self._follow() or (active := recorder()) is None:
                return
            holding = (active.current(), lock_id)
            depth = self._held.pop(holding, 0)
            if depth > 1:
                self._held[holding] = depth - 1
            elif depth == 1:
                active.lock_freed(self._locks[lock_id])
        except Exception:
            return

    def _follow(self) -> bool:
        """Whether a session runs; what was made for another one is forgotten."""
        from raceway.session import running

        session = running()
        if session is not self._session:
            self._marks.clear()
            self._locks.clear()
            self._held.clear()
            self._namespace = {}
            self._session = session
        return session is not None

    def _made(self, variable: str, context: Context, frame: FrameType, place: Place) -> Callable[[], None]:
        """A function that does what the site says, to the variable of that name."""
        assert self._session is not None
        file, line = _file_and_line(frame, place)
        site = Site(
            index=0,
            form=SiteForm.GLOBAL,
            context=context,
            commit=Role.VALUE,
            name=sys.intern(variable),
            base=variable,
            label=variable,
            function=frame.f_code.co_qualname,
            line=line,
            column=0,
            end_line=line,
            end_column=1_000,
        )
        # Constants of its own: they are exchanged in place.
        code = self._template.replace(co_consts=(*self._template.co_consts,))
        from raceway.session import adopt

        return FunctionType(adopt(self._session, code, (site,), self._places, file), self._namespace)


def _file_and_line(frame: FrameType, place: Place) -> tuple[str, int]:
    if type(place) is str:
        file, _, line = place.rpartition(":")
        if line.strip().isdecimal():
            return file, int(line)
    if type(place) is tuple:
        return place[0].co_filename, line_of(*place)
    return frame.f_code.co_filename, frame.f_lineno or 0
