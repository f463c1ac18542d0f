"""Polling objects of the kernel: who registers a descriptor with one -> whoever is told by it of that descriptor.

A server hands connections over like that: one thread accepts them and registers them, another is told that there is
something to read, and finds by the descriptor what the first has stored. Known are `select.epoll` and `select.poll`,
and with them the selectors made of these; what a thread has registered itself tells it nothing. A traceback shows no
frame of ours.
"""

from __future__ import annotations

import functools
import select
from collections.abc import Callable, Iterable

from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.extensiontypes import stand_in
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, of_run
from raceway.sync.wrappers import Failures, hide_frame

_FILES = frozenset({"socket", "_socket", "_io", "io", "ssl"})
"""Modules whose objects may be asked for their descriptor; a `fileno()` of the program's would be called twice."""

registered: Kept[tuple[int, int], tuple[int, Serial]] = of_run(Kept())
"""By polling object and descriptor: which thread has registered it, and what it had done until then."""


def registering(recorder: Recorder, poller: object, file: Any) -> None:
    """The current actor is about to register `file`, or to say anew what is waited for."""
    key = _key(poller, file)
    if key is not None:
        registered.pop(key, None)  # perhaps of a polling object that is long gone
        serial = Serial(recorder, "poller")
        recorder.release(serial.number)
        registered.keep(key, (get_ident(), serial))


def forgetting(_recorder: Recorder, poller: object, file: Any) -> None:
    """The descriptor is about to be taken out."""
    if (key := _key(poller, file)) is not None:
        registered.pop(key, None)


def _key(poller: object, file: Any) -> tuple[int, int] | None:
    if type(file) is int:
        return id(poller), file
    return (id(poller), file.fileno()) if type(file).__module__ in _FILES else None


def polled(poller: object, result: Iterable[tuple[int, int]]) -> None:
    """The polling object has told of these descriptors, of one at least."""
    if not registered or (recorder := active.recorder()) is None:
        return
    me = get_ident()
    for descriptor, _events in result:
        found = registered.get((id(poller), descriptor))
        if found is not None and found[0] != me:
            recorder.acquire(found[1].number)


def with_file(real: Callable[..., Any], model: Callable[[Recorder, object, Any], None]) -> Callable[..., Any]:
    """A method of polling objects that is given a descriptor, with a model ahead of it."""
    current = active.recorder

    @functools.wraps(real)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            if (args or "fd" in kwargs) and (recorder := current()) is not None:
                model(recorder, self, args[0] if args else kwargs["fd"])
        except Exception:
            Failures.count += 1
        try:
            return real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


def telling(real: Callable[..., Any]) -> Callable[..., Any]:
    """`poll()` of a polling object. Event loops call it all the time, and mostly there is nothing."""

    @functools.wraps(real)
    def poll(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            result = real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        if result:
            try:
                polled(self, result)
            except Exception:
                Failures.count += 1
        return result

    return poll


def patch(patches: Patches) -> None:
    """Put the models beside the methods, of the types that this system has."""
    for owner in (getattr(select, "epoll", None), type(select.poll()) if hasattr(select, "poll") else None):
        if owner is None:
            continue
        for name, model in (("register", registering), ("modify", registering), ("unregister", forgetting)):
            beside = patches.twins.get(model, functools.partial(with_file, model=model))
            stand_in(patches, owner, name, beside)
        stand_in(patches, owner, "poll", patches.twins.get(polled, telling))
