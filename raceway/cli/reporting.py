"""Makes the report of a run when its process ends, once, or hands in the part of a process that belongs to one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import CodeType

from raceway.cli import stderr
from raceway.cli.imports import Remembered
from raceway.model.typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from raceway.cli.options import Program
    from raceway.session import Session

_FRAMES = 1000
"""How deep a report may be nested: the program may have left next to nothing, or be in the depth of a recursion."""


class Reporting:
    """The report of the session's run; without a session there is none. A forked child has its own to make."""

    def __init__(self, session: Session | None, program: Program | None = None) -> None:
        self._session = session
        self._program = program
        self._process = os.getpid()
        self._made_in = 0
        self._imports: Remembered | None = None

    @property
    def follows(self) -> bool:
        """Whether the processes that the program starts hand in parts."""
        return self._session is not None and self._session.children is not None

    def compile(self, source: bytes, filename: str, module: str) -> tuple[CodeType, bool]:
        """The code of the program's script, instrumented unless it is left out; and whether the compiler may warn."""
        if self._session is None or not self._session.scope.decide(module, filename).instrument:
            return compile(source, filename, "exec", dont_inherit=True), True
        return self._session.compile_script(source, filename)

    def outermost(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of the program as if nothing of Raceway had called it, as far as that can be done."""
        if self._session is None:
            return function(*arguments)
        return self._session.outermost(function, *arguments)

    def cancel(self) -> None:
        """There will be none: there was no program."""
        self.withdraw()
        self._made_in = os.getpid()

    def begin(self) -> None:
        """The program is about to begin: what it does to imports from here on is no concern of the report."""
        self._imports = Remembered()

    def withdraw(self) -> None:
        """The program cannot be run here: a process that belongs to a run hands in what it has, and follows no more."""
        if self._session is not None and self._session.children is not None and self._session.children.is_child:
            self._session.hand_in()

    def __call__(self, status: int) -> int:
        """Make it; takes the program's status and gives that of the whole run."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _FRAMES)
        imports, self._imports = self._imports, None  # what is kept would not die with the interpreter as it should
        try:
            with nullcontext() if imports is None else imports.put_back():
                return self._report(status)
        finally:
            with suppress(RecursionError):  # in the depth of a recursion it stays
                sys.setrecursionlimit(limit)

    def _report(self, status: int) -> int:
        process = os.getpid()
        if self._session is None or self._made_in == process:
            return status
        if self._session.children is not None and self._session.children.is_child:
            self._session.hand_in()
            return status
        if process != self._process:
            return status
        self._made_in = process
        self._session.stop()
        written = False
        with suppress(OSError, ValueError):  # standard error may be gone; that is no fault of the run
            stream = stderr.standard_error()
            written = self._session.write(stream)
            self._tell_of_options(status, stream)
        if self._session.children is not None:
            self._session.children.close()
        return self._session.exit_status(status, written)

    def _tell_of_options(self, status: int, stream: TextIO) -> None:
        """Say when options of ours went to the program, which is what happens to all that stands after it."""
        program, session = self._program, self._session
        if program is None or session is None or session.config.quiet:
            return
        if any(argument.startswith("--") for argument in program.arguments):
            from raceway.cli.misplaced import hint

            line = hint(program, status)
            if line:
                stream.write(f"{line}\n")
