"""Connections of `multiprocessing` whose two ends are in this process: `send()` and `close()` -> `recv()`, and `poll()`
that found something.

A connection is a descriptor, whose other end `conduits` knows. The models are put in when the program has imported
`multiprocessing.connection`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import conduits
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial, Table, of_run

MODULE = "multiprocessing.connection"


carried: Table[Serial] = of_run(Table())
"""What is sent to processes by way of a connection, for whoever hears what came of it."""


def sending(recorder: Recorder, connection: Any) -> None:
    """Something is about to be sent, or the end to be closed."""
    conduits.sending(recorder, connection._handle)
    if (serial := carried.get(connection)) is not None:
        recorder.release(serial.number)


def received(recorder: Recorder, connection: Any, _result: object) -> None:
    """Something was received."""
    conduits.received(recorder, connection._handle)


def polled(recorder: Recorder, connection: Any, found: object) -> None:
    """The current actor asked whether there is something to receive."""
    if found:
        conduits.received(recorder, connection._handle)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if the module has been imported."""
    connection = getattr(sys.modules.get(MODULE), "Connection", None)
    if connection is None:
        return
    patches.around(connection, "_send_bytes", before=sending)
    patches.around(connection, "_close", before=sending)
    patches.around(connection, "_recv_bytes", after=received)
    patches.around(connection, "_poll", after=polled)
