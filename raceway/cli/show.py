"""`raceway show`: prints a file as it runs when it is watched, and the table of its sites."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from raceway.cli.options import refuse
from raceway.cli.parser import Parser
from raceway.errors import TransformError
from raceway.report.json import encode_plain
from raceway.transform import instrument, show


def main(arguments: Sequence[str], prog: str) -> int:
    """Print what the arguments ask for; the exit status."""
    given = parser(prog).parse_args(arguments)
    try:
        with open(given.file, "rb") as file:
            source = file.read()
    except OSError as error:
        refuse(prog, f"cannot read {given.file}: {error.strerror}; correct the path")
    try:
        if given.json:
            sites = instrument(source, given.file, "__main__").sites
            text = encode_plain(sites).decode()
        else:
            text = show(source, given.file)
    except (SyntaxError, ValueError) as error:
        sys.stderr.writelines(traceback.format_exception_only(error))
        return 1
    except TransformError as error:
        sys.stderr.write(f"{prog}: {given.file} cannot be instrumented: {error}\n")
        return 1
    # The table stands last, and has no empty lines.
    sys.stdout.write(text.rpartition("\n\n")[2] if given.sites else text)
    return 0


def parser(prog: str) -> Parser:
    """The options of the command."""
    made = Parser(
        prog=prog,
        description="Print the instrumented source of a file, and its sites: the places that are watched.",
        epilog="A tap is spelled by its role (S base, K key, W value) and the number of its site: S3[account].balance.",
        allow_abbrev=False,
    )
    made.add_argument("file", metavar="FILE", help="a Python file")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--sites", action="store_true", help="print the table of sites only")
    form.add_argument("--json", action="store_true", help="print the sites as JSON, with all their fields")
    return made
