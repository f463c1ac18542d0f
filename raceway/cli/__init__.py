"""The command line `raceway`: picks the subcommand. Each has a file of its own, imported when it is asked for."""

from __future__ import annotations

import sys

from raceway.model.typing import NoReturn

_USAGE = """\
usage: raceway run [options] SCRIPT [arguments]
       raceway run [options] -m MODULE [arguments]
       raceway show FILE
"""

_HELP = f"""\
{_USAGE}
Find races in Python programs.

  run     run a program and report the races in it; the same as python -m raceway.run
  show    print a file as it runs when it is watched, with its table of sites

`raceway run --help` and `raceway show --help` say more. `raceway --version` prints the version.
"""


def main() -> NoReturn:
    """Run the subcommand that the command line names; ends the process."""
    command, *arguments = sys.argv[1:] or [""]
    if command == "run":
        from raceway.cli import run

        run.main(arguments, "raceway run")
    if command == "show":
        from raceway.cli import show

        sys.exit(show.main(arguments, "raceway show"))
    if command in ("-h", "--help"):
        sys.stdout.write(_HELP)
        sys.exit(0)
    if command == "--version":
        from raceway import __version__

        print(f"raceway {__version__}")
        sys.exit(0)
    sys.stderr.write(f"raceway: error: unknown command {command}; see raceway --help\n" if command else _USAGE)
    sys.exit(2)
