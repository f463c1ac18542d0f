"""The face of the pipeline: events in, counts out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from raceway.model.typing import Any
from raceway.originals import monotonic
from raceway.pipeline import endings
from raceway.pipeline.batch import Sink
from raceway.pipeline.buffer import Buffer, Tally
from raceway.pipeline.complaints import Once, Tell, to_standard_error
from raceway.pipeline.settings import Counts, Settings, SinkCounts
from raceway.pipeline.worker import Hook, Maker, Source, Worker

FORK_PATIENCE = 0.2
"""Seconds that a fork waits for a collector at most."""


def _nothing() -> None:
    pass


class Pipeline:
    """Takes events of any thread and brings them to its sinks, by one background thread of its own.

    Contract:

    - `put` is for any thread, signal handlers and finalisers included. It never waits for anything and never raises.
      The worker starts with the first event. False: the buffer is full, the event is dropped and counted.
    - An event is checked and encoded in the worker. What does not fit the protocol is mended and counted (`degraded`);
      what cannot be mended is left out and counted (`unfit`). The caller must not change what an event holds: values of
      the program go through `raceway.model.values.snapshot` first, and who finds something lost there calls `degrade`.
    - With a `maker` what is put need not be events: it makes them, in the worker. While no hook wants to see events it
      may write their lines at once.
    - `before_send` hooks run in the worker, one after the other, each with what the one before returned. None holds the
      event back (`filtered`). One that raises is taken out, with one warning; the event goes on as it was. A hook that
      is false, as an empty list is, wants to see nothing at present.
    - `sources` are asked by the worker, again and again until they have nothing, for lines of events that are known to
      fit. Hooks do not see these.
    - Events of one thread reach every sink in the order in which they were put.
    - `flush` and `close` wait, at most so many seconds, and say whether everything was delivered. `close` is final:
      later events are dropped and counted. What a sink can keep on disk it keeps there.
    - At exit, in a fork's parent and, with `terminate`, on SIGTERM what waits is flushed; a forked child starts with
      nothing and a worker of its own.
    - `warn` gets one line for each different thing that went wrong; without it they go to standard error.
    - `enter` is called first in the worker's thread.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        settings: Settings | None = None,
        *,
        maker: Maker | None = None,
        before_send: Sequence[Hook] = (),
        sources: Sequence[Source] = (),
        warn: Tell = to_standard_error,
        enter: Callable[[], None] = _nothing,
        at_exit: bool = True,
        terminate: bool = False,
    ) -> None:
        self.settings = settings or Settings()
        self._sinks = tuple(sinks)
        self._refused = Tally()
        self._buffer = Buffer(self.settings.buffer_size, self.settings.batch_size, self._put)
        self._intake = self._buffer.intake
        self._worker = Worker(
            self._buffer, self._sinks, self.settings, maker, before_send, tuple(sources), Once(warn), enter
        )
        self.put: Callable[[Any], bool] = self._intake
        """Take an event, or what the maker makes one of; False when it was dropped."""
        endings.follow(self, at_exit=at_exit, terminate=terminate)

    def start(self) -> None:
        """Start the worker now: who gives sources wants them asked before there is an event."""
        self._worker.start()

    def _put(self, event: Any) -> bool:
        if self._intake.closed:
            self._refused.add()
            return False
        if not self._worker.alive:
            self._worker.start()
        return self._buffer.put(event)

    def degrade(self, count: int = 1) -> None:
        """Count events that were put with something left out."""
        self._worker.degraded.add(count)

    def wake(self) -> None:
        """Have the worker look now. For sources that have much to give."""
        self._buffer.ring()

    def flush(self, timeout: float = 5.0) -> bool:
        """Deliver what waits, for so many seconds at most; whether all was."""
        return self._intake.closed or self._worker.flush(monotonic() + timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Flush and end, in so many seconds at most; whether all was delivered. Again: nothing happens."""
        if self._intake.closed:
            return True
        self._intake.closed = True
        endings.leave(self)
        return self._worker.close(monotonic() + timeout)

    def counts(self) -> Counts:
        """What became of events so far."""
        waiting = len(self._buffer)
        return Counts(
            put=self._buffer.taken + waiting,
            dropped=self._buffer.dropped.value() + self._refused.value(),
            filtered=self._worker.filtered.value(),
            degraded=self._worker.degraded.value(),
            unfit=self._worker.unfit.value(),
            waiting=waiting,
        )

    def sink_counts(self) -> tuple[SinkCounts, ...]:
        """What each sink did so far, in the order in which they were given."""
        return tuple(sink.counts() for sink in self._sinks)

    def before_fork(self) -> None:
        """In a parent about to fork: what waits is sent if that is soon done, for the child's events come after it and
        collectors ask for causes first; else it is written down, for a child may end what is ours."""
        if not (self._worker.alive and self._worker.flush(monotonic() + FORK_PATIENCE)):
            self._worker.hand_over(monotonic() + 0.05)

    def close_at_exit(self) -> None:
        """Close when the process ends: for one that was not to be closed then, whose owner is not here."""
        endings.follow(self, at_exit=True, terminate=False)

    def after_fork(self) -> None:
        """In a forked child."""
        self._buffer.after_fork()
        self._refused = Tally()
        self._worker.after_fork()
