"""Sockets of one process that are connected with each other: `send()` -> the `recv()` at the other end.

A test that runs a server and its client in one process orders its threads by what they say to each other. An end is
known by its two addresses, so only two ends in this process meet; a peer elsewhere orders nothing. One direction of a
connection has one clock: whoever receives happens after all that was sent until then. TLS and sockets without
addresses are not followed. `socket` is not imported for this: the models are put in when the program has imported it.
A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys
import weakref

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial, Table

Ends = tuple[object, object]

MODULE = "socket"


class Channel:
    """One direction of one connection; the sockets at both ends keep it alive."""

    def __init__(self, recorder: Recorder) -> None:
        self.serial = Serial(recorder, "socket")


channels: weakref.WeakValueDictionary[Ends, Channel] = weakref.WeakValueDictionary()

connections: Table[tuple[Channel, Channel]] = Table()
"""The outgoing and the incoming direction of each connected socket."""

_SENDING = ("send", "sendall", "sendmsg")
_RECEIVING = ("recv", "recv_into", "recvmsg")


def sending(recorder: Recorder, end: Any) -> None:
    """Something is about to be sent."""
    known = _directions(recorder, end)
    if known is not None:
        recorder.release(known[0].serial.number)


def received(recorder: Recorder, end: Any, _result: object) -> None:
    """Something was received, or the other end was found closed."""
    known = _directions(recorder, end)
    if known is not None:
        recorder.acquire(known[1].serial.number)


def _directions(recorder: Recorder, end: Any) -> tuple[Channel, Channel] | None:
    known = connections.get(end)
    if known is None:
        base: Any = sys.modules["_socket"].socket
        try:
            here, there = base.getsockname(end), base.getpeername(end)
        except OSError:  # not connected, or not any more
            return None
        if not here or not there:
            return None
        known = _channel(recorder, (here, there)), _channel(recorder, (there, here))
        connections.put(end, known)
    return known


def _channel(recorder: Recorder, ends: Ends) -> Channel:
    found = channels.get(ends)
    return channels.setdefault(ends, Channel(recorder)) if found is None else found


def patch(patches: Patches) -> None:
    """Put the models beside the methods, which `socket.socket` inherits from its base in C, if it has been imported."""
    cls: Any = getattr(sys.modules.get(MODULE), "socket", None)
    if cls is None:
        return
    for name in _SENDING:
        patches.around_builtin(cls, name, sending, before=True)
    for name in _RECEIVING:
        patches.around_builtin(cls, name, received)
