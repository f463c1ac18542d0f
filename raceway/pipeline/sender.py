"""The sink that brings events to a collector over HTTP, in order, and keeps them on disk while it is away.

lines in memory -> a piece as large as a request may be -> post -> what the answer asks for (see `answers`)
a failure: all of it moves to the spool; what comes then follows it there
the collector is back: the spool is sent first, oldest segment by oldest segment
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from raceway.originals import monotonic, sleep
from raceway.pipeline.answers import Answer, Decision, Step, decide
from raceway.pipeline.backoff import Backoff
from raceway.pipeline.batch import Batch, request_body, within
from raceway.pipeline.collector import ANSWER_TIMEOUT, Collector, UnreachableError
from raceway.pipeline.compression import SMALLEST, Compress, accepted
from raceway.pipeline.settings import BODY_LIMIT, SinkCounts
from raceway.pipeline.spool import Spool

MEMORY_LIMIT = 16 * 1024 * 1024
"""Bytes of events that wait in memory; what comes on top is spooled, or lost and counted."""


LONGEST_PATIENCE = 64.0
"""Seconds for which an answer is waited for at most."""

SMALLEST_LIMIT = 64 * 1024
"""Bytes of a request that are not too many for a collector, however slow it is."""


class HttpSink:
    """Sends to `collector`; while it is away events go to `spool`, if there is one. `warn` gets lines for people."""

    def __init__(
        self,
        collector: Collector,
        spool: Spool | None = None,
        *,
        body_limit: int = BODY_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        backoff: Backoff | None = None,
        patience: float = ANSWER_TIMEOUT,
        warn: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._collector = collector
        self._spool = spool
        self._limit = body_limit
        self._memory_limit = memory_limit
        self._backoff = backoff or Backoff()
        self._patience = patience
        self._deadline: float | None = None
        self._warn = warn
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._pieces: deque[Sequence[bytes]] = deque()
        self._segment = ""
        self._segment_done = 0
        self._not_before = 0.0
        self._compress: tuple[str, Compress] | None = None
        self._may_compress = True
        self._adopted = False
        self._sent = self._refused = self._lost = 0

    def take(self, batch: Batch) -> None:
        """Accept events, to be sent in order."""
        self._keep(batch.lines)

    def _keep(self, lines: Sequence[bytes]) -> None:
        if self._spool is not None and (self._spool or self._backoff.failures):
            self._put_aside(lines)
            return
        size = sum(map(len, lines))
        if self._size + size <= self._memory_limit:
            self._lines.extend(lines)
            self._size += size
            return
        for index, line in enumerate(lines):
            if self._size + len(line) > self._memory_limit:
                self._put_aside(lines[index:])
                return
            self._lines.append(line)
            self._size += len(line)

    def _put_aside(self, lines: Sequence[bytes], *, front: bool = False) -> None:
        """To disk, behind what is there, or before it."""
        kept = 0
        if self._spool is not None and lines:
            try:
                kept = self._spool.append(lines, front=front)
            except OSError as error:
                self._warn(f"events: the spool cannot be written ({error.strerror})")
        self._lost += len(lines) - kept
        if kept < len(lines):
            self._warn("events: there is no room for all that waits for the collector; some are lost (counted)")

    def attend(self, meanwhile: Callable[[], object]) -> None:
        """While an answer is waited for, what comes goes to memory or disk, where there is more room than before."""
        self._collector.meanwhile = meanwhile

    def work(self) -> float | None:
        """Send one piece if it is time; when to be called again."""
        if not self._pieces and not self._cut_piece():
            return None
        if monotonic() < self._not_before:
            return self._not_before
        self._try()
        return max(self._not_before, monotonic()) if self._has_more() else None

    def _has_more(self) -> bool:
        return bool(self._pieces or self._lines or self._spool)

    def _cut_piece(self) -> bool:
        """Have something in `_pieces`: what is in memory is older than what is on disk."""
        if self._lines:
            lines = list(self._lines)
            self._pieces.extend(lines[part] for part in within(lines, self._limit))
            self._lines.clear()
            self._size = 0
            return True
        try:
            oldest = self._spool.oldest() if self._spool else None
        except OSError as error:
            self._warn(f"events: the spool cannot be read ({error.strerror})")
            return False
        if oldest is None:
            return False
        self._segment, lines = oldest
        self._segment_done = 0
        self._pieces.extend(lines[part] for part in within(lines, self._limit))
        return True

    def _try(self) -> None:
        piece = self._pieces[0]
        body, encoding = request_body(piece), ""
        size = len(body)
        if self._compress is not None and len(body) >= SMALLEST:
            encoding, compress = self._compress
            body = compress(body)
        patience = self._patience if self._deadline is None else min(self._patience, self._deadline - monotonic())
        try:
            answer = self._collector.post(body, encoding, max(patience, 0.05))
        except UnreachableError as error:
            self._warn(f"events: {self._collector.url} cannot be reached ({error}); what cannot be sent waits")
            if error.too_slow:
                self._slow_down(size)
            self._failed(0.0)
            return
        self._learn(answer)
        decision = decide(answer, len(piece), compressed=bool(encoding))
        if decision.step not in (Step.AGAIN, Step.HOLD):
            self._backoff.reset()
        self._do(decision, answer)

    def _slow_down(self, size: int) -> None:
        """The collector may have taken what it will get again: ask less of it, and give it more time."""
        self._patience = min(self._patience * 2, LONGEST_PATIENCE)
        self._limit = min(self._limit, max(size // 2, SMALLEST_LIMIT))
        lines = [line for piece in self._pieces for line in piece]
        self._pieces = deque(lines[part] for part in within(lines, self._limit))

    def _learn(self, answer: Answer) -> None:
        if self._may_compress and "accept-encoding" in answer.headers:
            self._compress = accepted(answer.headers["accept-encoding"])

    def _do(self, decision: Decision, answer: Answer) -> None:
        piece = self._pieces[0]
        match decision.step:
            case Step.DELIVERED:
                self._sent += len(piece) - decision.count
                self._lost += decision.count
                self._drop_piece()
                self._take_over()
            case Step.SPLIT:
                self._limit = max(min(self._limit, len(request_body(piece)) // 2), 1)
                self._split("events: the collector refuses one as too large (413); it is left out")
            case Step.LEAVE_OUT if decision.index is not None:
                self._leave_out(decision.index, answer)
            case Step.LEAVE_OUT:
                self._split(f"events: the collector refuses one ({_told(answer)}); it is left out")
            case Step.PLAIN:
                self._compress, self._may_compress = None, False
            case Step.AGAIN:
                self._warn(f"events: the collector is not well ({_told(answer)}); what cannot be sent waits")
                self._failed(decision.after)
            case Step.HOLD:
                self._warn(f"events: {self._collector.url} does not take events ({_told(answer)}); they wait")
                self._failed(decision.after)

    def _drop_piece(self) -> None:
        done = self._pieces.popleft()
        if self._segment:
            self._segment_done += len(done)
            if not self._pieces:
                self._forget_segment()

    def _forget_segment(self) -> None:
        assert self._spool is not None
        segment, self._segment = self._segment, ""
        try:
            self._spool.remove(segment, self._segment_done)
        except OSError as error:
            self._warn(f"events: the spool cannot be emptied ({error.strerror})")

    def _split(self, warning: str) -> None:
        piece = self._pieces[0]
        if len(piece) == 1:
            self._refused += 1
            self._warn(warning)
            self._drop_piece()
            return
        self._pieces.popleft()
        middle = len(piece) // 2
        self._pieces.extendleft((piece[middle:], piece[:middle]))

    def _leave_out(self, index: int, answer: Answer) -> None:
        self._refused += 1
        self._warn(f"events: the collector refuses one ({_told(answer)}); it is left out")
        piece = self._pieces[0]
        rest = [*piece[:index], *piece[index + 1 :]]
        if rest:
            self._pieces[0] = rest
            self._segment_done += 1
        else:
            self._drop_piece()

    def _failed(self, after: float) -> None:
        """Nothing more for a while; what is in memory goes to disk, where the next process finds it."""
        self._not_before = monotonic() + self._backoff.pause(after)
        if self._spool is None or self._segment:
            return
        waiting = [line for piece in self._pieces for line in piece] + list(self._lines)
        self._pieces.clear()
        self._lines.clear()
        self._size = 0
        self._put_aside(waiting, front=True)

    def _take_over(self) -> None:
        """Once the collector answers: what earlier processes could not send."""
        if self._adopted or self._spool is None:
            return
        self._adopted = True
        try:
            self._spool.adopt()
        except OSError as error:
            self._warn(f"events: the spool cannot be read ({error.strerror})")

    def flush(self, until: float) -> bool:
        """Send what waits, at once and then as often as pauses allow until then; whether all was sent."""
        self._not_before = 0.0
        while True:
            due = self.work()
            if due is None:
                return True
            now = monotonic()
            if max(due, now) >= until:
                return False
            if due > now:
                sleep(due - now)

    def close(self, until: float) -> bool:
        """Send what can be sent by then, with one try where there is a spool; what is left is spooled, or lost."""
        self._not_before = 0.0
        self._deadline = until
        if self._spool is None:
            self.flush(until)
        while self._has_more() and monotonic() < until and monotonic() >= self._not_before:
            if self.work() is None:
                break
        delivered = not self._has_more()
        self._save()
        self._collector.close()
        return delivered

    def _save(self) -> None:
        rest = [line for piece in self._pieces for line in piece]
        self._pieces.clear()
        if self._segment and self._spool is not None:
            try:
                self._spool.shorten(self._segment, rest, self._segment_done)
                self._segment = ""
            except OSError as error:
                self._warn(f"events: the spool cannot be written ({error.strerror})")
            rest = []
        self._put_aside([*rest, *self._lines], front=True)
        self._lines.clear()
        self._size = 0
        if self._spool is not None:
            self._spool.close()

    def interrupt(self) -> None:
        """Have a request that the worker waits for fail now: what waits is to be saved."""
        self._collector.interrupt()

    def after_fork(self) -> None:
        """In a forked child: what waits is the parent's."""
        self._collector.after_fork()
        self._lines.clear()
        self._pieces.clear()
        self._size = 0
        self._segment = ""
        self._not_before = 0.0
        self._backoff.reset()
        self._sent = self._refused = self._lost = 0
        if self._spool is not None:
            self._spool.after_fork()

    def counts(self) -> SinkCounts:
        """What it did so far."""
        spooled = 0 if self._spool is None else self._spool.events - (self._segment_done if self._segment else 0)
        in_pieces = 0 if self._segment else sum(map(len, list(self._pieces)))
        return SinkCounts(
            sent=self._sent,
            refused=self._refused,
            lost=self._lost,
            spooled=spooled,
            waiting=len(self._lines) + in_pieces,
        )


def _told(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:200]}".strip()
