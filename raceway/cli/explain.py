"""`raceway explain`: what a kind of finding means, why it is harmful, and what to do, with an example; or a message."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from difflib import get_close_matches

from raceway.cli.messages import entries
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
    name = given.kind.strip("[]")
    if name in kinds:
        print(_text(kinds[name]))
        return 0
    messages = entries()
    if name not in messages:
        close = get_close_matches(name, [*kinds, *messages], n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(kinds)}"
        refuse(prog, f"there is no kind {given.kind!r}; {hint}")
    print(_message(name, messages[name]))
    return 0


def _message(slug: str, text: str) -> str:
    """An entry of the page of messages; what is no paragraph of prose stays as it is."""
    parts = (
        part if part.startswith((" ", "-", "|", "`")) else textwrap.fill(part, _WIDTH) for part in text.split("\n\n")
    )
    return "\n\n".join([slug, *parts])


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
        prog=prog,
        description="Say what a kind of finding, or a message, means; without one, list all kinds.",
        allow_abbrev=False,
    )
    made.add_argument(
        "kind", metavar="KIND", nargs="?", help="such as lost-update, or the word in brackets at the end of a message"
    )
    return made
