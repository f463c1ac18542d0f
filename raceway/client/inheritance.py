"""Threads, jobs of pools and tasks of curio go on with the trace of who starts them, as tasks of asyncio and trio do.

`start()` -> the thread, `submit()` -> the job: an actor of its own that happens after that point. `join()` of a thread
that is over and `result()` of a job that is done: whoever waited happens after all of it. A job that an event loop was
given, by `to_thread` or `run_in_executor`, counts as waited for once it is done, as tasks do. Who awaits what anyio,
trio or curio have a thread do comes after it. No frame of ours stays on the stack of a thread, nor in a traceback. All
of it works with and without the import hook.
"""

from __future__ import annotations

import contextvars
import functools
import importlib
import inspect
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor
from types import BuiltinMethodType

from raceway.client import context as contexts
from raceway.client.actors import Context, forked
from raceway.client.context import enter, inherited, learn, leave
from raceway.client.flows import run_as_curio_task, thread_flow
from raceway.model.events import Vector
from raceway.model.typing import Any
from raceway.originals import allocate_lock
from raceway.sync.patching import Patches
from raceway.sync.serials import Table
from raceway.sync.wrappers import Failures, hide_frame

_starts: Table[Context] = Table()
_ends: Table[Context] = Table()
_jobs: Table[Run] = Table()
_curio_variables: Table[contextvars.Context] = Table()

_users: set[int] = set()
_ledgers: list[Patches] = []
_lock = allocate_lock()


class Run:
    """What those who wait for a job know of it. It leads to nothing: what a job runs, and with which variables, may
    lead back to who waits, and through marks, which the collector of cycles does not see."""

    __slots__ = ("clock", "future")

    def __init__(self) -> None:
        self.clock: Vector = ()
        """Its clock at its end; empty before that, and where it has told nothing."""
        self.future: weakref.ref[Any] | None = None
        """What its event loop waits with."""

    def flow(self) -> object:
        """The future, for who made it; it may be gone."""
        return None if self.future is None else self.future()

    def last_clock(self) -> Vector:
        """What whoever waited for the job knows."""
        return self.clock


class Job:
    """What a pool runs in the place of a function: the function, within the trace of who submitted it."""

    __slots__ = ("_context", "_function", "_variables", "run")

    def __init__(self, context: Context, function: Callable[..., Any]) -> None:
        self._context = context
        self._function = function
        self._variables = _variables_of(function)
        self.run = Run()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        began = forked(self._context, thread_flow())
        token = enter(began)
        before = None if self._variables is None else _exchanged(self._variables, began)
        try:
            return self._function(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            end = inherited() if self._variables is None else _exchanged(self._variables, before)
            if end is not None and end.count:
                self.run.clock = end.clock
            leave(token)

    def __repr__(self) -> str:
        return repr(self._function)

    @property
    def __name__(self) -> Any:
        """What threads are called that run it."""
        return self._function.__name__


def _variables_of(function: Any) -> contextvars.Context | None:
    """The variables that a job runs with when it is `partial(context.run, ...)`, as `asyncio.to_thread` has it."""
    run = function.func if type(function) is functools.partial else None
    owner = run.__self__ if type(run) is BuiltinMethodType and run.__name__ == "run" else None
    return owner if type(owner) is contextvars.Context else None


def _exchanged(variables: contextvars.Context, context: Context | None) -> Context | None:
    """Make a context the current one among these variables; which was before."""
    try:
        before = variables.run(inherited)
        variables.run(enter, context)
    except RuntimeError:  # somebody else runs with them
        return None
    return before


def start(user: object) -> None:
    """Put everything in place for this user, a client; only once, however many there are."""
    with _lock:
        _users.add(id(user))
        if _ledgers:
            return
        patches = Patches()
        _ledgers.append(patches)
        for name in ("_start_new_thread", "_start_joinable_thread"):
            if hasattr(threading, name):
                patches.replace(threading, name, _around(getattr(threading, name), before=_thread_starts))
        for owner, name, before, after in (
            (threading.Thread, "_set_ident", None, _thread_begun),
            (threading.Thread, "_delete", _thread_ends, None),
            (threading.Thread, "join", None, _thread_joined),
            (Future, "result", None, _future_done),
            (Future, "exception", None, _future_done),
        ):
            patches.replace(owner, name, _around(vars(owner)[name], before, after))
        patches.replace(ThreadPoolExecutor, "submit", _submitting(ThreadPoolExecutor.submit))


def stop(user: object) -> None:
    """Take it out when the last user goes."""
    with _lock:
        _users.discard(id(user))
        while _ledgers and not _users:
            _ledgers.pop().undo()


def follow() -> None:
    """The same for event loops, as far as the program has brought them in by now.

    Who starts a task of asyncio is an actor at the latest then; tasks of curio keep variables of their own.
    """
    if not _ledgers:
        return
    ledger = _ledgers[-1]
    # Another thread may be importing them just now: then there is no class yet, nor a loop.
    loop: Any = getattr(sys.modules.get("asyncio.base_events"), "BaseEventLoop", None)
    if loop is not None and not hasattr(loop.create_task, _OURS):
        ledger.replace(loop, "create_task", _around(loop.create_task, before=_task_starts))
        ledger.replace(loop, "run_in_executor", _handing(loop.run_in_executor))
    task: Any = getattr(sys.modules.get("curio.task"), "Task", None)
    if task is not None and not hasattr(task.send, _OURS):
        ledger.replace(task, "__init__", _around(task.__init__, after=_curio_task_made))
        ledger.replace(task, "send", _sending(task.send))
    for module, name in _AWAITED:
        owner = _module(module)
        real = None if owner is None else vars(owner).get(name)
        if real is not None and not hasattr(real, _OURS):
            ledger.replace(owner, name, _awaited(real))


def _module(name: str) -> Any:
    """A module of a package that is there, brought in where the package does that when it is first asked for; None
    while there is none."""
    package = sys.modules.get(name.partition(".")[0])
    if name in sys.modules or package is None or getattr(package.__spec__, "_initializing", False):
        return sys.modules.get(name)
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


contexts.at_begin.append(follow)

_OURS = "_raceway"
"""Attribute of functions that were put in the place of others."""


def _around(
    real: Callable[..., Any],
    before: Callable[[Any], None] | None = None,
    after: Callable[..., None] | None = None,
) -> Callable[..., Any]:
    """`real` with something done ahead of it or once it has returned; what goes wrong there is ours alone."""

    @functools.wraps(real)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            if before is not None:
                before(self)
        except Exception:
            Failures.count += 1
        try:
            result = real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if after is not None:
                after(self, *args)
        except Exception:
            Failures.count += 1
        return result

    setattr(wrapper, _OURS, True)
    return wrapper


def _thread_starts(bootstrap: Any) -> None:
    context = inherited()
    if context is not None:
        _starts.put(bootstrap.__self__, context)


def _task_starts(_loop: object) -> None:
    contexts.current()


def _thread_begun(thread: threading.Thread) -> None:
    context = _starts.get(thread)
    if context is not None:
        contexts.run_thread(context)


def _thread_ends(thread: threading.Thread) -> None:
    context = inherited()
    if context is not None and context.count:
        _ends.put(thread, context)


def _thread_joined(thread: threading.Thread, *_timeout: object) -> None:
    context = _ends.get(thread)
    if context is not None and not thread.is_alive():
        learn(context.clock)


def _future_done(future: Future[Any], *_timeout: object) -> None:
    run = _jobs.get(future)
    if run is not None and run.clock:
        learn(run.clock)


def _submitting(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        context = inherited()
        try:
            if context is None:
                return real(self, fn, *args, **kwargs)
            job = fn if type(fn) is Job else Job(context, fn)
            future = real(self, job, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        _jobs.put(future, job.run)
        return future

    return submit


def _handing(real: Callable[..., Any]) -> Callable[..., Any]:
    """`run_in_executor` with a job in the place of the function, for threads."""

    @functools.wraps(real)
    def run_in_executor(self: Any, executor: Any, func: Any, *args: Any) -> Any:
        job = None
        try:
            context = contexts.current()
            is_thread = executor is None or isinstance(executor, ThreadPoolExecutor)
            if context is not None and is_thread and callable(func) and not inspect.iscoroutinefunction(func):
                job = Job(context, func)
        except Exception:
            Failures.count += 1
        try:
            future = real(self, executor, func if job is None else job, *args)
        except BaseException as error:
            hide_frame(error)
            raise
        if job is not None and context is not None:
            job.run.future = weakref.ref(future)
            context.actor.children.append(job.run)
        return future

    setattr(run_in_executor, _OURS, True)
    return run_in_executor


_AWAITED = (
    ("anyio.to_thread", "run_sync"),
    ("trio.to_thread", "run_sync"),
    ("curio.workers", "run_in_thread"),
    ("curio", "run_in_thread"),
)
"""Functions that have a thread do something and wait for it, by their modules."""


def _awaited(real: Callable[..., Any]) -> Callable[..., Any]:
    """One of them, with a job in the place of the function."""

    @functools.wraps(real)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        job = None
        try:
            context = contexts.current()
            if context is not None and args and callable(args[0]) and type(args[0]) is not Job:
                job = Job(context, args[0])
        except Exception:
            Failures.count += 1
        try:
            return await real(*(args if job is None else (job, *args[1:])), **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        finally:
            if job is not None and job.run.clock:
                learn(job.run.clock)

    setattr(wrapper, _OURS, True)
    return wrapper


def _curio_task_made(task: Any, _coroutine: object = None, parent: Any = None) -> None:
    variables = None if parent is None else _curio_variables.get(parent)
    _curio_variables.put(task, contextvars.copy_context() if variables is None else variables.copy())


def _sending(real: Callable[..., Any]) -> Callable[..., Any]:
    """A task's `send` that runs it with variables of its own, unless it brings them."""

    @functools.wraps(real)
    def send(self: Any, value: Any) -> Any:
        thread = thread_flow()
        before = run_as_curio_task(self)
        try:
            if hasattr(self, "_context"):
                return real(self, value)
            variables = _curio_variables.get(self)
            if variables is None:  # it was made before, and was the thread so far
                variables = contextvars.copy_context()
                _curio_variables.put(self, variables)
                context = variables.run(inherited)
                if context is not None and context.actor.flow() is thread:
                    context.actor.flow = weakref.ref(self)
            return variables.run(real, self, value)
        finally:
            run_as_curio_task(before)

    setattr(send, _OURS, True)
    return send
