"""concurrent.futures: who is ordered by submitting, finishing, waiting, calling back and cancelling."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from raceway.model.records import POOL
from tests.sync.recording import FakeRecorder, Gate, open_when_waiting, outcome, run, watched
from tests.sync.test_threads import program


def as_completed(future: Future[Any]) -> None:
    (done,) = concurrent.futures.as_completed([future])
    assert done is future


def wait(future: Future[Any], return_when: str = concurrent.futures.ALL_COMPLETED) -> None:
    assert concurrent.futures.wait([future], return_when=return_when).done == {future}


def poll(future: Future[Any]) -> None:
    finished = Gate()
    future.add_done_callback(lambda _: finished.open())
    finished.wait()
    assert future.done()


WAYS: list[Callable[[Future[Any]], object]] = [
    lambda future: future.result(),
    lambda future: future.result(20),
    lambda future: future.exception(),
    poll,
    as_completed,
    wait,
    lambda future: wait(future, concurrent.futures.FIRST_COMPLETED),
    lambda future: wait(future, concurrent.futures.FIRST_EXCEPTION),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("waits", [False, True])
def test_submitting_is_before_the_job_and_the_job_before_who_sees_its_end(
    way: Callable[[Future[Any]], object], waits: bool, recorder: FakeRecorder
) -> None:
    go = Gate()

    def job() -> None:
        go.wait()
        recorder.mark("job")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()  # the thread is there already: the job is not ordered by its start
        recorder.mark("submitting")
        future = pool.submit(job)
        recorder.mark("submitted")
        if waits:
            open_once_waited_for(future, go)
        else:
            go.open()
        way(future)
        recorder.mark("seen")
    assert recorder.before("submitting", "job")
    assert not recorder.before("submitted", "job")
    assert recorder.before("job", "seen")


class Telling(list[Any]):
    """A list that opens a gate when something is added."""

    gate: Gate

    def append(self, item: Any) -> None:
        super().append(item)
        self.gate.open()


def open_once_waited_for(future: Future[Any], gate: Gate) -> None:
    """Let the job go on when somebody waits for its end, in whichever way."""
    open_when_waiting(future._condition, gate)
    for name in ("_waiters", "_done_callbacks"):
        telling = Telling()
        telling.gate = gate
        setattr(future, name, telling)


def test_jobs_are_not_ordered_with_each_other_nor_with_later_submitters(recorder: FakeRecorder) -> None:
    done, idle = Gate(), Gate()

    def job(name: str) -> None:
        recorder.mark(f"{name} begins")
        (idle if name == "first" else done).open()

    with ThreadPoolExecutor(2) as pool:
        pool.submit(job, "first")
        idle.wait()
        pool.submit(job, "second")
        done.wait()
        recorder.mark("not waited")
        assert not recorder.before("first begins", "not waited")
        assert not recorder.before("first begins", "second begins") or same_thread(recorder)
    recorder.mark("shut down")
    assert recorder.before("first begins", "shut down")
    assert recorder.before("second begins", "shut down")


def same_thread(recorder: FakeRecorder) -> bool:
    """Whether one worker ran both jobs."""
    workers = {actor for verb, actor, arguments in recorder.log if verb == "mark" and "begins" in arguments[0]}
    return len(workers) == 1


def test_each_job_of_a_pool_is_told_as_one(recorder: FakeRecorder) -> None:
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            pool.submit(int).result()
    workers = [actor for actor, queue in recorder.jobs.log if queue == POOL]
    assert len(workers) == 2
    assert recorder.current() not in workers


def test_what_somebody_else_sets_running_is_no_job_of_a_pool(recorder: FakeRecorder) -> None:
    future: Future[int] = Future()
    assert future.set_running_or_notify_cancel()
    future.set_result(1)
    assert future.result() == 1
    assert recorder.jobs.log == []


def test_what_asyncio_follows_is_seen_as_done_only_by_what_it_calls(recorder: FakeRecorder) -> None:
    future: Future[int] = Future()
    done = Gate()

    def job() -> None:
        recorder.mark("job")
        future.set_result(1)
        done.open()

    async def follow() -> None:
        done.wait()
        follower = asyncio.wrap_future(future)
        recorder.mark("goes on")
        await follower
        recorder.mark("has waited")

    run(job, lambda: asyncio.run(follow()))
    assert not recorder.before("job", "goes on")
    assert recorder.before("job", "has waited")


def test_a_submitter_is_not_after_a_worker_that_became_idle(recorder: FakeRecorder) -> None:
    ran = Gate()

    def job() -> None:
        recorder.mark("job")
        ran.open()

    idle = Gate()
    with ThreadPoolExecutor(1) as pool:
        condition: Any = vars(pool._idle_semaphore)["_cond"]
        notify = condition.notify

        def telling(n: int = 1) -> None:
            notify(n)
            idle.open()

        condition.notify = telling
        first = pool.submit(job)
        ran.wait()
        idle.wait()
        pool.submit(int)
        recorder.mark("submitted")
        assert not recorder.before("job", "submitted")
        first.result()


def test_as_completed_orders_what_it_yields_only(recorder: FakeRecorder) -> None:
    gates = [Gate(), Gate()]

    def job(number: int) -> int:
        gates[number].wait()
        recorder.mark(f"job {number}")
        return number

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(job, number) for number in range(2)]
        gates[0].open()
        for future in concurrent.futures.as_completed(futures):
            number = futures.index(future)
            recorder.mark(f"yielded {number}")
            if number == 0:
                gates[1].open()
    assert recorder.before("job 0", "yielded 0")
    assert recorder.before("job 1", "yielded 1")
    assert not recorder.before("job 1", "yielded 0")


def test_wait_orders_all_that_it_returns_as_done(recorder: FakeRecorder) -> None:
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(recorder.mark, f"job {number}") for number in range(6)]
        concurrent.futures.wait(futures)
        recorder.mark("waited")
        assert all(recorder.before(f"job {number}", "waited") for number in range(6))


def test_map_orders_each_result(recorder: FakeRecorder) -> None:
    with ThreadPoolExecutor(2) as pool:
        for number, _result in enumerate(pool.map(lambda n: recorder.mark(f"job {n}"), range(4))):
            recorder.mark(f"result {number}")
            assert recorder.before(f"job {number}", f"result {number}")


def test_an_initializer_is_before_the_jobs_of_its_thread_and_after_the_first_submit(recorder: FakeRecorder) -> None:
    recorder.mark("before")
    with ThreadPoolExecutor(1, initializer=recorder.mark, initargs=("initialized",)) as pool:
        pool.submit(recorder.mark, "job").result()
    assert recorder.before("before", "initialized")
    assert recorder.before("initialized", "job")


def test_callbacks_are_after_the_job_and_after_who_added_them(recorder: FakeRecorder) -> None:
    go = Gate()

    def job() -> None:
        go.wait()
        recorder.mark("job")

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(job)
        recorder.mark("adding")
        future.add_done_callback(lambda _: recorder.mark("called in the worker"))
        recorder.mark("added")
        go.open()
        future.result()
        future.add_done_callback(lambda _: recorder.mark("called at once"))
    assert recorder.before("job", "called in the worker")
    assert recorder.before("adding", "called in the worker")
    assert not recorder.before("added", "called in the worker")
    assert not recorder.before("adding", "job")
    assert recorder.before("job", "called at once")


def test_cancelling_is_before_who_sees_it(recorder: FakeRecorder) -> None:
    go = Gate()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(go.wait)
        future = pool.submit(int)

        def canceller() -> None:
            recorder.mark("cancelling")
            assert future.cancel()

        def waiter() -> None:
            with pytest.raises(concurrent.futures.CancelledError):
                future.result()
            recorder.mark("seen")

        run(canceller, waiter)
        go.open()
    assert recorder.before("cancelling", "seen")


def test_looking_too_early_orders_nothing(recorder: FakeRecorder) -> None:
    go, begun = Gate(), Gate()

    def job() -> None:
        recorder.mark("job")
        begun.open()
        go.wait()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(job)
        begun.wait()
        assert not future.done()
        assert future.running()
        with pytest.raises(TimeoutError):
            future.result(0.001)
        assert not concurrent.futures.wait([future], 0.001).done
        recorder.mark("looked")
        go.open()
    assert not recorder.before("job", "looked")


def test_a_job_that_fails_has_the_same_traceback() -> None:
    def fail() -> None:
        raise ValueError("from the job")

    def attempts() -> list[object]:
        with ThreadPoolExecutor(1, initializer=int) as pool:
            pool.submit(int).result()
            future, mapped = pool.submit(fail), pool.map(int, ["x"])
            pool.submit(int).result()  # one worker: those before are done, which the traceback shows
            found = [outcome(future.result), outcome(lambda: list(mapped))]
        return [*found, outcome(lambda: pool.submit(int)), outcome(lambda: ThreadPoolExecutor(0))]

    plain = attempts()
    with watched():
        assert attempts() == plain
    assert "from the job" in str(plain[0])


def test_futures_look_as_without_a_run() -> None:
    def looked_at() -> object:
        future: Future[int] = Future()
        names = sorted(vars(future))
        future.set_result(1)
        again = outcome(lambda: future.set_result(2)).__str__().rpartition(" at ")[0].splitlines()[:-1]
        return (
            names,
            hasattr(Future, "_state"),
            repr(future).partition(" at ")[0],
            future.result(),
            future.cancelled(),
            again,
        )

    plain = looked_at()
    with watched():
        assert looked_at() == plain


def test_futures_from_before_the_run_are_seen_in_it(recorder: FakeRecorder) -> None:
    future: Future[int] = Future()

    def finishing() -> None:
        recorder.mark("finishing")
        future.set_result(1)

    def waiting() -> None:
        future.result(20)
        recorder.mark("seen")

    run(finishing, waiting)
    assert recorder.before("finishing", "seen")


def test_a_pool_of_processes_works(recorder: FakeRecorder) -> None:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
        assert pool.submit(os.getpid).result() != os.getpid()


def test_futures_imported_after_the_install_are_watched_from_the_first() -> None:
    body = """
    assert "concurrent.futures" not in sys.modules, sys.modules
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool:
        recorder.mark("before")
        pool.submit(int).result()
        future = pool.submit(recorder.mark, "job")
        future.result()
        recorder.mark("after")
    assert recorder.before("before", "job") and recorder.before("job", "after")
    assert [verb for verb, actor, _ in recorder.log if verb == "release"]
    sync.uninstall()
    assert "_state" not in vars(type(future)), "residue"
    """
    assert program(body, "watched") == (0, "", "")


def test_installing_does_not_import_futures_nor_logging() -> None:
    check = "import sys, raceway.sync; print({'logging', 'concurrent.futures', 'asyncio'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert finished.stdout == "set()\n"


def test_a_thread_pool_of_multiprocessing_orders_its_jobs(recorder: FakeRecorder) -> None:
    from multiprocessing.pool import ThreadPool

    with ThreadPool(2) as pool:
        recorder.mark("before")
        pool.apply_async(recorder.mark, ("job",)).get()
        recorder.mark("after")
        pool.map(recorder.mark, ["mapped"])
        recorder.mark("after the map")
        assert list(pool.imap(recorder.mark, ["one by one"])) == [None]
        recorder.mark("after all")
    for earlier, later in [
        ("before", "job"),
        ("job", "after"),
        ("mapped", "after the map"),
        ("one by one", "after all"),
    ]:
        assert recorder.before(earlier, later)
