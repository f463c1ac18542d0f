"""Connections of `multiprocessing`: `send()` and `close()` -> `recv()`, and `poll()` that found something, at the other
end in this process; and whatever was sent to processes before -> what comes from one.

A connection is a descriptor, whose other end `conduits` knows. What this process has not put in itself comes from
another one, which may have heard before of anything that was sent to any: a thread that asks and one that hears the
answers are ordered by that, as `abroad` says. Queues and pools of processes send and receive so, too. The models are
put in when the program has imported `multiprocessing.connection`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import abroad, conduits
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, of_run

MODULE = "multiprocessing.connection"

filled: Kept[int, bool] = of_run(Kept())
"""The directions, by their serials, into which this process has put something."""


def sending(recorder: Recorder, connection: Any) -> None:
    """Something is about to be sent."""
    directions = conduits.directions(recorder, connection._handle)
    if directions is not None:
        recorder.release(directions[0].number)
        filled.keep(directions[0].number, True)
    abroad.telling(recorder, connection)


def closing(recorder: Recorder, connection: Any) -> None:
    """The end is about to be closed, in this process."""
    conduits.sending(recorder, connection._handle)


def received(recorder: Recorder, connection: Any, _result: object) -> None:
    """Something was received."""
    directions = conduits.directions(recorder, connection._handle)
    if directions is not None:
        recorder.acquire(directions[1].number)
    if directions is None or directions[1].number not in filled:
        abroad.heard(recorder, connection)


def answering(_recorder: Recorder, connection: Any, *_rest: object) -> None:
    """Who has called is about to be asked whether it may, and to answer."""
    abroad.asking(connection)


def polled(recorder: Recorder, connection: Any, found: object) -> None:
    """The current actor asked whether there is something to receive."""
    if found:
        received(recorder, connection, found)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if the module has been imported."""
    connection = getattr(sys.modules.get(MODULE), "Connection", None)
    if connection is None:
        return
    patches.ahead(sys.modules[MODULE], "answer_challenge", answering)
    patches.around(connection, "_send_bytes", before=sending)
    patches.around(connection, "_close", before=closing)
    patches.around(connection, "_recv_bytes", after=received)
    patches.around(connection, "_poll", after=polled)
