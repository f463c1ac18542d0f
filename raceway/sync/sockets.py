"""Sockets of one process that are connected with each other: `send()`, `shutdown()` and `close()` -> the `recv()` at
the other end; `connect()` -> the `accept()` that answers it; and `send()` -> the `recv()` of another thread at the same
end, where a process elsewhere answers.

A test that runs a server and its client in one process orders its threads by what they say to each other. An end is
known by its two addresses, so only two ends in this process meet. What nobody here has sent comes from elsewhere: where
one thread asks and another one hears, the answers follow from what was asked, as those of `children` do; threads that
ask and hear by themselves are ordered by nothing. Who is called from elsewhere is not followed: a connection has both
ends here, or was made here, only if this process has called a port of it, or had done so before the run. The sockets
of a `socketpair()` have no addresses and are told by `conduits`. One direction of a connection has one clock: whoever
receives happens after all that was sent until then. A datagram that names its receiver, and a call for a connection,
are known by the port they go to. TLS is followed by `tls`. `socket` is not imported for this: the models are put in
when the program has imported it. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import os
import sys
import weakref
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.originals import get_ident
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync import conduits, early
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, Table, of_run
from raceway.sync.spellings import spelled_alike
from raceway.sync.wrappers import Failures, around, hide_frame

Ends = tuple[object, object]

MODULE = "socket"


class Channel:
    """One direction of one connection; the sockets at both ends keep it alive."""

    def __init__(self, recorder: Recorder) -> None:
        self.serial = Serial(recorder, "socket")
        self.asker = 0
        """The thread of this process that has sent something last, 0 before."""
        self.is_heard_apart = False
        """Another thread has heard what came back from elsewhere."""

    @classmethod
    def of(cls, serial: Serial) -> Channel:
        """The direction that `serial` stands for already, of a pair that this process has made."""
        channel = cls.__new__(cls)
        channel.serial = serial
        channel.asker = -1
        channel.is_heard_apart = False
        return channel


channels: weakref.WeakValueDictionary[Ends, Channel] = of_run(weakref.WeakValueDictionary())

connections: Table[tuple[Channel, Channel]] = of_run(Table())
"""The outgoing and the incoming direction of each connected socket."""


class Called:
    """The ports that this process has called: noted here, and by the native core whose models ask."""

    def __init__(self) -> None:
        self.native: Any = None
        self._ports: set[int] = set()

    def add(self, *ports: int) -> None:
        """These were called."""
        self._ports.update(ports)
        if self.native is not None:
            self.native.sockets_called(*ports)

    def may_meet(self, end: Any, here: Any, there: Any) -> bool:
        """Whether both ends of a connection may be in this process."""
        return end.family not in _AF_INET or not self._ports.isdisjoint((here[1], there[1]))

    def clear(self) -> None:
        """Forget all ports."""
        self._ports.clear()
        self.native = None


called = of_run(Called())

_SENDING = ("send", "sendall", "sendmsg", "shutdown")
_RECEIVING = ("recv", "recv_into", "recvmsg", "recvmsg_into")
_RECEIVING_FROM = ("recvfrom", "recvfrom_into")
_CALLING = ("connect", "connect_ex")

_AF_INET = frozenset({2, 10, 23, 30})
"""The families whose addresses have a port in the second place, by the numbers of Linux, Windows and macOS."""

ports: Kept[object, Serial] = of_run(Kept())
"""What was sent to the sockets that are bound to a port or a path, datagrams and calls apart."""


def sending(recorder: Recorder, end: Any) -> None:
    """Something is about to be sent."""
    known = _directions(recorder, end)
    if known is not None:
        known[0].asker = get_ident()
        recorder.release(known[0].serial.number)


def received(recorder: Recorder, end: Any, _result: object) -> None:
    """Something was received, or the other end was found closed."""
    known = _directions(recorder, end)
    if known is None:
        return
    asked, answers = known
    recorder.acquire(answers.serial.number)
    if not answers.asker:  # they come from elsewhere
        asked.is_heard_apart |= bool(asked.asker) and asked.asker != get_ident()
        if asked.is_heard_apart:
            recorder.acquire(asked.serial.number)


def closing(recorder: Recorder, end: Any) -> None:
    """The end is about to be closed, which the other end finds out."""
    sending(recorder, end)


def datagram_taken(recorder: Recorder, end: Any, _result: object) -> None:
    """A datagram was received, perhaps of a socket that is not connected."""
    serial = ports.get(("to", *_port(end, _base().getsockname(end))))
    if serial is not None:
        recorder.acquire(serial.number)


def calling(recorder: Recorder, end: Any, address: object) -> None:
    """A connection to `address` is about to be asked for."""
    port = _port(end, address)
    called.add(*(number for number in port[1:] if port[0] == "port" and type(number) is int))
    recorder.release(_port_serial(recorder, ("call", *port)).number)


def addressing(recorder: Recorder, end: Any, address: object) -> None:
    """A datagram is about to be sent to `address`."""
    recorder.release(_port_serial(recorder, ("to", *_port(end, address))).number)


def accepted(end: Any, _result: object) -> None:
    """A connection was taken. Nothing is known when nobody in this process has called."""
    if not ports or (recorder := active.recorder()) is None:
        return
    serial = ports.get(("call", *_port(end, _base().getsockname(end))))
    if serial is not None:
        recorder.acquire(serial.number)


def paired(recorder: Recorder, both: tuple[Any, Any]) -> None:
    """These two are connected with each other, and have no addresses."""
    first, second = both
    called.add()
    there, back = conduits.pair(recorder, first.fileno(), second.fileno())
    out, back_in = Channel.of(there), Channel.of(back)
    connections.put(first, (out, back_in))
    connections.put(second, (back_in, out))


def _base() -> Any:
    return sys.modules["_socket"].socket


def _port(end: Any, address: object) -> tuple[object, ...]:
    """What an address says of whom it names: of one with a port only that, since a server is bound to any host."""
    if end.family in _AF_INET and isinstance(address, tuple) and len(address) > 1:
        return "port", address[1]
    return int(end.family), _spelled_alike(address)


def _spelled_alike(address: object) -> bytes | None:
    """A path in one spelling; the abstract names of Linux, which begin with a zero, are given as text and told as
    bytes."""
    if not isinstance(address, (str, bytes, os.PathLike)):
        return None
    name = os.fsencode(address)
    return name if name.startswith(b"\0") else spelled_alike(name)


def _port_serial(recorder: Recorder, key: object) -> Serial:
    found = ports.get(key)
    if found is None:
        found = ports.keep(key, Serial(recorder, "socket"))
    return found


def _directions(recorder: Recorder, end: Any) -> tuple[Channel, Channel] | None:
    known = connections.get(end)
    if known is None:
        base = _base()
        try:
            here, there = base.getsockname(end), base.getpeername(end)
        except OSError:  # not connected, or not any more
            return None
        if here and there:
            if not called.may_meet(end, here, there):
                return None
            known = _channel(recorder, (here, there)), _channel(recorder, (there, here))
        elif (pair := conduits.directions(recorder, base.fileno(end))) is not None:  # one of a pair, made anew
            known = Channel.of(pair[0]), Channel.of(pair[1])
        else:
            return None
        connections.put(end, known)
    return known


def _channel(recorder: Recorder, ends: Ends) -> Channel:
    found = channels.get(ends)
    return channels.setdefault(ends, Channel(recorder)) if found is None else found


def with_address(
    real: Callable[..., Any], place: int, before: Callable[[Recorder, Any, object], None]
) -> Callable[..., Any]:
    """`real` of a socket with `before` told ahead of it, of the address that is its last argument from `place` on."""

    @functools.wraps(real)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            if len(args) > place and (recorder := active.recorder()) is not None:
                before(recorder, self, args[-1])
        except Exception:
            Failures.count += 1
        try:
            return real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


def pairing(real: Callable[..., Any]) -> Callable[..., Any]:
    """`socket.socketpair`, which tells what belongs together."""

    @functools.wraps(real)
    def socketpair(*args: Any, **kwargs: Any) -> Any:
        try:
            both = real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := active.recorder()) is not None:
                paired(recorder, both)
        except Exception:
            Failures.count += 1
        return both

    return socketpair


def patch(patches: Patches) -> None:
    """Put the models beside the methods, which `socket.socket` inherits from its base in C, if it has been imported."""
    module: Any = sys.modules.get(MODULE)
    cls: Any = getattr(module, "socket", None)
    if cls is None:
        return
    for name in filter(functools.partial(hasattr, cls), _SENDING):  # not everywhere are all
        patches.replace(cls, name, patches.beside_builtin(getattr(cls, name), sending, before=True))
    for name in filter(functools.partial(hasattr, cls), _RECEIVING):
        patches.replace(cls, name, patches.beside_builtin(getattr(cls, name), received))
    for name in _RECEIVING_FROM:
        _replace(patches, cls, name, lambda real: around(patches.beside_builtin(real, received), after=datagram_taken))
    for name in _CALLING:
        _replace(patches, cls, name, lambda real: with_address(real, 0, calling))
    _replace(patches, cls, "sendto", lambda real: with_address(real, 1, addressing))
    patches.beside(cls, "accept", after=accepted)
    patches.around(cls, "_real_close", before=closing)
    if hasattr(module, "socketpair"):
        patches.replace(module, "socketpair", pairing(module.socketpair))


def follow_early() -> None:
    """Know the connections of before the run."""
    base = _base()
    for end in early.instances(base):
        try:
            if base.family.__get__(end) in _AF_INET:
                called.add(base.getsockname(end)[1], base.getpeername(end)[1])
        except OSError:  # not connected, or not any more
            continue


def _replace(patches: Patches, cls: Any, name: str, make: Callable[[Any], Any]) -> None:
    if hasattr(cls, name):
        patches.replace(cls, name, make(getattr(cls, name)))
