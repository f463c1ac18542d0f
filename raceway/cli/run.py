"""`raceway run`: runs a program under a session and reports when it has ended. `python -m raceway.run` is the same.

read the options, check what they name
set the process up as plain Python would, start the session, run the program
end it as plain Python would, with the report after its last exit handler
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from types import CodeType

from raceway.cli import ending, hangs, interrupts, program, stderr
from raceway.cli.options import Program, parse_run, refuse
from raceway.config import SETTINGS, Config, is_output, resolve
from raceway.errors import ConfigError, CoreUnavailableError
from raceway.model.typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from raceway.session import Session


def main(arguments: Sequence[str], prog: str) -> NoReturn:
    """Run the program that the arguments name. Ends the process as the program ends, or with the report's status."""
    given, wanted = parse_run(prog, arguments)
    try:
        config = resolve(given)
        check_outputs(config)
    except ConfigError as wrong:
        refuse(prog, wrong)
    launch = program.prepare(wanted)
    report = _Report(_start_session(prog, config, wanted, launch))
    launch.load(report.compile)
    restore = interrupts.report_before_dying(report)
    error = _run(launch)
    if not launch.began(error):
        report.cancel()
    outcome = ending.show(error, flush=launch.is_script)
    if launch.is_script and not isinstance(error, SystemExit):
        program.forget_file()
    del error, launch
    ending.wind_up()
    stderr.flush_streams()
    try:
        status = report(outcome.status)
    except KeyboardInterrupt:  # the user does not want to wait for it
        outcome = ending.Outcome(1, interrupted=True)
    restore()
    ending.leave(outcome, status)


def check_outputs(config: Config) -> None:
    """Raise ConfigError for a report file that could not be written in the end. Leaves no trace in the file system."""
    for setting in SETTINGS:
        path = getattr(config, setting.name)
        if is_output(setting) and path is not None:
            try:
                _check_writable(path)
            except OSError as error:
                raise ConfigError(f"cannot write {path}: {error.strerror}; give a path that can be written") from None


def _check_writable(path: str) -> None:
    there = os.path.lexists(path)
    if there and not os.path.isfile(path) and not os.path.isdir(path):
        return  # a pipe or a device: opening it would be noticed
    with open(path, "ab"):
        pass
    if not there:
        os.unlink(path)


def _start_session(prog: str, config: Config, wanted: Program, launch: program.Launch) -> Session | None:
    """The session, started; None when the settings ask for a plain run."""
    if not config.enabled:
        return None
    from raceway.session import Session

    try:
        session = Session(config, wanted.command)
    except (ConfigError, CoreUnavailableError) as error:
        refuse(prog, error)
    if config.debug:
        session.scope.explain_on(stderr.standard_error())
    session.scope.add_program(main=launch.main, root=launch.root)
    session.start()
    hangs.explain_on_signal(session.locks.watch_hangs(stderr.standard_error))
    return session


def _run(launch: program.Launch) -> BaseException | None:
    """What ended the program, if anything did."""
    try:
        launch.run()
    except BaseException as error:
        return error
    return None


class _Report:
    """The report of the session's run, made once and in its own process only; without a session there is none."""

    def __init__(self, session: Session | None) -> None:
        self._session = session
        self._process = os.getpid()
        self._made = False

    def compile(self, source: bytes, filename: str, module: str) -> CodeType:
        """The code of the program's script, instrumented unless it is to be left out."""
        if self._session is None or not self._session.scope.decide(module, filename).instrument:
            return compile(source, filename, "exec", dont_inherit=True)
        return self._session.compile_script(source, filename)

    def cancel(self) -> None:
        """There will be none: there was no program."""
        self._made = True

    def __call__(self, status: int) -> int:
        """Make it; takes the program's status and gives that of the whole run."""
        if self._session is None or self._made or os.getpid() != self._process:
            return status
        self._made = True
        self._session.stop()
        written = False
        with suppress(OSError, ValueError):  # standard error may be gone; that is no fault of the run
            written = self._session.write(stderr.standard_error())
        return self._session.exit_status(status, written)
