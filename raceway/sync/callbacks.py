"""A function on its way to an event loop that has no handles in Python: the loops of uvloop, the entry queue of trio.

It is handed to the loop in place of the function, and serves the models of `eventloops` as a handle of asyncio does:
`_callback` is what is called, `_loop` who calls it. All else, equality included, is that of the function. A traceback
shows no frame of ours.
"""

from __future__ import annotations

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.sync import eventloops
from raceway.sync.wrappers import Failures, hide_frame


class Callback:
    """Calls `callback`, as a step of the task that it is of, or as a callback of who handed it over."""

    __slots__ = ("__weakref__", "_callback", "_loop")

    _recorder = staticmethod(active.recorder)

    def __init__(self, callback: Any, loop: Any) -> None:
        self._callback = callback
        self._loop = loop

    def __call__(self, *args: Any) -> Any:
        step = None
        try:
            if (recorder := self._recorder()) is not None:
                step = eventloops.begin(recorder, self)
        except Exception:
            Failures.count += 1
        try:
            return self._callback(*args)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            try:
                if step is not None and (recorder := self._recorder()) is not None:
                    eventloops.finish(recorder, step)
            except Exception:
                Failures.count += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callback, name)

    def __eq__(self, other: object) -> bool:
        return bool(self._callback == (other._callback if type(other) is Callback else other))

    def __hash__(self) -> int:
        return hash(self._callback)

    def __repr__(self) -> str:
        return repr(self._callback)
