"""What a session has of the processes that its program starts: they begin with Raceway, and hand in their parts.

    fork      the child goes on recording, in a part of its own
    exec      the new program is given an environment in which its interpreter begins with Raceway

A process is the run's *owner*, which gathers the parts and reports, or a child, which hands in and says nothing. A
child that dies without winding up has handed in what it had found until a moment before.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence

from raceway import files
from raceway.config import program_environment, put_into_environment
from raceway.model.findings import Part, Process, Report
from raceway.model.typing import TYPE_CHECKING, Any
from raceway.originals import allocate_lock, get_ident
from raceway.standins import Make, Native, called_for, stand_in

if TYPE_CHECKING:
    from raceway.children.spool import Spool

_ENVIRONMENT = 5
_PREEXEC = 21
"""Where `fork_exec` takes the environment and the function to be called in the child."""


class Following:
    """One process's share. `make_spool` makes the run's, when there is a first child. `spool` is that of the run in a
    process that another one of the run has started."""

    def __init__(self, command: tuple[str, ...], make_spool: Callable[[], Spool], spool: Spool | None = None) -> None:
        self._make_spool = make_spool
        self._command = command
        self._spool = spool
        self._owner = 0 if spool is not None else os.getpid()
        self._started = "exec" if spool is not None else ""
        self._parent = os.getppid()
        self._name = _part_name()
        self._done = False
        self._active = False
        self._forks_to_exec = 0
        self._lock = allocate_lock()
        self._undo: list[Callable[[], None]] = []

    @property
    def is_child(self) -> bool:
        """Whether this process hands in its part instead of reporting."""
        return os.getpid() != self._owner

    def start(self) -> None:
        """From now on the programs that are started are followed."""
        self._active = True
        if self._started:
            self.hand_in(None)
        import _posixsubprocess

        subprocess: Any = sys.modules.get("subprocess")
        if getattr(subprocess, "_fork_exec", None) is _posixsubprocess.fork_exec:
            self._replace(_posixsubprocess, "fork_exec", self._starting, also=(subprocess, "_fork_exec"))
        else:
            self._replace(_posixsubprocess, "fork_exec", self._starting)
        for name in ("posix_spawn", "posix_spawnp"):
            if hasattr(os, name):
                self._replace(os, name, self._spawning)
        execute = called_for(os.execve, Native.module)
        self._replace(os, "execv", functools.partial(self._executing, execute, 2))
        self._replace(os, "execve", functools.partial(self._executing, execute, 3))

    def stop(self) -> None:
        """Follow no more, and put back what was replaced, unless someone else has replaced ours since."""
        self._active = False
        while self._undo:
            self._undo.pop()()

    def before_fork(self) -> None:
        """In the parent: there must be a place where the child can hand in."""
        self._ensure_spool()

    def forked(self) -> bool:
        """In the forked child: what it hands in is its own. False when this is no child to be followed."""
        self._lock = allocate_lock()
        if self._spool is None or self._forks_to_exec == get_ident():
            return False
        self._started, self._parent = "fork", os.getppid()
        self._name, self._done = _part_name(), False
        return True

    def hand_in(self, report: Report | None, *, done: bool = False) -> None:
        """Hand in what this process has found; after `done` nothing more is taken."""
        with self._lock:
            if self._done or self._spool is None:
                return
            self._done = done
            process = Process(os.getpid(), self._parent, self._started, "handed-in", self._command)
            with contextlib.suppress(OSError, ValueError):
                self._spool.hand_in(self._name, Part(process, report, done))

    def parts(self) -> list[Part]:
        """What the children have handed in so far, and how each of them has ended."""
        return [] if self._spool is None else [_judged(part) for part in self._spool.parts()]

    def close(self) -> None:
        """Leave nothing behind. For the owner, when it has reported."""
        if self._spool is not None and not self.is_child:
            self._spool.remove()
            self._spool = None

    def _ensure_spool(self) -> Spool | None:
        if self._spool is None and not self.is_child:
            with self._lock, contextlib.suppress(OSError, ValueError):
                if self._spool is None:  # another thread may have been faster
                    self._spool = self._make_spool()
        return self._spool

    def _begins(self, path: Any, arguments: Sequence[Any], given: Any) -> tuple[list[Any], dict[bytes, bytes]] | None:
        """The arguments and environment to start a program with; None where it is none of our business."""
        if not (self._active or self.is_child):  # a child that executes another program has handed in before
            return None
        from raceway.children.environment import by_command, may_start_python, with_raceway

        try:
            program, words = os.fsdecode(path), [os.fsdecode(word) for word in arguments]
            if not may_start_python(program, words):
                return None
            spool = self._ensure_spool()
            if spool is None:
                return None
            environ = program_environment() if given is None else given
            return by_command(program, words) or list(arguments), with_raceway(environ, spool.directory)
        except (TypeError, ValueError, OSError):  # the real function has the words for what is wrong
            return None

    def _replace(self, owner: Any, name: str, make: Make, also: tuple[Any, str] | None = None) -> None:
        self._undo.append(stand_in(owner, name, make, Native.module, also))

    def _starting(self, real: Callable[..., int]) -> Callable[..., int]:
        def fork_exec(*args: Any) -> int:
            changed = self._changed(args)
            calls = len(args) > _PREEXEC and args[_PREEXEC] is not None
            if calls:
                self._forks_to_exec = get_ident()
            try:
                return real(*changed)
            except BaseException as error:
                error.__traceback__ = None  # this frame's entry: the caller adds its own
                raise
            finally:
                if calls:
                    self._forks_to_exec = 0

        return fork_exec

    def _changed(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of `fork_exec`, with those and the environment that the program is to be started with."""
        try:
            words, paths, entries = args[0], args[1], args[_ENVIRONMENT]
            given = None if entries is None else dict(entry.split(b"=", 1) for entry in entries)
            path = next((one for one in paths if files.exists(one)), paths[0])
        except (TypeError, ValueError, IndexError):  # the real function has the words for what is wrong
            return args
        begins = self._begins(path, words, given)
        if begins is None:
            return args
        words, environ = begins
        if given is None and len(args) > _PREEXEC and args[_PREEXEC] is not None and self._spool is not None:
            # What that function does to the environment is the program's: ours comes after it.
            called = _then_with_raceway(args[_PREEXEC], self._spool.directory)
            return (words, *args[1:_PREEXEC], called, *args[_PREEXEC + 1 :])
        entries = [name + b"=" + value for name, value in environ.items()]
        return (words, *args[1:_ENVIRONMENT], entries, *args[_ENVIRONMENT + 1 :])

    def _spawning(self, real: Callable[..., int]) -> Callable[..., int]:
        def posix_spawn(*args: Any, **options: Any) -> int:
            begins = self._begins(*args) if len(args) == 3 else None
            try:
                return real(*args, **options) if begins is None else real(args[0], *begins, **options)
            except BaseException as error:
                error.__traceback__ = None  # as above
                raise

        return posix_spawn

    def _executing(
        self, execute_with: Callable[..., Any], expected: int, real: Callable[..., Any]
    ) -> Callable[..., Any]:
        def execute(*args: Any, **named: Any) -> Any:
            follows = self.is_child and len(args) == expected and not named
            begins = self._begins(args[0], args[1], args[2] if expected > 2 else None) if follows else None
            try:
                return real(*args, **named) if begins is None else execute_with(args[0], *begins)
            except BaseException as error:
                error.__traceback__ = None  # as above
                raise

        return execute


def _then_with_raceway(call: Callable[[], object], directory: str) -> Callable[[], object]:
    """For a forked child: call that, then give its environment what makes interpreters begin with Raceway."""

    def preexec() -> object:
        result = call()
        from raceway.children.environment import ADDED, with_raceway

        environ = with_raceway(program_environment(), directory)
        for name in ADDED:
            value = environ.get(name)
            put_into_environment(os.fsdecode(name), None if value is None else os.fsdecode(value))
        return result

    return preexec


def judge_ended(process: int) -> bool:
    """Whether the process is over, waited for or not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        return files.read(f"/proc/{process}/stat").rpartition(b")")[2].split()[:1] in ([b"Z"], [b"X"])
    except OSError:  # no such file system
        return False


def _judged(part: Part) -> Part:
    if part.done:
        return part
    process = part.process
    ended = "lost" if judge_ended(process.pid) else "running"
    return Part(Process(process.pid, process.parent, process.started, ended, process.command), part.report, part.done)


def _part_name() -> str:
    return f"{os.getpid()}-{os.urandom(6).hex()}"
