"""The pipeline as a whole: any thread may put, nobody waits, everything is counted, and every end flushes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from raceway.model import eventkinds as of
from raceway.model.events import Event, EventKind
from raceway.pipeline import Batch, Pipeline, Settings, SinkCounts, buffer, file_sink, http_sink
from raceway.pipeline.collector import ANSWER_TIMEOUT
from raceway.pipeline.encode import encode
from tests.conftest import ROOT, clean_environ
from tests.pipeline.protocol import parse
from tests.pipeline.receiver import Receiver, Request, always, ok, receiving
from tests.pipeline.replaying import read_events
from tests.pipeline.samples import Flow, changes, names


class Kept:
    """A sink in memory. While it is `shut` the worker waits within it."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.threads: set[int] = set()
        self.gate = threading.Lock()
        self.closed = False

    def take(self, batch: Batch) -> None:
        self.threads.add(threading.get_ident())
        with self.gate:
            self.batches.append(batch)

    def work(self) -> float | None:
        return None

    def flush(self, until: float) -> bool:
        return True

    def close(self, until: float) -> bool:
        self.closed = True
        return True

    def attend(self, meanwhile: Callable[[], object]) -> None:
        pass

    def interrupt(self) -> None:
        pass

    def after_fork(self) -> None:
        pass

    def counts(self) -> SinkCounts:
        return SinkCounts(sent=len(self.variables()))

    def variables(self) -> list[str]:
        """The variables of what came, in order."""
        found = [event.kind.StateChange for batch in self.batches for event in batch.events]
        return [change.variable for change in found if change is not None]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def pipelines() -> Iterator[Any]:
    """Makes pipelines and closes them."""
    made: list[Pipeline] = []

    def make(*arguments: Any, **options: Any) -> Pipeline:
        made.append(Pipeline(*arguments, **options))
        return made[-1]

    yield make
    for pipeline in made:
        pipeline.close()


def test_events_arrive_in_order_by_a_thread_that_nobody_sees(kept: Kept, pipelines: Any) -> None:
    before = threading.active_count()
    pipeline = pipelines([kept])
    for event in changes(500):
        assert pipeline.put(event)
    assert threading.active_count() == before
    assert pipeline.flush()
    assert kept.variables() == names(500)
    assert threading.get_ident() not in kept.threads
    assert (pipeline.counts().put, pipeline.counts().waiting) == (500, 0)


def test_events_of_several_threads_keep_the_order_of_each(kept: Kept, pipelines: Any) -> None:
    pipeline = pipelines([kept])

    def put(letter: str) -> None:
        flow = Flow()
        for number in range(300):
            pipeline.put(flow.change(f"{letter}{number}"))

    threads = [threading.Thread(target=put, args=(letter,)) for letter in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipeline.flush()
    for letter in "abc":
        assert [name for name in kept.variables() if name[0] == letter] == [f"{letter}{n}" for n in range(300)]


def test_what_finds_no_room_is_dropped_at_once_and_counted(kept: Kept, pipelines: Any) -> None:
    pipeline = pipelines([kept], Settings(buffer_size=100, batch_size=10))
    with kept.gate:
        taken = [pipeline.put(event) for event in changes(1000)]
    assert pipeline.flush()
    assert len(kept.variables()) == sum(taken)
    assert pipeline.counts().dropped == 1000 - sum(taken) > 700
    assert pipeline.counts().put == sum(taken)


@pytest.mark.parametrize("way", [buffer.Intake, buffer._Intake])
def test_every_way_in_counts_each_event_of_every_thread(
    kept: Kept, pipelines: Any, monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    monkeypatch.setattr(buffer, "Intake", way)
    pipeline = pipelines([kept], Settings(buffer_size=100, batch_size=10))
    taken: list[bool] = []

    def put() -> None:
        taken.extend([pipeline.put(event) for event in changes(200)])

    threads = [threading.Thread(target=put) for _ in range(4)]
    with kept.gate:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert pipeline.close()
    assert not pipeline.put(Flow().change("late"))
    assert (len(taken), len(kept.variables())) == (800, sum(taken))
    assert (pipeline.counts().put, pipeline.counts().dropped) == (sum(taken), 801 - sum(taken))
    assert set(taken) == {True, False}


def test_an_event_after_the_end_is_dropped_and_counted(kept: Kept, pipelines: Any) -> None:
    pipeline = pipelines([kept])
    pipeline.put(Flow().change("a"))
    assert pipeline.close()
    assert kept.closed
    assert not pipeline.put(Flow().change("b"))
    assert (kept.variables(), pipeline.counts().dropped) == (["a"], 1)


def test_a_batch_is_sent_when_it_is_old_enough(kept: Kept, pipelines: Any) -> None:
    arrived = threading.Event()

    def tell(event: Event) -> Event:
        arrived.set()
        return event

    pipeline = pipelines([kept], Settings(flush_interval=0.01), before_send=[tell])
    pipeline.put(Flow().change("a"))
    assert arrived.wait(20)


def test_hooks_change_hold_back_and_may_fail(kept: Kept, pipelines: Any) -> None:
    told: list[str] = []

    def rename(event: Event) -> Event:
        change = event.kind.StateChange
        assert change is not None
        renamed = msgspec.structs.replace(change, variable=change.variable.upper())
        return msgspec.structs.replace(event, kind=EventKind(StateChange=renamed))

    def fail(event: Event) -> Event:
        raise LookupError("no")

    def hold_back(event: Event) -> Event | None:
        change = event.kind.StateChange
        return None if change is not None and change.variable == "V1" else event

    pipeline = pipelines([kept], before_send=[rename, fail, hold_back], warn=told.append)
    for event in changes(4):
        pipeline.put(event)
    assert pipeline.flush()
    assert kept.variables() == ["V0", "V2", "V3"]
    assert pipeline.counts().filtered == 1
    assert len(told) == 1
    assert "fail raised LookupError: no" in told[0]


def test_a_sink_that_fails_costs_the_others_nothing(kept: Kept, pipelines: Any) -> None:
    class Broken(Kept):
        def take(self, batch: Batch) -> None:
            raise OSError("full")

        def work(self) -> float | None:
            raise OSError("full")

    told: list[str] = []
    pipeline = pipelines([Broken(), kept], warn=told.append)
    for event in changes(200):
        pipeline.put(event)
    assert pipeline.flush()
    assert kept.variables() == names(200)
    assert 1 <= len(told) <= 2


def test_one_event_that_cannot_be_sent_is_counted_and_costs_no_other(kept: Kept, pipelines: Any) -> None:
    pipeline = pipelines([kept], warn=lambda line: None)
    flow = Flow()
    for kind in (
        of.StateChange("a", 1, "x:1", "Write"),
        of.StateChange("b", float("nan"), "x:1", "Wrote"),  # type: ignore[arg-type]
        None,
        of.StateChange("c", 1, "x:1", "Read"),
    ):
        pipeline.put(flow.event(EventKind(StateChange=kind)))
    assert pipeline.flush()
    assert kept.variables() == ["a", "b", "c"]
    assert (pipeline.counts().degraded, pipeline.counts().unfit) == (1, 1)


def test_sources_are_asked_until_they_have_nothing(kept: Kept, pipelines: Any) -> None:
    given = [list(map(encode, changes(3))), list(map(encode, changes(2)))]
    pipeline = pipelines([kept], sources=[lambda: given.pop(0) if given else []])
    pipeline.start()
    assert pipeline.flush()
    assert kept.variables() == names(3) + names(2)


@pytest.mark.parametrize("suffix", ["jsonl", "msgpack"])
def test_a_file_holds_all_of_it(tmp_path: Path, pipelines: Any, suffix: str) -> None:
    path = tmp_path / f"trace.{suffix}"
    sent = changes(120)
    for half in (sent[:60], sent[60:]):
        pipeline = pipelines([file_sink(str(path))])
        for event in half:
            pipeline.put(event)
        assert pipeline.close()
    if suffix == "jsonl":
        assert read_events(path) == sent
    else:
        assert unpacked(path.read_bytes()) == sent


def unpacked(content: bytes) -> list[Event]:
    """The events of a msgpack file: each ends where the next begins, which only a reader of streams can tell."""
    found = []
    while content:
        for length in range(1, len(content) + 1):
            try:
                found.append(msgspec.msgpack.decode(content[:length], type=Event))
            except msgspec.DecodeError:
                continue
            content = content[length:]
            break
    return found


def test_nobody_waits_for_a_collector_that_takes_its_time(pipelines: Any, tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(request: Any) -> Any:
        asked.set()
        assert go_on.wait(20)
        return ok(request)

    with receiving() as receiver:
        receiver.reply = slow
        pipeline = pipelines([http_sink(receiver.endpoint, spool_root=str(tmp_path))])
        sent = changes(2000)
        for event in sent[:100]:
            assert pipeline.put(event)
        assert asked.wait(20)
        for event in sent[100:]:
            assert pipeline.put(event), "while no answer has come"
        go_on.set()
        assert pipeline.close(20)
        assert receiver.names() == names(2000)
        assert len(receiver.requests) < 10, "a batch takes all that waits"


@pytest.mark.parametrize("trouble", ["away", "500", "broken off"])
def test_a_collector_in_trouble_gets_everything_when_it_is_well_again(
    pipelines: Any, tmp_path: Path, trouble: str
) -> None:
    with receiving() as receiver:
        replies = {"away": always(503, {"Retry-After": "0"}), "500": always(500), "broken off": lambda request: None}
        receiver.reply = replies[trouble]
        sink = http_sink(receiver.endpoint, spool_root=str(tmp_path), warn=lambda line: None)
        pipeline = pipelines([sink], Settings(flush_interval=0.01), warn=lambda line: None)
        sent = changes(1000)
        for event in sent[:600]:
            pipeline.put(event)
        assert not pipeline.flush(0.3)
        receiver.reply = ok
        for event in sent[600:]:
            pipeline.put(event)
        assert pipeline.close(20)
        assert list(dict.fromkeys(receiver.names())) == names(1000)
        (counts,) = pipeline.sink_counts()
        assert (counts.sent, counts.lost, counts.refused, counts.spooled, counts.waiting) == (1000, 0, 0, 0, 0)


PROGRAM = """
import os, signal, sys, threading
sys.path.insert(0, {root!r})
from raceway.pipeline import Pipeline, Settings, file_sink
from tests.pipeline.samples import changes
pipeline = Pipeline([file_sink({path!r})], Settings(flush_interval={interval}), terminate=True)
for event in changes(20):
    pipeline.put(event)
{ending}
"""


def run_program(path: Path, ending: str, interval: float = 60.0) -> subprocess.CompletedProcess[str]:
    """A program that puts twenty events and ends in some way."""
    program = PROGRAM.format(root=str(ROOT), path=str(path), ending=ending, interval=interval)
    return subprocess.run(
        [sys.executable, "-c", program], env=clean_environ(), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()", -signal.SIGTERM),
        ("pipeline.flush(); os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_every_end_flushes(tmp_path: Path, ending: str, status: int) -> None:
    path = tmp_path / "trace.jsonl"
    finished = run_program(path, ending)
    assert finished.returncode == status
    assert [event.kind.StateChange.variable for event in read_events(path) if event.kind.StateChange] == names(20)


def test_a_program_that_handles_sigterm_keeps_its_handler(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    ending = (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\nos.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()"
    )
    assert run_program(path, ending).returncode == 5
    assert len(read_events(path)) == 20


def test_a_fork_flushes_before_it_and_begins_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    ending = f"""
PATH = {str(path)!r}
sys.stdout.flush()
if os.fork() == 0:
    print(len(open(PATH).readlines()), pipeline.counts().put, flush=True)
    for event in changes(5):
        pipeline.put(event)
    sys.exit(0)
os.wait()
"""
    finished = run_program(path, ending)
    assert finished.stdout == "20 0\n"
    # Since 3.12 a fork says that there are threads, of which the pipeline's own is one.
    assert finished.stderr == "" or (sys.version_info >= (3, 12) and "DeprecationWarning" in finished.stderr)
    assert len(read_events(path)) == 25


def test_a_file_is_readable_after_a_kill_in_the_middle_of_it(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    ending = """
while True:
    for event in changes(100):
        pipeline.put(event)
    if os.path.getsize({path!r}) > 200_000:
        os.kill(os.getpid(), signal.SIGKILL)
""".replace("{path!r}", repr(str(path)))
    assert run_program(path, ending, 0.001).returncode == -signal.SIGKILL
    lines = path.read_bytes().split(b"\n")
    assert len(lines) > 100
    for line in lines[:-1]:
        parse(line)


def test_a_process_does_not_wait_for_a_collector_that_never_answers(tmp_path: Path) -> None:
    with receiving() as receiver:
        stuck = threading.Event()
        receiver.reply = lambda request: (stuck.wait(30), None)[1]
        program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from raceway.pipeline import Pipeline, http_sink
from tests.pipeline.samples import changes
pipeline = Pipeline([http_sink({receiver.endpoint!r}, spool_root={str(tmp_path)!r})])
for event in changes(20):
    pipeline.put(event)
"""
        finished = subprocess.run(
            [sys.executable, "-c", program],
            env=clean_environ(),
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
        )
        stuck.set()
        assert finished.returncode == 0, finished.stderr
        assert sum(len(path.read_bytes().splitlines()) for path in tmp_path.rglob("*.jsonl")) == 20


def test_who_ends_breaks_off_a_wait_for_an_answer_and_keeps_the_events(tmp_path: Path, pipelines: Any) -> None:
    with receiving() as receiver:
        asked, stuck = threading.Event(), threading.Event()

        def wait(_request: Request) -> None:
            asked.set()
            stuck.wait(30)

        receiver.reply = wait
        pipeline = pipelines([http_sink(receiver.endpoint, spool_root=str(tmp_path), warn=lambda line: None)])
        for event in changes(20):
            pipeline.put(event)
        assert asked.wait(20)
        assert ANSWER_TIMEOUT > 1
        assert not pipeline.close(0.6)
        stuck.set()
    assert pipeline.sink_counts()[0].spooled == 20
    assert sum(len(path.read_bytes().splitlines()) for path in tmp_path.rglob("*.jsonl")) == 20


def test_a_run_sends_its_events_to_the_collector(tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        "import threading\nbox = [0]\n"
        "def work():\n    box[0] += 1\n"
        "threads = [threading.Thread(target=work) for _ in range(2)]\n"
        "for thread in threads:\n    thread.start()\nfor thread in threads:\n    thread.join()\n"
    )
    with receiving() as receiver:
        environ = clean_environ() | {"RACEWAY_API_KEY": "secret", "XDG_CACHE_HOME": str(tmp_path / "cache")}
        finished = subprocess.run(
            [
                sys.executable,
                "-m",
                "raceway.run",
                "--quiet",
                "--fail-on",
                "never",
                "--endpoint",
                receiver.endpoint,
                "app.py",
            ],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer secret"}
        assert [request.complaint for request in receiver.requests if request.complaint] == []
        assert {"box[...]"} <= set(receiver.names())
        assert {event["metadata"]["service_name"] for event in receiver.taken} == {"app"}


def test_an_endpoint_that_cannot_be_used_is_refused_before_the_program_starts(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('ran')\n")
    finished = subprocess.run(
        [sys.executable, "-m", "raceway.run", "--endpoint", "nowhere", "app.py"],
        cwd=tmp_path,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.count("\n") == 1
    assert "'nowhere' is not an address" in finished.stderr


def test_nothing_is_left_open_by_a_pipeline_that_was_closed(tmp_path: Path, pipelines: Any) -> None:
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    receiver: Receiver
    with receiving() as receiver:
        pipeline = pipelines(
            [file_sink(str(tmp_path / "t.jsonl")), http_sink(receiver.endpoint, spool_root=str(tmp_path))]
        )
        for event in changes(5):
            pipeline.put(event)
        assert pipeline.close()
    after = set(os.listdir("/proc/self/fd")) if before else set()
    assert len(after) <= len(before) + 1, "but for the connection that the receiver is about to close"
