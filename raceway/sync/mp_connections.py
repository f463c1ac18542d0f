"""Connections of `multiprocessing`: `send()` and `close()` -> `recv()`, and `poll()` that found something, at the other
end in this process; and whatever was sent to processes before -> what comes from one.

A connection is a descriptor, whose other end `conduits` knows. What this process has not put in itself comes from
another one, which may have heard before of anything that was sent to any: a thread that asks and one that hears the
answers are ordered by that. All that is sent has one clock, as it is not known who tells whom there; a thread that has
itself asked through the connection hears of nobody else. Queues and pools of processes send and receive so, too. The
models are put in when the program has imported `multiprocessing.connection`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime.contract import Recorder
from raceway.sync import conduits
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, Table, of_run

MODULE = "multiprocessing.connection"


filled: Kept[int, bool] = of_run(Kept())
"""The directions, by their serials, into which this process has put something."""

asked: Table[int] = of_run(Table())
"""The thread that has sent something through a connection last."""

abroad: Kept[str, Serial] = of_run(Kept())
"""What was sent to other processes: one serial."""


def sending(recorder: Recorder, connection: Any) -> None:
    """Something is about to be sent."""
    directions = conduits.directions(recorder, connection._handle)
    if directions is not None:
        recorder.release(directions[0].number)
        filled.keep(directions[0].number, True)
    asked.put(connection, get_ident())
    serial = abroad.get("") or abroad.keep("", Serial(recorder, "pipe"))
    recorder.release(serial.number)


def closing(recorder: Recorder, connection: Any) -> None:
    """The end is about to be closed, in this process."""
    conduits.sending(recorder, connection._handle)


def received(recorder: Recorder, connection: Any, _result: object) -> None:
    """Something was received."""
    directions = conduits.directions(recorder, connection._handle)
    if directions is not None:
        recorder.acquire(directions[1].number)
    if asked.get(connection) == get_ident() or (directions is not None and directions[1].number in filled):
        return
    if (serial := abroad.get("")) is not None:
        recorder.acquire(serial.number)


def answering(_recorder: Recorder, connection: Any, *_rest: object) -> None:
    """Who has called is about to be asked whether it may, and to answer."""
    asked.put(connection, get_ident())


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
