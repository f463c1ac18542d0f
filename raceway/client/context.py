"""The current context: the variable it is kept in, and how tracking calls move it on.

    tracking call:  context = the variable's
                    if its actor is not the flow that is calling: an actor of its own, which begins at that point
                    count one, and put the new point into the variable

A new task, a callback and `contextvars.copy_context` copy the variable: so they begin at the point at which they were
made, whatever the first actor has done meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar, Token

from raceway.client import flows
from raceway.client.actors import NOTHING, Actor, Context, Incoming, Service, Trace, forked
from raceway.client.flows import current_flow, thread_flow
from raceway.client.marks import Kind, Mark, Place
from raceway.client.sampling import Route
from raceway.model.events import Vector
from raceway.model.typing import Any

_current: ContextVar[Context | None] = ContextVar("raceway_context", default=None)

_now = time.time_ns

at_begin: list[Callable[[], None]] = []
"""What is called at the beginning of every trace."""

inherited = _current.get
"""The point from which something that is started now would go on; None outside of any trace."""

enter = _current.set
"""Make a context the current one; what is returned undoes it with `leave`."""


def leave(token: Token[Context | None]) -> None:
    """Put back the context that was current before. Where the variables are other ones by now, there is none."""
    try:
        _current.reset(token)
    except (ValueError, RuntimeError):
        _current.set(None)


def begin(service: Service, incoming: Incoming = NOTHING, route: Route | None = None) -> Context:
    """A context at the beginning of a trace, or of this process's part of it, for the flow that is calling; for the
    sake of a request that came in by `route`, if it did."""
    for action in at_begin:
        action()
    actor = Actor(Trace(service, incoming, route), current_flow(), incoming.clock)
    return Context(actor, 0, actor.others, 0)


def current() -> Context | None:
    """The current point of the flow that is calling, an actor of its own included; None outside of any trace."""
    context = _current.get()
    if context is None:
        return None
    flow = current_flow()
    if context.actor.flow() is not flow:
        context = forked(context, flow)
        _current.set(context)
    elif context.actor.children:
        context.actor.harvest()
        context = Context(context.actor, context.count, context.actor.others, context.last, context.before)
        _current.set(context)
    return context


def _mark(context: Context, kind: Kind, place: Place, values: tuple[Any, ...], duration_ns: int | None = None) -> Mark:
    """Count an event of the flow that is calling, whose context is this one, and tell what it was."""
    actor = context.actor
    flow = current_flow()
    if actor.flow() is not flow:
        context = forked(context, flow)
        actor = context.actor
    elif actor.children:
        actor.harvest()
    actor.count = count = actor.count + 1
    made = Mark(actor, count, actor.others, count, context.last, _now(), kind, place, values, duration_ns)
    _current.set(made)
    return made


def sent(context: Context) -> Context:
    """Count a message sent from the current context of the flow that is calling. No event is made."""
    actor = context.actor
    actor.count += 1
    point = Context(actor, actor.count, actor.others, context.last)
    _current.set(point)
    return point


def learn(vector: Vector) -> None:
    """The flow that is calling happens after this clock from here on; nothing is done outside of a trace."""
    context = current()
    if context is not None:
        context.actor.learn(vector)
        _current.set(Context(context.actor, context.count, context.actor.others, context.last))


def run_thread(context: Context) -> None:
    """The calling thread has just been started, at this point."""
    _current.set(forked(context, thread_flow()))


try:
    from raceway import _native
except ImportError:
    mark = _mark
else:
    _native.mark_with(Mark, Actor, _current, forked, vars(flows))
    mark = _native.mark
