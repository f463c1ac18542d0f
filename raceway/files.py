"""The file system as it is: what Raceway reads and writes while a program runs.

A program may replace the functions of `os` and the methods of file objects, to learn who waits for a disk, or to be
given a file system of its own. So these are the functions that were there before, and no file object is made.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable


class _Real:
    """Not names of the module: tools that fake a file system exchange those in every module."""

    def __init__(self) -> None:
        self.open = os.open
        self.close = os.close
        self.fstat = os.fstat
        self.listdir = os.listdir
        self.lstat = os.lstat
        self.mkdir = os.mkdir
        self.read = os.read
        self.replace = os.replace
        self.rmdir = os.rmdir
        self.stat = os.stat
        self.unlink = os.unlink
        self.write = os.write
        self.abspath: Callable[[str], str] = os.path.abspath
        self.realpath: Callable[[str], str] = os.path.realpath


_real = _Real()


def read(path: str) -> bytes:
    """All that a file holds. Raises OSError and ValueError."""
    file = _real.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    try:
        size = _real.fstat(file).st_size + 1  # one more: the end shows at once
        content = _real.read(file, size)
        while more := _real.read(file, size):
            content += more
        return content
    finally:
        _real.close(file)


def head(path: str, size: int) -> bytes:
    """The first bytes of a file. Raises OSError and ValueError."""
    file = _real.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    try:
        return _real.read(file, size)
    finally:
        _real.close(file)


def put(path: str, content: bytes) -> None:
    """Write a file for this user only, so that every reader sees what was there before or all of it. Raises OSError."""
    beside = f"{path}.{os.getpid()}-{os.urandom(6).hex()}"
    file = _real.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            left = memoryview(content)
            while left:
                left = left[_real.write(file, left) :]
        finally:
            _real.close(file)
        _real.replace(beside, path)
    except BaseException:
        _real.unlink(beside)
        raise


def make_directory(path: str) -> None:
    """Make a directory for this user only. Raises OSError, also where it is there."""
    _real.mkdir(path, 0o700)


def make_directories(path: str) -> None:
    """Make a directory and those above it, for this user only; they may be there. Raises OSError."""
    try:
        _real.mkdir(path, 0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        above = os.path.dirname(path)
        if above == path:
            raise
        make_directories(above)
        try:
            _real.mkdir(path, 0o700)  # once: above may be a dangling link, or a file system that makes no directories
        except FileExistsError:
            return


def remove_directory(path: str) -> None:
    """Remove a directory and the files in it. Raises OSError."""
    for name in names(path):
        _real.unlink(os.path.join(path, name))
    _real.rmdir(path)


def names(directory: str) -> list[str]:
    """The names in a directory, sorted. Raises OSError."""
    return sorted(_real.listdir(directory))


def exists(path: str | bytes) -> bool:
    """Whether there is anything at the path."""
    try:
        _real.stat(path)
    except (OSError, ValueError):
        return False
    return True


def status(path: str) -> os.stat_result:
    """Size and times of what the path leads to. Raises OSError and ValueError."""
    return _real.stat(path)


def is_link(path: str) -> bool:
    """Whether the path is that of a symbolic link."""
    try:
        return modes.S_ISLNK(_real.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def stamp(path: str) -> tuple[int, int, int] | None:
    """What tells whether a file has changed: its size, times of change of content and of status; None when that cannot
    be told. Not the device and inode: they differ from one mount of the same files to the next."""
    try:
        status = _real.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def absolute_path(path: str) -> str:
    """`os.path.abspath`; a relative path stays as it is where the current directory cannot be asked for."""
    try:
        return _real.abspath(path)
    except Exception:  # its own parts may be replaced
        return path


def real_path(path: str) -> str:
    """Where links lead; the path itself where that cannot be asked."""
    try:
        return _real.realpath(path)
    except Exception:  # as above
        return path
