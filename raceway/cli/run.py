"""`raceway run`: runs a program under a session and reports when it has ended. `python -m raceway.run` is the same.

read the options, check what they name
set the process up as plain Python would, start the session, run the program
end it as plain Python would, with the report after its last exit handler
"""

from __future__ import annotations

from collections.abc import Sequence

from raceway.children import interrupts
from raceway.cli import ending, hangs, imports, program, stderr
from raceway.cli.options import Program, parse_run, refuse
from raceway.cli.reporting import Reporting
from raceway.config import Config, outputs, resolve
from raceway.errors import ConfigError, CoreUnavailableError
from raceway.model.typing import TYPE_CHECKING, NoReturn
from raceway.report.writable import check_writable

if TYPE_CHECKING:
    from raceway.session import Session


def main(arguments: Sequence[str], prog: str) -> NoReturn:
    """Run the program that the arguments name. Ends the process as the program ends, or with the report's status."""
    given, wanted = parse_run(prog, arguments)
    try:
        config = resolve(given)
        for path in outputs(config):
            check_writable(path)
    except ConfigError as wrong:
        refuse(prog, wrong)
    launch = program.prepare(wanted)
    with imports.aside():
        session = _start_session(prog, config, wanted, launch)
    run_to_end(launch, Reporting(session, wanted), imports.plain_modules())


def run_to_end(launch: program.Launch, report: Reporting, plain: frozenset[str]) -> NoReturn:
    """Run the program, report, and end the process as it ends or with the report's status.

    `plain` has the modules that the interpreter starts with.
    """
    with imports.aside():
        launch.load(report.compile, report.withdraw)
    imports.give_way(plain)
    report.begin()
    restore = interrupts.report_before_dying(report, in_children=report.follows)
    error = _run(launch, report.outermost)
    if not launch.began(error):
        report.cancel()
    outcome = ending.show(error, report.outermost, flush=launch.is_script)
    if launch.is_script and not isinstance(error, SystemExit):
        program.forget_file()
    del error, launch
    ending.wind_up(report.outermost)
    stderr.flush_streams()
    try:
        status = report(outcome.status)
    except KeyboardInterrupt:  # the user does not want to wait for it
        outcome = ending.Outcome(1, interrupted=True)
    restore()
    ending.leave(outcome, status)


def _start_session(prog: str, config: Config, wanted: Program, launch: program.Launch) -> Session | None:
    """The session, started; None when the settings ask for a plain run."""
    if not config.enabled:
        return None
    from raceway.session import Session, follow

    try:
        session = Session(config, wanted.command)
    except (ConfigError, CoreUnavailableError) as error:
        refuse(prog, error)
    if config.debug:
        session.scope.explain_on(stderr.standard_error())
    if config.live:
        from raceway.report.live import Live

        session.live = Live(stderr.standard_error(), config.show)
    follow(session, wanted.command)
    session.scope.add_program(main=launch.main, root=launch.root)
    session.start()
    explain = session.locks.watch_hangs(stderr.standard_error)
    if config.explain_on != "never":
        hangs.call_on_signal(explain, config.explain_on)
    if config.off_on != "never":
        hangs.call_on_signal(lambda: interrupts.aside(session.stop), config.off_on)
    return session


def _run(launch: program.Launch, call: program.Call) -> BaseException | None:
    """What ended the program, if anything did."""
    try:
        launch.run(call)
    except BaseException as error:
        return error
    return None
