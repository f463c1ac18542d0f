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

from raceway.model.struct import Struct
from raceway.pipeline.ids import FIRST, new_uuid, uuid_of
from raceway.pipeline.lines import NOTHING_KNOWN, json_text, rest_of_clock

EPOCH = 1_000_000
"""Counts of one epoch; the second half is for what is told late. A round number, of which few digits change from one
event to the next, compresses well."""

RESTING = 64
"""Ended actors whose components rest before they are used again."""

ENDED_LIMIT = 4096
"""Ended actors that are remembered: somebody may wait for them yet, or something of theirs be told late."""

_HALF = EPOCH // 2


Released = tuple[str, int, dict[str, int]]
"""A clock that is handed over: one component, its count, and the others, which nobody changes any more."""


class Origin(Struct):
    """Where all events of a process come from; `instance` tells it from others of its service."""

    trace_id: str
    service: str
    instance: str
    environment: str
    process: int


class Flow:
    """One actor: its clock, and what its events have in common.

    Metadata, and what stands before (`own`) and after (`rest`) its own count in its clock, are JSON. The identifiers of
    its events are `ids` and a number, of which `made` is the last. The `parent` of the next event is a number, too, or
    another flow's event; `root` is the event that started it.
    """

    __slots__ = (
        "_about", "_base", "_late", "_number", "_origin", "_others", "_steps", "component", "ids", "made", "metadata",
        "name", "own", "parent", "rest", "root", "tags", "task", "task_id", "thread_id",
    )  # fmt: skip

    def __init__(self, origin: Origin, serial: int, name: str, component: str, base: int) -> None:
        self.thread_id = f"{origin.service}#{origin.instance}#{serial}"
        self.component = component or self.thread_id
        self.task_id = uuid_of(self.thread_id)
        self.ids = new_uuid()[:24]
        self.made = FIRST
        self.parent: str | int | None = None
        self.root: str | None = None
        self._base = base
        self._origin = origin
        self._others: dict[str, int] = {}
        self.own = f"[[{json_text(self.component)},"
        self.rest = NOTHING_KNOWN
        self._number = self._steps = self._late = 0
        self.task = 0
        """Serial of the task or callback that it works for, 0 for none."""
        self.call(name or f"actor {serial}")

    def call(self, name: str) -> None:
        """The actor has this name from here on."""
        self.name = name
        origin = self._origin
        about = {
            "thread_id": self.thread_id,
            "process_id": origin.process,
            "service_name": origin.service,
            "environment": origin.environment,
            "instance_id": origin.instance,
            "tags": {"sdk_language": "python", "actor": name},
        }
        self._about = json_text(about).removesuffix("}}")
        self.work_for(0, "")

    def work_for(self, task: int, tags: str) -> None:
        """Its events are those of this task from here on, and have these tags."""
        self.task = task
        self.tags = f"{self._about}{tags}"
        self.metadata = f"{self.tags}}}}}"

    def tagged(self, tag: str, value: str) -> str:
        """The metadata of an event with a tag of its own, which needs no escapes."""
        return f'{self.tags},"{tag}":"{value}"}}}}'

    def step(self, number: int) -> int:
        """The count of the next event, in this epoch."""
        if number > self._number:
            self.reach(number)
        if self._steps < _HALF - 1:
            self._steps += 1
        return self._base + number * EPOCH + self._steps

    def now(self) -> int:
        """The count of the next event, in the epoch that it has reached."""
        return self.step(self._number)

    def end(self, number: int) -> int:
        """The count of the event that ends this epoch."""
        self.reach(number + 1)
        return self._base + self._number * EPOCH - 1

    def late(self, number: int) -> int:
        """The count of an event of this or an earlier epoch that was not told in time. What it knew is not known."""
        if self._late < _HALF - 2:
            self._late += 1
        return self._base + number * EPOCH + _HALF + self._late

    def reach(self, number: int) -> None:
        """The actor is in this epoch."""
        if number > self._number:
            self._number = number
            self._steps = 0

    def all(self) -> Released:
        """What somebody knows who waited for all that this actor did so far, or was started by it."""
        return self.component, self.next_base() - 1, self._others

    def next_base(self) -> int:
        """What is above all counts so far."""
        return self._base + (self._number + 1) * EPOCH

    def released(self) -> Released:
        """What somebody knows who takes over what this actor released just now."""
        return self.component, self._base + self._number * EPOCH - 1, self._others

    def learn(self, clock: Released) -> None:
        """The actor comes after all of this."""
        others = merged(self._others, clock, self.component)
        if others is not self._others:
            self._others = others
            self.rest = rest_of_clock(tuple(others.items()))


def merged(known: dict[str, int], news: Released, own: str = "") -> dict[str, int]:
    """What is known after these news, but for the `own` component; the same dictionary when they tell nothing."""
    component, count, others = news
    found = known
    if component != own and count > known.get(component, 0):
        found = {**known, component: count}
    if others is not known:
        for component, count in others.items():
            if component != own and count > found.get(component, 0):
                found = dict(known) if found is known else found
                found[component] = count
    return found


class Flows:
    """The flows of one process by the serials of their actors."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._flows: dict[int, Flow] = {}
        self.find = self._flows.get
        """The flow of an actor, if it is known."""
        self._ended: deque[int] = deque()
        self._resting: deque[Flow] = deque()

    def of(self, serial: int) -> Flow:
        """The flow of an actor, made when nobody announced it."""
        return self._flows.get(serial) or self.begin(serial)

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
