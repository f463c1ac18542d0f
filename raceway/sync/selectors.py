"""Selectors: what was put into a pipe or a pair of sockets -> whoever is told by a selector that it is there.

An event loop of asyncio reads what it is told of, and reading tells the same; so its own selecting is left alone. The
models are put in when the program has imported `selectors`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.sync import conduits, creation
from raceway.sync.patching import Patches

MODULE = "selectors"

_EVENT_READ = 1
_CLASSES = ("SelectSelector", "PollSelector", "EpollSelector", "DevpollSelector", "KqueueSelector")


def selected(_selector: object, result: Iterable[tuple[Any, int]]) -> None:
    """A selector returned. What nobody has put anything into orders nothing."""
    if not (conduits.ends or conduits.counters) or (recorder := active.recorder()) is None:
        return
    caller = sys._getframe(2)  # this one, the wrapper, and then the caller
    if creation.module_of(caller).startswith("asyncio."):
        return
    for key, events in result:
        if events & _EVENT_READ:
            conduits.received(recorder, key.fd)


def patch(patches: Patches) -> None:
    """Put the model beside the methods, if the module has been imported."""
    module = sys.modules.get(MODULE)
    for name in _CLASSES:
        selector = getattr(module, name, None)
        if selector is not None and "select" in vars(selector):
            patches.beside(selector, "select", after=selected)
