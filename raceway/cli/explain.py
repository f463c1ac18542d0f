"""`raceway explain`: what a kind of finding means, why it is harmful, and what to do, with an example."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from difflib import get_close_matches

from raceway.cli.options import refuse
from raceway.cli.parser import Parser
from raceway.model.kinds import FindingKind
from raceway.report.explanations import EXPLANATIONS

_WIDTH = 88
_INDENT = "    "


def main(arguments: Sequence[str], prog: str) -> int:
    """Explain the kind that the arguments name, or list all; the exit status."""
    given = parser(prog).parse_args(arguments)
    kinds = {kind.value: kind for kind in FindingKind}
    if given.kind is None:
        print(_list(kinds))
        return 0
    if given.kind not in kinds:
        close = get_close_matches(given.kind, list(kinds), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(kinds)}"
        refuse(prog, f"there is no kind {given.kind!r}; {hint}")
    print(_text(kinds[given.kind]))
    return 0


def _list(kinds: dict[str, FindingKind]) -> str:
    width = max(map(len, kinds))
    return "\n".join(
        textwrap.fill(f"{name:{width}}  {EXPLANATIONS[kind].what}", _WIDTH, subsequent_indent=" " * (width + 2))
        for name, kind in kinds.items()
    )


def _text(kind: FindingKind) -> str:
    about = EXPLANATIONS[kind]
    parts = [
        kind.value,
        textwrap.fill(f"{about.what} {about.why}", _WIDTH),
        "Like this:",
        textwrap.indent(textwrap.dedent(about.example), _INDENT),
        "Better:",
        textwrap.indent(textwrap.dedent(about.fixed), _INDENT),
        textwrap.fill(f"What to do: {about.remedy}", _WIDTH),
    ]
    return "\n\n".join(parts)


def parser(prog: str) -> Parser:
    """The options of the command."""
    made = Parser(
        prog=prog, description="Say what a kind of finding means; without one, list all kinds.", allow_abbrev=False
    )
    made.add_argument("kind", metavar="KIND", nargs="?", help="such as lost-update")
    return made
