"""The switch of a client: off and on at run time, by a call or by a signal.

A switched-off client keeps contexts and headers, so that it can be switched on in the middle of requests; it makes no
events. Signals are handled by Python in the main thread, between two instructions.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from weakref import WeakSet

from raceway.client.sampling import Sampling
from raceway.errors import ConfigError
from raceway.model.typing import Any

_clients: WeakSet[Sampling] = WeakSet()


def follow(sampling: Sampling) -> None:
    """Have `enable` and `disable` reach it."""
    _clients.add(sampling)


def disable() -> None:
    """Switch off all clients of this process: from here on they make no events."""
    for sampling in list(_clients):
        sampling.switch(on=False)


def enable() -> None:
    """Switch all clients of this process on again, also those that the environment or `Config` had off."""
    for sampling in list(_clients):
        sampling.switch(on=True)


def switch_on_signal(sampling: Sampling, name: str) -> Callable[[], None]:
    """Each signal of this name switches, off first, and then does what it did before; until what is returned is called.

    Raises ConfigError where there is no such signal, or the calling thread is not the main one.
    """
    number = getattr(signal, name, None) if name.startswith("SIG") else None
    if not isinstance(number, signal.Signals):
        raise ConfigError(f"switch_signal: there is no signal {name!r} here")
    before: Any = signal.getsignal(number)

    def switched(received: int, frame: FrameType | None) -> None:
        sampling.switch(on=not sampling.is_on)
        if callable(before):
            before(received, frame)

    try:
        signal.signal(number, switched)
    except ValueError as error:
        raise ConfigError(f"switch_signal: only the main thread can say what {name} does ({error})") from None
    except OSError:
        raise ConfigError(f"switch_signal: {name} cannot be handled") from None

    def restore() -> None:
        try:
            if signal.getsignal(number) is switched:
                signal.signal(number, signal.SIG_DFL if before is None else before)
        except ValueError:  # in another thread: it goes on switching what nobody uses
            return

    return restore
