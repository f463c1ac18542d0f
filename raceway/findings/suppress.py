"""Suppressions: what keeps a known finding out of the report, and what says so when one does nothing.

    # raceway: ignore[lost-update] until=2030-01-31 why      with the statement of either side, or alone above it
    lost-update variable=Stats.* file=shop/*.py # why        a rule of --suppress, [tool.raceway] suppress or a file

Serves the session. A rule names a kind (`*` for any) and may narrow it by variable, file, function (globs) or
fingerprint; it ends after the day of `until`. Reading a rule that makes no sense is an error that names its place.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from raceway.errors import SuppressionError
from raceway.findings.filenames import identity
from raceway.model.findings import Finding, Frame, Note
from raceway.model.kinds import FindingKind
from raceway.model.struct import Struct, replace

UNREADABLE = SuppressionError.slug
FORM = "KIND [variable=GLOB] [file=GLOB] [function=GLOB] [fingerprint=HEX] [until=YYYY-MM-DD] [# reason]"
_KINDS = frozenset(kind.value for kind in FindingKind)
_NARROW = ("variable", "file", "function", "fingerprint", "until")
_COMMENT = re.compile(r"#\s*raceway:\s*(?P<rest>(?:ignore\b|[\w-]+\s*\[).*)", re.DOTALL)
"""With brackets it can be meant for nothing else, however it is spelled."""
_IGNORE = re.compile(r"ignore\[(?P<kinds>[^\]]*)\](?:\s+until=(?P<until>\S+))?\s*(?P<reason>.*)", re.DOTALL)


class Rule(Struct):
    """One suppression. Empty fields match anything; `lines` is for comments, which hold for lines of their `file`."""

    where: str
    text: str
    kinds: frozenset[str]
    variable: str = ""
    file: str = ""
    function: str = ""
    fingerprint: str = ""
    until: str = ""
    reason: str = ""
    lines: frozenset[int] = frozenset()

    def matches(self, finding: Finding, directory: str = "") -> bool:
        """Whether the rule speaks of this finding, expired or not. A file fits as it is shown, relative to `directory`,
        and as what it is known by wherever the program was started."""
        if self.kinds and finding.kind.value not in self.kinds:
            return False
        sides = finding.accesses
        if self.lines:
            return any(map(self.covers, (finding.places, *finding.also)))
        return (
            any(_fits(self.variable, name) for name in (finding.variable, finding.any_key))
            and (not self.file or any(self._fits_file(side.file, directory) for side in sides))
            and (not self.function or any(_fits(self.function, side.function) for side in sides))
            and self.fingerprint in ("", finding.fingerprint)
        )

    def covers(self, places: Iterable[Frame]) -> bool:
        """Whether a comment stands at one of the places."""
        return any(place.file == self.file and place.line in self.lines for place in places)

    def _fits_file(self, file: str, directory: str) -> bool:
        return _fits(self.file, file) or _fits(self.file, identity(file, directory))

    def expired(self, today: str) -> bool:
        """Whether its last day is over; both are ISO dates."""
        return bool(self.until) and self.until < today

    @property
    def because(self) -> str:
        """What is said of a finding that it suppresses."""
        return f"{self.where}: {self.reason}" if self.reason else self.where


def _fits(pattern: str, value: str) -> bool:
    return pattern in ("", value) or fnmatchcase(value, pattern)


def parse(text: str, where: str) -> Rule:
    """The rule that a line spells. `where` names its place in errors and notes."""
    rule, _, reason = text.partition(" #")
    kind, *narrowing = rule.split() or [""]
    named = dict.fromkeys(_NARROW, "")
    for part in narrowing:
        name, _, value = part.partition("=")
        if not value or named.get(name) != "":
            raise _unreadable(where, text, f"{part!r} is not one of its parts")
        named[name] = value
    kinds = _kinds(kind, where, text)
    _check_date(named["until"], where, text)
    return Rule(
        where,
        text.strip(),
        kinds,
        variable=named["variable"],
        file=named["file"],
        function=named["function"],
        fingerprint=named["fingerprint"],
        until=named["until"],
        reason=reason.strip(),
    )


def parse_file(content: str, path: str) -> tuple[Rule, ...]:
    """The rules of a suppression file: one a line; empty lines and lines that begin with # are skipped."""
    lines = enumerate(content.splitlines(), 1)
    return tuple(
        parse(line, f"{path}:{number}") for number, line in lines if line.strip() and not line.lstrip().startswith("#")
    )


def comments(lines: Iterable[str], file: str) -> Iterator[Rule | Note]:
    """The suppressions in the comments of a source file, and a note of each that does not parse.

    A comment holds for the statement that it stands in, behind or above, all lines of it: a formatter that breaks the
    statement does not part the two.
    """
    import tokenize

    rest, found, first = iter(lines), list[tuple[int, str]](), 0
    try:
        for token in tokenize.generate_tokens(lambda: next(rest, "")):
            if token.type == tokenize.COMMENT:
                match = _COMMENT.search(token.string)
                found += [(token.start[0], match["rest"])] if match is not None else []
            elif token.type == tokenize.NEWLINE:
                for line, text in found:
                    yield _comment(text, file, line, frozenset(range(first or line, token.start[0] + 1)))
                found, first = [], 0
            elif token.string.strip() and not first:
                first = token.start[0]
    except (tokenize.TokenError, SyntaxError):  # no valid Python to its end: the interpreter has told of it
        return
    yield from (_comment(text, file, line, frozenset({line})) for line, text in found)


def _comment(text: str, file: str, line: int, lines: frozenset[int]) -> Rule | Note:
    where = f"{file}:{line}"
    found = _IGNORE.fullmatch(text)
    if found is None:
        return Note(UNREADABLE, where, f"{text.strip()!r}: write # raceway: ignore[KIND] reason")
    try:
        kinds = [_kinds(kind.strip(), where, text) for kind in found["kinds"].split(",")]
        _check_date(found["until"] or "", where, text)
    except SuppressionError as error:
        return Note(UNREADABLE, where, str(error).removeprefix(f"{where}: cannot read the suppression "))
    either = frozenset() if frozenset() in kinds else frozenset().union(*kinds)
    return Rule(where, text, either, file=file, until=found["until"] or "", reason=found["reason"].strip(), lines=lines)


def _kinds(kind: str, where: str, text: str) -> frozenset[str]:
    if kind == "*":
        return frozenset()
    if kind not in _KINDS:
        from difflib import get_close_matches

        close = get_close_matches(kind, sorted(_KINDS), n=1)
        hint = f"did you mean {close[0]}?" if close else "`raceway explain` lists them"
        raise _unreadable(where, text, f"{kind!r} is no kind of finding ({hint})")
    return frozenset({kind})


def _check_date(until: str, where: str, text: str) -> None:
    try:
        if until and datetime.date.fromisoformat(until).isoformat() != until:
            raise ValueError(until)
    except ValueError:
        raise _unreadable(where, text, f"until={until} is no date") from None


def _unreadable(where: str, text: str, why: str) -> SuppressionError:
    return SuppressionError(f"{where}: cannot read the suppression {text.strip()!r}: {why}; write {FORM}")


def split(
    findings: Iterable[Finding], rules: Iterable[Rule], today: str, directory: str = ""
) -> tuple[list[Finding], list[Finding], list[Rule]]:
    """The findings that stay, those that rules suppress (with what did it), and the rules that did so."""
    kept, suppressed, used = [], [], []
    living = [rule for rule in rules if not rule.expired(today)]
    for finding in findings:
        matching = [rule for rule in living if rule.matches(finding, directory)]
        used += matching
        if _suppress(matching, finding):
            suppressed.append(replace(finding, suppressed=matching[0].because))
        else:
            kept.append(finding)
    return kept, suppressed, used


def _suppress(matching: Sequence[Rule], finding: Finding) -> bool:
    """Whether these rules keep the finding out. Comments do when there is one for each pair of places."""
    if any(not rule.lines for rule in matching):
        return True
    return all(any(rule.covers(pair) for rule in matching) for pair in (finding.places, *finding.also))
