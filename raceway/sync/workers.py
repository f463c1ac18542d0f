"""Workers that take jobs from one queue, or of one pool: whether another one could have done what one of them did.

In a short run one worker often takes all that there is, and what it does in two jobs is in order. `detector.jobs` tells
such races apart; here it is judged whether they are any. Another worker must be there: a thread that runs and was given
the same work, so that it takes from the same queue, or begins it later (see `works`), or a worker of the pool that has
nothing to do or is not started yet. And what the two jobs touched must not be the worker's own. That it is not is shown
by a way to it that leads any worker to the same object: see `ways`. It begins at what the worker was given to do, and
at a job that it took: who had that instead comes the same way. What lies in a container may be the worker's own, unless
other jobs touched others of its kind; and so may an item, unless its key stands in the source or other jobs had other
keys.

All is judged by the worker itself, when it holds nothing: finalizers may run.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Sequence
from types import CodeType, FrameType

from raceway.model.kinds import LocationKind
from raceway.model.races import Doubt
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.originals import get_ident
from raceway.runtime.contract import Recorder
from raceway.sync import threads
from raceway.sync.ways import Ways, parts
from raceway.sync.works import Work, awaited, work_of

if TYPE_CHECKING:
    from concurrent.futures import Future

_POOLS = "concurrent.futures.thread"
_NEAR = 8
"""Callers that are looked at."""


def judge_taken(recorder: Recorder) -> None:
    """The calling thread has taken its next job by `Queue.get`, which is about to return."""
    frame = _outer(sys._getframe(1), "Queue.get", "queue")
    if frame is not None:
        judge_next(recorder, *_locals(frame, "self", "item"))


def judge_next(recorder: Recorder, owner: object, item: object) -> None:
    """The calling thread has taken its next job, `item`, from the queue `owner`: judge what is in doubt of its jobs."""
    doubts, here = _doubts(recorder), _here()
    work = work_of(here) if doubts and here is not None else None
    if work is None or not Ways([work.function, *work.given]).lead_to(owner):
        return
    found = _anyones(recorder, doubts, Ways([work.function, *work.given, *parts(item)]), (), work.scalars)
    actor = _other_with(work, here)
    if actor is None:
        awaited.keep(recorder, work, found)
        return
    for doubt in found:
        recorder.jobs.judge(doubt, actor)


def judge_ended(recorder: Recorder, future: Future[Any]) -> None:
    """The calling thread, a worker of a pool, has done the job of this future: judge what is in doubt of its jobs."""
    frame = _outer(sys._getframe(1), "_WorkItem.run", _POOLS)
    doubts, here = _doubts(recorder), _here()
    if frame is None or not doubts or here is None:
        return
    (job,) = _locals(frame, "self")
    if not _has_room(here) or vars(job).get("future") is not future:
        return
    given = [job.fn, *job.args, *job.kwargs.values()]
    texts = [one for one in parts(given) if type(one) is str]
    ways = Ways([*given, *vars(future).get("_done_callbacks", ())])
    for doubt in _anyones(recorder, doubts, ways, texts, ()):
        recorder.jobs.judge(doubt, recorder.current())


def is_in_pool(frame: FrameType | None) -> bool:
    """Whether a method of a future was called for the worker of a pool of threads that has its job."""
    return _outer(frame, "_WorkItem.run", _POOLS) is not None


def _doubts(recorder: Recorder) -> list[Doubt]:
    return [Doubt(*row) for row in recorder.jobs.doubts()]


def _here() -> Any:
    return threading._active.get(get_ident())  # type: ignore[attr-defined]


def _anyones(
    recorder: Recorder, doubts: list[Doubt], ways: Ways, texts: Sequence[str], scalars: Sequence[object]
) -> list[int]:
    """Numbers of the doubts that are about what any worker comes to that has a job which leads where `ways` do. Which
    item is anyone's is told by the `texts` that a job was given, and not by the `scalars` that the worker was."""
    found: list[int] = []
    common = {recorder.jobs.serial_of(found) for found in ways.common}
    inside = {recorder.jobs.serial_of(found) for found in ways.inside}
    for doubt in doubts:
        several = len(doubt.serials) > 1 and inside.union(common).issuperset(doubt.serials)
        known = 0 not in doubt.serials and (several or common.issuperset(doubt.serials))
        if (doubt.kind == LocationKind.GLOBAL or known) and _is_anyones(doubt, texts, scalars):
            found.append(doubt.number)
    return found


def _other_with(work: Work, here: Any) -> int | None:
    """The actor of another thread that runs and was given the same work."""
    for thread in list(threading._active.values()):  # type: ignore[attr-defined]
        other = None if thread is here else work_of(thread)
        if other is not None and work.is_like(other):
            return threads.actors.get(thread)
    return None


def _has_room(here: Any) -> bool:
    """Whether the pool of `here` has another worker that has nothing to do, or can start one."""
    given = vars(here).get("_args") or (None,)
    pool = given[0]() if isinstance(given[0], weakref.ref) else None
    known = {} if pool is None else vars(pool)
    most, workers = known.get("_max_workers"), known.get("_threads")
    if type(most) is not int or type(workers) is not set:
        return False
    now = sys._current_frames()
    frames = [now.get(vars(other).get("_ident")) for other in tuple(workers) if other is not here]
    idle = any(frame is not None and frame.f_code.co_qualname == "_worker" for frame in frames)
    return idle or len(workers) < most


def _is_anyones(doubt: Doubt, texts: Sequence[str], scalars: Sequence[object]) -> bool:
    """Whether the place within its object is not one that each worker has for itself."""
    if doubt.kind != LocationKind.ITEM:
        return True
    if len(doubt.keys) == 1:
        return doubt.keys[0] in texts or any(_stands_in(doubt.keys[0], code) for code in doubt.codes)
    names = [vars(_here()).get(name) for name in ("_ident", "_native_id", "_name")]
    own = {str(scalar) for scalar in (*scalars, *names) if scalar is not None}
    return bool(doubt.keys) and not any(text in str(key) for key in doubt.keys for text in own)


def _stands_in(key: object, code: CodeType) -> bool:
    """Whether a text is written in the source. A number that is written there says little."""
    return type(key) is str and any(type(text) is str and text == key for text in code.co_consts)


def _outer(frame: FrameType | None, function: str, module: str) -> FrameType | None:
    """The frame of this function, if it is one of the nearest callers."""
    for _step in range(_NEAR):
        if frame is None or (frame.f_code.co_qualname == function and frame.f_globals.get("__name__") == module):
            return frame
        frame = frame.f_back
    return None


def _locals(frame: FrameType, *names: str) -> list[Any]:
    """What a function of the standard library has under these names. Before 3.13 a frame keeps what was asked for: that
    would live as long as the frame does."""
    known = frame.f_locals
    found = [known.get(name) for name in names]
    if type(known) is dict:
        known.clear()
    return found
