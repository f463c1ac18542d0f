"""The entry point of processes that a watched program has started: they hand in what they find, and print nothing.

Called by `raceway/children/boot`, which comes first in such a process.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

from raceway.children import interrupts
from raceway.children.commandline import Sort, is_bookkeeper, started_on
from raceway.cli import imports, program
from raceway.cli.options import Program
from raceway.cli.reporting import Reporting
from raceway.cli.run import run_to_end
from raceway.model.typing import NoReturn
from raceway.session import Session, open_child


def start_script_anew(name: str) -> None:
    """When the interpreter was started on a script: start it anew on our module `name`, which runs the script."""
    started = started_on(sys.orig_argv)
    if started.sort is Sort.SCRIPT and not started.left_alone:
        before = [word for word in sys.orig_argv[: started.index] if word != "--"]
        os.execv(sys.executable, [*before, "-m", name, *sys.orig_argv[started.index :]])


def start(directory: str, plain: frozenset[str]) -> None:
    """Watch from here on what the interpreter was started on: a module, or what its command or input imports.

    `plain` has the modules it begins with.
    """
    started = started_on(sys.orig_argv)
    if is_bookkeeper(started):
        return
    session = open_child(directory, tuple(sys.orig_argv[1:]))
    session.scope.add_program(main=started.text if started.sort is Sort.MODULE else "__main__")
    session.start()
    with suppress(OSError):  # the working directory may be gone
        imports.give_way(plain, os.path.dirname(started.text) if started.sort is Sort.SCRIPT else os.getcwd())
    reporting = Reporting(session)
    interrupts.report_before_dying(reporting, in_children=True)
    atexit.register(reporting, 0)  # the first one to be registered is the last to be called


def run_script(name: str, directory: str, plain: frozenset[str]) -> NoReturn:
    """Run the script that the arguments name, as the interpreter would have. `plain` is as above."""
    place = sys.orig_argv.index(name)
    del sys.orig_argv[place - 1 : place + 1]
    wanted = Program(sys.argv[1], tuple(sys.argv[2:]))
    launch = program.prepare(wanted)
    run_to_end(launch, Reporting(_session(directory, wanted, launch)), plain)


def run_program(directory: str, plain: frozenset[str]) -> NoReturn:
    """Run what the interpreter was to be started on, which ignores its environment. `plain` is as above."""
    started = started_on(sys.orig_argv)
    arguments = tuple(sys.orig_argv[started.index + 1 :])
    wanted = Program(started.text, arguments, started.sort is Sort.MODULE, started.sort is Sort.COMMAND)
    launch = program.prepare(wanted)
    session = None if is_bookkeeper(started) else _session(directory, wanted, launch)
    run_to_end(launch, Reporting(session), plain)


def _session(directory: str, wanted: Program, launch: program.Launch) -> Session | None:
    with imports.aside():
        try:
            session = open_child(directory, wanted.command)
        except (OSError, ValueError):  # the run is over: there is nobody to hand in to
            return None
        session.scope.add_program(main=launch.main, root=launch.root)
        session.start()
        return session
