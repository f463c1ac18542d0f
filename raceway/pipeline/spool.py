"""The spool: events on disk while their collector is away, for this run or the next.

    root/<collector>/<process>/NNNNNNNN.jsonl    segments, oldest first; one event's JSON per line
    root/<collector>/<process>/lock              locked as long as the process lives

A segment is written to its end and then only read. It is deleted when its events are delivered, so a crash may send
some twice, with the same ids, and loses none. What a dead process left is taken over by the next that has the lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence

from raceway.model.typing import Any

SPOOL_LIMIT = 256 * 1024 * 1024

_MIDDLE = 10_000_000
"""Number of the first segment: there are numbers before it, too."""


class Spool:
    """Segments for one collector, as one process writes and reads them. `limit` counts what others left, too.

    Methods raise OSError when the disk does not play along.
    """

    def __init__(self, root: str, endpoint: str, segment_size: int, limit: int = SPOOL_LIMIT) -> None:
        name = hashlib.sha256(endpoint.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        self._home = os.path.join(root, name)
        self._segment_size = segment_size
        self._limit = limit
        self._lock: int | None = None
        self._own = ""
        self._first = self._number = _MIDDLE
        self._open: int | None = None
        self._open_size = 0
        self._open_path = ""
        self._segments: list[str] = []
        self._size = 0
        self.events = 0

    def __bool__(self) -> bool:
        """Whether this process has something here."""
        return bool(self._segments)

    def append(self, lines: Sequence[bytes], *, front: bool = False) -> int:
        """Write events behind all others, or before them all; how many found room. Raises OSError when none did for a
        fault of the disk."""
        if not self._own:
            self._begin()
        if front and self._segments:
            return self._put_before(lines)
        kept = 0
        for start in range(0, len(lines), 256):
            block = lines[start : start + 256]
            data = b"\n".join(block) + b"\n"
            if self._size + len(data) > self._limit:
                break
            try:
                self._write(data)
            except OSError:
                if not kept:
                    raise
                break
            kept += len(block)
        self.events += kept
        return kept

    def _put_before(self, lines: Sequence[bytes]) -> int:
        data = b"\n".join(lines) + b"\n"
        if self._size + len(data) > self._limit:
            return 0
        self._first -= 1
        path = os.path.join(self._own, f"{self._first:08d}.jsonl")
        try:
            with open(path, "xb") as file:
                file.write(data)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)  # the next process would send what is lost here
            raise
        self._segments.insert(0, path)
        self._size += len(data)
        self.events += len(lines)
        return len(lines)

    def oldest(self) -> tuple[str, list[bytes]] | None:
        """The oldest segment of this process: its name and events. Stays until it is removed."""
        while self._segments:
            path = self._segments[0]
            if path == self._open_path:
                self._roll()
            lines = _read(path)
            if lines:
                return path, lines
            self.remove(path, 0)
        return None

    def remove(self, path: str, events: int) -> None:
        """The segment's events, so many, are delivered."""
        self._segments.remove(path)
        self._size -= os.path.getsize(path)
        self.events -= events
        os.unlink(path)

    def shorten(self, path: str, lines: Sequence[bytes], events: int) -> None:
        """Of the segment's events so many are delivered; these remain."""
        with open(path + ".new", "wb") as file:
            file.write(b"\n".join(lines) + b"\n")
        self._size += os.path.getsize(path + ".new") - os.path.getsize(path)
        os.replace(path + ".new", path)
        self.events -= events

    def adopt(self) -> bool:
        """Take over what dead processes left for this collector; whether there was something."""
        found = False
        for folder in _folders(self._home):
            if folder == self._own:
                continue
            lock = _locked(os.path.join(folder, "lock"))
            if lock is None:
                continue
            try:
                found |= self._take_over(folder)
            finally:
                os.close(lock)
        return found

    def _take_over(self, folder: str) -> bool:
        if not self._own:
            self._begin()
        found = False
        for path in _segments_in(folder):
            lines = _read(path)
            if lines:
                target = self._next_path()
                os.rename(path, target)
                self._segments.append(target)
                self.events += len(lines)
                found = True
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        return found

    def _begin(self) -> None:
        os.makedirs(self._home, mode=0o700, exist_ok=True)
        self._own = os.path.join(self._home, f"{os.getpid()}-{os.urandom(4).hex()}")
        os.mkdir(self._own, 0o700)
        self._lock = _locked(os.path.join(self._own, "lock"), create=True)
        self._size = sum(os.path.getsize(path) for folder in _folders(self._home) for path in _segments_in(folder))

    def _next_path(self) -> str:
        self._number += 1
        return os.path.join(self._own, f"{self._number:08d}.jsonl")

    def _write(self, data: bytes) -> None:
        if self._open is not None and self._open_size + len(data) > self._segment_size:
            self._roll()
        if self._open is None:
            self._open_path = self._next_path()
            self._open = os.open(self._open_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._open_size = 0
            self._segments.append(self._open_path)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._open, view) :]
        except OSError:
            os.ftruncate(self._open, self._open_size)  # a torn line would be joined to the next
            raise
        self._open_size += len(data)
        self._size += len(data)

    def _roll(self) -> None:
        if self._open is not None:
            os.close(self._open)
        self._open, self._open_path = None, ""

    def close(self) -> None:
        """Let go; segments stay for the next process, an empty folder does not."""
        self._roll()
        if self._own and not self._segments:
            with contextlib.suppress(OSError):
                shutil.rmtree(self._own)
        if self._lock is not None:
            os.close(self._lock)
        self._lock, self._own = None, ""

    def after_fork(self) -> None:
        """In a forked child: all of this is the parent's, and its lock must end with it."""
        for file in (self._open, self._lock):
            if file is not None:
                os.close(file)
        self._lock, self._open, self._own, self._open_path = None, None, "", ""
        self._segments = []
        self._size = self.events = 0


def _folders(home: str) -> list[str]:
    try:
        return sorted(entry.path for entry in os.scandir(home) if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _segments_in(folder: str) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError):
        for name in sorted(os.listdir(folder)):
            if name.endswith(".jsonl"):
                yield os.path.join(folder, name)


def _read(path: str) -> list[bytes]:
    """The events of a segment; what was torn when its process was killed is left out."""
    with open(path, "rb") as file:
        content = file.read()
    return content[: content.rfind(b"\n") + 1].splitlines()


def _locked(path: str, *, create: bool = False) -> int | None:
    """The lock's file, locked; None when another process holds it or nobody can lock here."""
    try:
        import fcntl
    except ImportError:  # not on this system: nobody takes over anything
        return None
    locking: Any = fcntl
    try:
        file = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        return None
    try:
        locking.flock(file, locking.LOCK_EX | locking.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
