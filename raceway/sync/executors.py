"""concurrent.futures: `submit()` -> start of the job; its end, or `cancel()` -> whoever sees that the future is done
(`result()`, `exception()`, `done()`, `cancelled()`, `wait()`, `as_completed()`, `map()`); `add_done_callback()` ->
the callback.

All of it sits at the state of the future, which is written and read under the future's own condition, so it holds for
every executor, and for asyncio's wrapping of futures. What `wait()` and `as_completed()` do not read is the state of
futures that finish meanwhile, but they take their waiter out of `_waiters` under the condition: that is the same edge.
`shutdown(wait=True)` joins threads. The locks, the idle semaphore and the work queue of a pool are quiet: a worker
orders nothing before its submitter. An initializer comes before the jobs of its thread. Processes are not touched.
On no exception path.
"""

from __future__ import annotations

import functools
import sys
from types import FrameType

from raceway.model.records import POOL
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.runtime.contract import Recorder
from raceway.sync import creation, workers
from raceway.sync.patching import Patches, Watched
from raceway.sync.serials import Serials, of_run

if TYPE_CHECKING:
    from concurrent.futures import Future

_BASE = "concurrent.futures._base"

_PENDING = "PENDING"
_RUNNING = "RUNNING"
_DONE = frozenset({"CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED"})

lives = of_run(Serials("future"))
callbacks = of_run(Serials("future"))


def state_written(recorder: Recorder, future: Future[Any], _old: object, new: object) -> None:
    """The state of `future` is about to change: it was made, is started, or is done."""
    number = lives.number(recorder, future)
    if new == _RUNNING:
        if workers.is_in_pool(sys._getframe(1)):
            recorder.jobs.take(POOL)
        recorder.acquire(number)
    elif new == _PENDING or _is_done(new):
        recorder.release(number)


def state_read(recorder: Recorder, future: Future[Any], state: object) -> None:
    """The current actor looked at the state."""
    if _is_done(state) and not _is_chaining(sys._getframe(2)):  # past the watched attribute
        recorder.acquire(lives.number(recorder, future))


def waiters_read(recorder: Recorder, future: Future[Any], _waiters: object) -> None:
    """The current actor tells those who wait, or takes itself off their list."""
    state_read(recorder, future, vars(future).get("_state"))


def callbacks_read(recorder: Recorder, future: Future[Any], _callbacks: object) -> None:
    """The current actor is about to add a callback, or to call them all."""
    if not _is_done(vars(future).get("_state")):
        recorder.release(callbacks.number(recorder, future))
    else:
        if callbacks.get(future) is not None:
            recorder.acquire(callbacks.number(recorder, future))
        if workers.is_in_pool(sys._getframe(1)) and recorder.jobs.asks():
            workers.judge_ended(recorder, future)


def _is_chaining(frame: FrameType) -> bool:
    """Whether asyncio has a future of its own follow this one: that it is done is seen by what it calls soon for that.
    The loop does not wait here."""
    is_adding = frame.f_code.co_qualname == "Future.add_done_callback"
    return is_adding and creation.module_of(frame.f_back) == "asyncio.futures"


def _is_done(state: object) -> bool:
    return type(state) is str and state in _DONE


STATE = Watched("_state", read=state_read, write=state_written)
WAITERS = Watched("_waiters", read=waiters_read)
CALLBACKS = Watched("_done_callbacks", read=callbacks_read)


def patch(patches: Patches) -> None:
    """Watch futures; when there are none yet, from the moment that the first one makes its condition."""
    if _BASE in sys.modules:
        patch_futures(patches)
    creation.at_first_use(_BASE, functools.partial(patch_futures, patches))


def patch_futures(patches: Patches) -> None:
    """Watch what futures write down about themselves."""
    future = getattr(sys.modules.get(_BASE), "Future", None)
    if future is not None:
        for watched in (STATE, WAITERS, CALLBACKS):
            patches.watch(future, watched)
