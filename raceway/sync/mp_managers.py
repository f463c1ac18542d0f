"""Primitives that live in the process of a `multiprocessing` manager, used by threads of this process: what `threading`
and `queue` promise for them.

A proxy only sends the name of a method; which primitive it is, and which method orders what, is read off there. Data of
a manager (`dict`, `list`, `Namespace`) is memory of another process. The models are put in when the program has
imported `multiprocessing.managers`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, of_run
from raceway.sync.wrappers import Failures, hide_frame

MODULE = "multiprocessing.managers"

_RELEASING = {
    **dict.fromkeys(("Lock", "RLock", "Semaphore", "BoundedSemaphore"), frozenset({"release"})),
    "Condition": frozenset({"release", "wait"}),
    "Event": frozenset({"set"}),
    "Barrier": frozenset({"wait"}),
    **dict.fromkeys(("Queue", "JoinableQueue"), frozenset({"put", "put_nowait", "task_done"})),
}
_ACQUIRING = {
    **dict.fromkeys(("Lock", "RLock", "Semaphore", "BoundedSemaphore"), frozenset({"acquire"})),
    "Condition": frozenset({"acquire", "wait"}),
    "Event": frozenset({"wait", "is_set"}),
    "Barrier": frozenset({"wait"}),
    **dict.fromkeys(("Queue", "JoinableQueue"), frozenset({"get", "get_nowait", "join"})),
}
_TELLING = frozenset({"acquire", "is_set"})
"""Methods whose answer tells whether they succeeded; so does that of an event's `wait`."""

referents: Kept[tuple[object, object], Serial] = of_run(Kept())
"""What stands for the object behind a proxy."""


def calling(recorder: Recorder, proxy: Any, method: object) -> None:
    """A method of the object behind `proxy` is about to be called."""
    if method in _RELEASING.get(proxy._token.typeid, ()):
        recorder.release(_serial(recorder, proxy).number)


def called(recorder: Recorder, proxy: Any, method: object, result: object) -> None:
    """It gave `result`."""
    kind = proxy._token.typeid
    if method not in _ACQUIRING.get(kind, ()):
        return
    if result or not (method in _TELLING or kind == "Event"):
        recorder.acquire(_serial(recorder, proxy).number)


def _serial(recorder: Recorder, proxy: Any) -> Serial:
    key = proxy._token.address, proxy._token.id
    found = referents.get(key)
    if found is None:
        found = referents.keep(key, Serial(recorder, "manager"))
    return found


def beside_call(real: Callable[..., Any]) -> Callable[..., Any]:
    """`BaseProxy._callmethod`, telling."""

    @functools.wraps(real)
    def callmethod(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        method = args[0] if args else kwargs.get("methodname")
        try:
            if (recorder := active.recorder()) is not None:
                calling(recorder, self, method)
        except Exception:
            Failures.count += 1
        try:
            result = real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := active.recorder()) is not None:
                called(recorder, self, method, result)
        except Exception:
            Failures.count += 1
        return result

    return callmethod


def patch(patches: Patches) -> None:
    """Put the models beside the one method that all calls go through, if the module has been imported."""
    proxy = getattr(sys.modules.get(MODULE), "BaseProxy", None)
    if proxy is not None:
        patches.replace(proxy, "_callmethod", beside_call(vars(proxy)["_callmethod"]))
