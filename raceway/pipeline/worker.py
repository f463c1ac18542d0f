"""The one background worker of a pipeline: takes what waits, runs the hooks, encodes, and hands batches to the sinks.

    take what waits in the buffer and in the sources
    hooks -> check and encode -> batch -> every sink
    let each sink do what is due; while one waits for an answer, take what waits all the same
    sleep until there is more

It is a bare thread: `threading` does not know it, and a process ends without waiting for it. It does its turns under a
lock, so that whoever flushes or closes may do a turn itself when the thread is gone: in a fork, or at shutdown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from raceway.model.events import Event
from raceway.model.typing import Any, Protocol
from raceway.originals import allocate_lock, monotonic, start_new_thread
from raceway.pipeline import endings
from raceway.pipeline.batch import Batch, Sink
from raceway.pipeline.buffer import Buffer, Tally
from raceway.pipeline.encode import fitting
from raceway.pipeline.settings import Settings

_TO_SPARE = 0.5
"""Seconds before its end at which a close no longer leaves the worker to itself."""

Hook = Callable[[Event], Event | None]
Source = Callable[[], Sequence[bytes]]


class Maker(Protocol):
    """Makes what is sent of what was put, where that is no event yet. Only the worker calls it.

    `lossy`: something had to be left out of the last event. Lines with something left out it counts itself.
    """

    lossy: bool

    def event(self, item: Any) -> Event:
        """The event."""

    def line(self, item: Any) -> bytes | None:
        """The line of an event that nobody wants to see, which fits the protocol; None where that has to be checked."""


class _Ready:
    """Makes nothing: events were put."""

    lossy = False

    def event(self, item: Event) -> Event:
        return item

    def line(self, _item: Event) -> bytes | None:
        return None


class _Wish:
    """A flush that somebody waits for."""

    __slots__ = ("_done", "granted", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.granted = False
        self._done = allocate_lock()
        self._done.acquire()

    def done(self) -> None:
        """It has been tried."""
        self._done.release()

    def wait(self) -> None:
        """Wait until it has been tried, or the time is over."""
        self._done.acquire(True, max(self.until - monotonic(), 0) + 0.05)


class Worker:
    """Turns of work, by a thread of its own or by who needs one done."""

    def __init__(
        self,
        buffer: Buffer,
        sinks: Sequence[Sink],
        settings: Settings,
        maker: Maker | None,
        hooks: Sequence[Hook],
        sources: Sequence[Source],
        warn: Callable[[str], None],
        enter: Callable[[], None],
    ) -> None:
        self.buffer = buffer
        self.filtered = Tally()
        self.unfit = Tally()
        self.degraded = Tally()
        self._sinks = sinks
        self._settings = settings
        self._maker: Maker = maker or _Ready()
        self._hooks = list(hooks)
        self._sources = sources
        self._warn = warn
        self._enter = enter
        self._turn = allocate_lock()
        self._wishes: deque[_Wish] = deque()
        self._closing = False
        for sink in sinks:
            sink.attend(self._hand_over)

    @property
    def alive(self) -> bool:
        """Whether the thread is there."""
        return self.buffer.intake.served

    def start(self) -> bool:
        """Start the thread unless it runs; False when there can be none any more."""
        if self.alive or self._closing:
            return self.alive
        self.buffer.intake.served = True
        try:
            start_new_thread(self._run, ())
        except RuntimeError:  # no threads left, or the interpreter is going away
            self.buffer.intake.served = False
        return self.alive

    def _run(self) -> None:
        try:
            self._enter()
            due: float | None = None
            while not self._closing:
                if endings.is_over():
                    self._last_words()
                    return
                if not self._wishes:
                    self.buffer.wait(self._pause(due))
                while self._wishes:
                    self._grant(self._wishes.popleft())
                if not self._closing:
                    with self._turn:
                        due = self._work()
        except Exception as error:  # a fault of ours; the next put starts it again
            self._warn(f"events: the worker failed ({type(error).__name__}: {error}) and starts anew")
        finally:
            self.buffer.intake.served = False

    def _pause(self, due: float | None) -> float:
        """Seconds until there is something to do, unless the bell rings."""
        longest = self._settings.flush_interval
        if endings.may_be_over():
            longest = min(longest, endings.LOOKING)
        return longest if due is None else min(longest, due - monotonic())

    def _last_words(self) -> None:
        """The process has nothing more to say, and ends with this thread."""
        endings.close_all()
        if not self._closing:  # one that is not closed at exit
            self._grant(_Wish(monotonic() + endings.EXIT_TIMEOUT))

    def _work(self) -> float | None:
        """Hand over what waits and do what is due; when a sink wants its next turn. Needs the lock of turns."""
        self._hand_over()
        due = [self._guarded(sink) for sink in self._sinks]
        return min((time for time in due if time is not None), default=None)

    def _guarded(self, sink: Sink) -> float | None:
        try:
            return sink.work()
        except Exception as error:
            self._warn(f"events: {type(sink).__name__} failed ({type(error).__name__}: {error})")
            return monotonic() + self._settings.flush_interval

    def _hand_over(self) -> None:
        items = self.buffer.take()
        if items:
            self._deliver(Batch(self._lines(items)))
        for source in self._sources:
            try:
                while produced := source():
                    self._deliver(Batch(produced))
            except Exception as error:  # a fault of ours: what it had at hand is lost, the program goes on
                self._warn(f"events: {type(source).__name__} failed ({type(error).__name__}: {error})")

    def _deliver(self, batch: Batch) -> None:
        for sink in self._sinks if batch.lines else ():
            try:
                sink.take(batch)
            except Exception as error:
                self._warn(f"events: {type(sink).__name__} lost a batch ({type(error).__name__}: {error})")

    def _lines(self, items: Sequence[Any]) -> list[bytes]:
        """What is sent of what was put."""
        nobody_looks, line_of, lines = not any(self._hooks), self._maker.line, []
        for item in items:
            try:
                line = line_of(item) if nobody_looks else None
                if line is None:
                    line = self._checked(item)
            except Exception as error:  # UnfitError, or whatever there was in it
                self.unfit.add()
                self._warn(f"events: one could not be encoded: {error}")
            else:
                if line is not None:
                    lines.append(line)
        return lines

    def _checked(self, item: Any) -> bytes | None:
        """The line of an event that hooks have seen, mended if need be; None when one held it back. Raises
        UnfitError."""
        made = self._maker.event(item)
        lossy, event = self._maker.lossy, self._hooked(made)
        if event is None:
            self.filtered.add()
            return None
        _, line, mended = fitting(event)
        if mended or lossy:
            self.degraded.add()
        return line

    def _hooked(self, event: Event) -> Event | None:
        for hook in list(self._hooks):
            try:
                found = hook(event)
            except Exception as error:
                self._hooks.remove(hook)
                name = getattr(hook, "__qualname__", type(hook).__name__)
                self._warn(f"events: {name} raised {type(error).__name__}: {error}; it is not called again")
                continue
            if found is None:
                return None
            event = found
        return event

    def flush(self, until: float) -> bool:
        """Deliver what waits, as far as that is possible in time; whether all was.

        The thread does it while the caller waits; without one the caller does it.
        """
        wish = _Wish(until)
        if self.alive:
            self._wishes.append(wish)
            self.buffer.ring()
            wish.wait()
            return wish.granted
        self._grant(wish)
        return wish.granted

    def hand_over(self, until: float) -> None:
        """Have what waits written down by then, in the calling thread; sinks that only send have it still."""
        if self._turn.acquire(True, max(until - monotonic(), 0)):
            try:
                self._hand_over()
            finally:
                self._turn.release()

    def _grant(self, wish: _Wish) -> None:
        if not self._turn.acquire(True, max(wish.until - monotonic(), 0)):
            return
        try:
            self._hand_over()
            wish.granted = min([self._flushed(sink, wish.until) for sink in self._sinks], default=True)
        finally:
            self._turn.release()
            wish.done()

    def _flushed(self, sink: Sink, until: float) -> bool:
        try:
            return sink.flush(until)
        except Exception as error:
            self._warn(f"events: {type(sink).__name__} failed ({type(error).__name__}: {error})")
            return False

    def close(self, until: float) -> bool:
        """Deliver what is possible by then and close the sinks; nothing comes after it. Whether all was delivered.

        The calling thread does it, when the worker has finished what it is at, or was interrupted.
        """
        self._closing = True
        self.buffer.ring()
        if not self._turn.acquire(True, max(until - monotonic() - _TO_SPARE, 0.1)):
            for sink in self._sinks:
                sink.interrupt()
            if not self._turn.acquire(True, _TO_SPARE):
                return False
        try:
            self._hand_over()
            return min([self._close_sink(sink, until) for sink in self._sinks], default=True)
        finally:
            self._turn.release()

    def _close_sink(self, sink: Sink, until: float) -> bool:
        try:
            return sink.close(until)
        except Exception as error:
            self._warn(f"events: {type(sink).__name__} failed ({type(error).__name__}: {error})")
            return False

    def after_fork(self) -> None:
        """In a forked child: the thread does not exist here, nor does who held the lock."""
        self._turn = allocate_lock()
        self._wishes.clear()
        self.buffer.intake.served = False
        for count in (self.filtered, self.unfit, self.degraded):
            count.__init__()  # type: ignore[misc]
        for sink in self._sinks:
            sink.after_fork()
