"""Flows of control as events know them: one for each actor, with its clock, its names and the event it made last.

An actor counts its events under a component of its own. The count goes by epochs, the stretches between two releases
(`raceway.detector.clocks`): epoch n has the counts from n * EPOCH on, what ends it the last of them. Who took over what
an actor released knows all of that epoch, also an access of it that is told only later.

A clock grows with every actor that its own has ever heard of. So that one of a server with a thread per request does
not, a component is used again when its actor has ended and RESTING others after it; the new actor's counts go on above
those of the old one. The two look as if they were one flow: a race between them can be missed, none can be invented.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from raceway.model.events import Metadata, Vector
from raceway.model.struct import Struct
from raceway.pipeline.ids import Ids, uuid_of

EPOCH = 1_000_000
"""Counts of one epoch; the second half is for what is told late. A round number, of which few digits change from one
event to the next, compresses well."""

RESTING = 64
"""Ended actors whose components rest before they are used again."""

ENDED_LIMIT = 4096
"""Ended actors that are remembered: somebody may wait for them yet, or something of theirs be told late."""

_HALF = EPOCH // 2


class Origin(Struct):
    """Where all events of a process come from; `instance` tells it from others of its service."""

    trace_id: str
    service: str
    instance: str
    environment: str
    process: int


class Flow:
    """One actor: its clock, and what its events have in common."""

    __slots__ = (
        "_base", "_late", "_number", "_origin", "_others", "_steps", "component", "ids", "known", "metadata", "name",
        "parent", "root", "task_id", "thread_id",
    )  # fmt: skip

    def __init__(self, origin: Origin, serial: int, name: str, component: str, base: int) -> None:
        self.thread_id = f"{origin.service}#{origin.instance}#{serial}"
        self.component = component or self.thread_id
        self.task_id = uuid_of(self.thread_id)
        self.ids = Ids()
        self.parent: str | None = None
        self.root: str | None = None
        self.known: Vector = ()
        self._base = base
        self._origin = origin
        self._others: dict[str, int] = {}
        self._number = self._steps = self._late = 0
        self.call(name or f"actor {serial}")

    def call(self, name: str) -> None:
        """The actor has this name from here on."""
        self.name = name
        self.metadata = self._metadata({"sdk_language": "python", "actor": name})

    def tagged(self, tag: str, value: str) -> Metadata:
        """The metadata of an event with a tag of its own."""
        return self._metadata({"sdk_language": "python", "actor": self.name, tag: value})

    def _metadata(self, tags: dict[str, str]) -> Metadata:
        origin = self._origin
        return Metadata(
            self.thread_id, origin.process, origin.service, origin.environment, tags, instance_id=origin.instance
        )

    def step(self, number: int) -> Vector:
        """The clock of the next event, in this epoch."""
        self.reach(number)
        if self._steps < _HALF - 1:
            self._steps += 1
        return ((self.component, self._base + number * EPOCH + self._steps), *self.known)

    def end(self, number: int) -> Vector:
        """The clock of the event that ends this epoch."""
        self.reach(number + 1)
        return ((self.component, self._base + self._number * EPOCH - 1), *self.known)

    def late(self, number: int) -> Vector:
        """The clock of an event of this or an earlier epoch that was not told in time. What it knew is not known."""
        if self._late < _HALF - 2:
            self._late += 1
        return ((self.component, self._base + number * EPOCH + _HALF + self._late),)

    def reach(self, number: int) -> None:
        """The actor is in this epoch."""
        if number > self._number:
            self._number = number
            self._steps = 0

    def all(self) -> dict[str, int]:
        """What somebody knows who waited for all that this actor did so far, or was started by it."""
        return {**self._others, self.component: self.next_base() - 1}

    def next_base(self) -> int:
        """What is above all counts so far."""
        return self._base + (self._number + 1) * EPOCH

    def released(self) -> dict[str, int]:
        """What somebody knows who takes over what this actor released just now."""
        return {**self._others, self.component: self._base + self._number * EPOCH - 1}

    def learn(self, clock: dict[str, int]) -> None:
        """The actor comes after all of this."""
        others, own, news = self._others, self.component, False
        for component, count in clock.items():
            if component != own and count > others.get(component, 0):
                others[component] = count
                news = True
        if news:
            self.known = tuple(others.items())


class Flows:
    """The flows of one process by the serials of their actors."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._flows: dict[int, Flow] = {}
        self._ended: deque[int] = deque()
        self._resting: deque[Flow] = deque()

    def of(self, serial: int) -> Flow:
        """The flow of an actor, made when nobody announced it."""
        flow = self._flows.get(serial)
        return self.begin(serial) if flow is None else flow

    def find(self, serial: int) -> Flow | None:
        """The flow of an actor, if it is known."""
        return self._flows.get(serial)

    def begin(self, serial: int, name: str = "") -> Flow:
        """A new flow."""
        component, base = "", 0
        if len(self._resting) > RESTING:
            old = self._resting.popleft()
            component, base = old.component, old.next_base()
        flow = self._flows[serial] = Flow(self._origin, serial, name, component, base)
        return flow

    def end(self, serial: int, number: int) -> None:
        """The actor will do no more than it did up to its epoch `number`."""
        flow = self._flows.get(serial)
        if flow is None:
            return
        flow.reach(number)
        self._resting.append(flow)
        self._ended.append(serial)
        if len(self._ended) > ENDED_LIMIT:
            self._flows.pop(self._ended.popleft(), None)


def moment(nanoseconds: int) -> datetime:
    """A time told in nanoseconds since 1970."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
