"""Traces, the actors in them, and contexts: points in the lives of actors. Serves the tracking calls.

The model: every flow of control in a trace is an actor with a component of its own in the vector clock. A context is
what an actor knew at one point of its life. It is a value, kept in a context variable: who copies the variable (a new
task, a callback, `contextvars.copy_context`) takes that point along, whatever the first actor does afterwards.
"""

from __future__ import annotations

import itertools
import os
import weakref
from collections import deque

import msgspec

from raceway.client.flows import is_over, is_thread
from raceway.client.sampling import Route, Sampling
from raceway.config import instance_id
from raceway.model.events import Vector
from raceway.model.typing import Protocol
from raceway.pipeline.ids import FIRST, new_uuid

KNOWN_LIMIT = 128
"""Components that one clock holds, for each is in every event: what was learned longest ago is forgotten first."""


class Service(msgspec.Struct, frozen=True):
    """Who is tracing: the first two parts of every component. Without an instance the process is one. `sampling`
    decides which traces are told of."""

    name: str = "unknown-service"
    instance: str = ""
    sampling: Sampling = msgspec.field(default_factory=Sampling)

    def running(self) -> str:
        """The instance that this process is."""
        return self.instance or instance_id()


class Incoming(msgspec.Struct, frozen=True):
    """What a caller told in its headers; empty where it told nothing."""

    trace_id: str = ""
    span_id: str = ""
    upstream_span_id: str = ""
    tracestate: str = ""
    clock: Vector = ()
    distributed: bool = False
    sampled: bool | None = None
    """Whether a caller that traces as we do tells of the trace; None where there is none."""


NOTHING = Incoming()


class Trace:
    """One trace, as this process takes part in it."""

    __slots__ = ("_instance", "_process", "service", "span_id", "trace_id", "tracestate", "upstream_span_id", "weight")

    def __init__(self, service: Service, incoming: Incoming = NOTHING, route: Route | None = None) -> None:
        self.service = service
        self._process = 0
        self._instance = ""
        self.trace_id = incoming.trace_id or new_uuid()
        self.span_id = incoming.span_id or new_span()
        self.upstream_span_id = incoming.upstream_span_id or None
        self.tracestate = incoming.tracestate
        self.weight = service.sampling.weigh(self.trace_id, incoming.sampled, route)

    @property
    def instance(self) -> str:
        """The instance that takes part: in a forked child it is another one."""
        if self._process != os.getpid():
            self._instance = self.service.running()
            self._process = os.getpid()
        return self._instance


class _Serials:
    """Numbers for the actors of this process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self) -> int:
        """The next one."""
        return next(self._numbers)

    def after_fork(self) -> None:
        """In a forked child, which may have its parent's name: numbers that the parent does not reach."""
        self._numbers = itertools.count((os.getpid() << 24) + 1)


_serials = _Serials()


class Actor:
    """One flow of control in a trace. Only the flow itself changes it.

    `count` is its own component of the clock, `others` are those it knows, the latest last. `ids` begins the
    identifiers of its events, which end with the count; `parent` is the event after which it began. `children` are
    tasks that it has started and not been seen to outlive.
    """

    __slots__ = (
        "children", "component", "count", "flow", "ids", "instance", "others", "parent", "process",
        "thread_id", "told", "trace", "weight",
    )  # fmt: skip

    def __init__(self, trace: Trace, flow: object, others: Vector = (), parent: str | None = None) -> None:
        self.trace = trace
        self.weight = trace.weight
        self.flow = weakref.ref(flow)
        self.others = others[-KNOWN_LIMIT:]
        self.parent = parent
        self.count = 0
        self.process = os.getpid()
        self.instance = trace.instance
        self.ids = new_uuid()[:24]
        self.thread_id = f"python-{self.process}-{self.ids[:8]}"
        self.component = f"{trace.service.name}#{self.instance}#{_serials.new()}"
        self.children: deque[Child] = deque(maxlen=KNOWN_LIMIT)
        self.told: object = None
        """What its events say of it; kept for the worker alone."""

    def event_id(self, count: int) -> str:
        """The identifier of the event that was counted so."""
        return f"{self.ids}{FIRST + count}"

    def learn(self, vector: Vector) -> None:
        """From here on it happens after this clock."""
        known = dict(self.others)
        for component, count in vector:
            if component != self.component and count > known.get(component, 0):
                known.pop(component, None)
                known[component] = count
        self.others = tuple(known.items())[-KNOWN_LIMIT:]

    def harvest(self) -> None:
        """Tasks and jobs that are over by now, and those that these have started, count as waited for."""
        for _ in range(len(self.children)):
            child = self.children.popleft()
            if is_over(child.flow()):
                self.learn(child.last_clock())
            else:
                self.children.append(child)

    def last_clock(self) -> Vector:
        """The clock at the end of the actor."""
        self.harvest()
        return (*self.others, (self.component, self.count))


class Child(Protocol):
    """What an actor has started and may wait for."""

    def flow(self) -> object:
        """What tells whether it is over; None when it is gone."""

    def last_clock(self) -> Vector:
        """What whoever waited for it knows."""


class Context(msgspec.Struct, frozen=True):
    """A point in the life of an actor: what `get_context` gives, and what another flow can be handed to go on from.

    `count` is the actor's own component there, `last` that of its last event and `before` that of the one before it;
    0 says that it has made none.
    """

    actor: Actor
    count: int
    others: Vector
    last: int
    before: int = 0

    @property
    def trace_id(self) -> str:
        """The trace."""
        return self.actor.trace.trace_id

    @property
    def span_id(self) -> str:
        """This service's part of the trace."""
        return self.actor.trace.span_id

    @property
    def upstream_span_id(self) -> str | None:
        """The caller's part of the trace; None where nobody called."""
        return self.actor.trace.upstream_span_id

    @property
    def thread_id(self) -> str:
        """The actor's name on the wire."""
        return self.actor.thread_id

    @property
    def clock(self) -> Vector:
        """The vector clock at this point."""
        return (*self.others, (self.actor.component, self.count)) if self.count else self.others

    @property
    def event_id(self) -> str | None:
        """The last event before this point, whoever made it; None where there is none."""
        return self.actor.event_id(self.last) if self.last else self.actor.parent

    @property
    def parent_id(self) -> str | None:
        """The event before that one, for the point of an event."""
        return self.actor.event_id(self.before) if self.before else self.actor.parent


def new_span() -> str:
    """A random span id."""
    return os.urandom(8).hex()


def forked(context: Context, flow: object) -> Context:
    """The beginning of another actor, which happens after this point."""
    actor = Actor(context.actor.trace, flow, context.clock, context.event_id)
    if not is_thread(flow):  # of threads and jobs of pools others tell when they are waited for
        context.actor.children.append(actor)
    return Context(actor, 0, actor.others, 0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_serials.after_fork)
