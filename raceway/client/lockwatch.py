"""Who wants to know of locks that are taken and freed: the way from tracked locks to analyzers."""

from __future__ import annotations

from raceway.client.marks import Place
from raceway.model.struct import Struct
from raceway.model.typing import Protocol


class LockUse(Struct):
    """A lock was taken; whoever took it had to wait for it when it is `contended`."""

    name: str
    place: Place
    contended: bool = False
    waited_ns: int = 0


class LockObserver(Protocol):
    """Is told by the flow that takes and frees a lock. Must not raise, nor take locks of the program."""

    def sees(self, client: object) -> bool:
        """Whether it wants to know of this client's locks; None are those of no client."""

    def taken(self, use: LockUse) -> None:
        """A lock was taken."""

    def freed(self, name: str) -> None:
        """A lock is about to be freed."""


_observers: list[LockObserver] = []


def observe(observer: LockObserver) -> None:
    """Tell this one from now on."""
    _observers.append(observer)


def unobserve(observer: LockObserver) -> None:
    """Tell it no more."""
    if observer in _observers:
        _observers.remove(observer)


def taken(client: object, use: LockUse) -> None:
    """A lock was taken."""
    for observer in _observers:
        if observer.sees(client):
            observer.taken(use)


def freed(client: object, name: str) -> None:
    """A lock is about to be freed."""
    for observer in _observers:
        if observer.sees(client):
            observer.freed(name)
