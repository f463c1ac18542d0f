"""Progress is one line on a terminal, shown when instrumenting takes long and gone when it does not."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from raceway.autoinstrument import progress
from raceway.autoinstrument.progress import Progress


class Terminal:
    """Standard error as a terminal; `seen` is what was written to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reader, writer = pty.openpty()
        os.set_blocking(self._reader, False)
        self.stream = os.fdopen(writer, "w", encoding="utf-8")
        monkeypatch.setattr(sys, "__stderr__", self.stream)

    def seen(self) -> str:
        """What was written since this was last asked for."""
        try:
            return os.read(self._reader, 10_000).decode()
        except BlockingIOError:
            return ""

    def close(self) -> None:
        """Close both ends."""
        self.stream.close()
        os.close(self._reader)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that knows escape codes, and no patience."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.0)
    return Terminal(monkeypatch)


def test_the_line_is_there_during_the_work_and_cleared_after_it(terminal: Terminal) -> None:
    shown = Progress(quiet=False)
    with shown.of("shop"):
        assert terminal.seen() == "\x1b7raceway: instrumenting module 1: shop"
    assert terminal.seen() == "\x1b8\x1b[K"
    with shown.of("shop." + "x" * 80):
        assert terminal.seen() == "\x1b7raceway: instrumenting module 2: ..." + "x" * 37
    assert terminal.seen() == "\x1b8\x1b[K"
    terminal.close()


def test_the_line_is_cleared_after_a_failure(terminal: Terminal) -> None:
    work = Progress(quiet=False).of("shop")
    work.__enter__()
    terminal.seen()
    work.__exit__(SyntaxError, SyntaxError(), None)
    assert terminal.seen() == "\x1b8\x1b[K"
    terminal.close()


def test_nothing_is_shown_before_it_has_taken_long(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE_S", 60.0)
    with Progress(quiet=False).of("shop"):
        pass
    assert terminal.seen() == ""
    terminal.close()


def test_nothing_is_shown_when_it_is_not_wanted_or_cannot_be(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Progress(quiet=True).of("shop"):
        pass
    monkeypatch.setenv("TERM", "dumb")
    with Progress(quiet=False).of("shop"):
        pass
    assert terminal.seen() == ""
    terminal.close()
    with Progress(quiet=False).of("shop"):  # the stream is closed
        pass
    monkeypatch.setattr(sys, "__stderr__", None)
    with Progress(quiet=False).of("shop"):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(progress, "_PATIENCE_S", 0.0)
    with Progress(quiet=False).of("shop"):
        pass
    assert capfd.readouterr().err == ""
