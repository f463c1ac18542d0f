"""What is known of a program's races before the run, suppressions and the baseline, and what that leaves of findings.

Serves the session, which opens it only when a setting or a comment asks for it.
"""

from __future__ import annotations

import datetime
import linecache
from collections.abc import Iterable, Iterator, Sequence

from raceway.errors import ConfigError
from raceway.findings import naming
from raceway.findings.suppress import Rule, comments, parse, parse_file, split
from raceway.model.baseline import IN_BASELINE, Baseline
from raceway.model.findings import Finding, Note, Report, Sifted
from raceway.model.kinds import Severity
from raceway.model.struct import replace

UNUSED = "suppression-unused"
EXPIRED = "suppression-expired"


class Known:
    """The rules of a run and its baseline. `directory` is the one that paths in findings are relative to."""

    def __init__(self, directory: str, rules: Sequence[Rule] = (), baseline: Baseline | None = None) -> None:
        self._directory = directory
        self._rules = tuple(rules)
        self._fingerprints = frozenset() if baseline is None else baseline.fingerprints()

    def sift(self, findings: Iterable[Finding], files: Iterable[str]) -> Sifted:
        """Tell the findings apart, by the rules and by what the comments of `files` say."""
        today = datetime.date.today().isoformat()
        rules, notes = list(self._rules), []
        for found in _comments(files, self._directory):
            if isinstance(found, Note):
                notes.append(found)
            else:
                rules.append(found)
        kept, suppressed, used = split(findings, rules, today, self._directory)
        for rule in rules:
            if rule.expired(today):
                notes.append(Note(EXPIRED, rule.where, rule.text))
            elif rule not in used:
                notes.append(Note(UNUSED, rule.where, rule.text))
        new = [finding for finding in kept if finding.fingerprint not in self._fingerprints]
        old = [replace(one, suppressed=IN_BASELINE) for one in kept if one.fingerprint in self._fingerprints]
        return Sifted(tuple(new), (*suppressed, *old), tuple(notes))

    def sift_report(self, report: Report, files: Iterable[str]) -> Report:
        """The report with its findings told apart. Other processes may have suppressed some of theirs already."""
        sifted = self.sift(report.findings, files)
        here = (note for note in sifted.notes if note.state != UNUSED or not used_by(note, report.suppressed))
        there = (note for note in report.notes if note.state != UNUSED or not used_by(note, sifted.suppressed))
        suppressed = (*report.suppressed, *sifted.suppressed)
        number = {severity: sum(one.severity is severity for one in sifted.kept) for severity in Severity}
        summary = replace(
            report.summary,
            error=number[Severity.ERROR],
            warning=number[Severity.WARNING],
            info=number[Severity.INFO],
            suppressed=len(suppressed),
        )
        notes = tuple(dict.fromkeys((*here, *there)))
        return replace(report, summary=summary, findings=sifted.kept, suppressed=suppressed, notes=notes)


def used_by(note: Note, suppressed: Iterable[Finding]) -> bool:
    """Whether the suppression that the note is about has kept one of these findings out."""
    return any(one.suppressed == note.where or one.suppressed.startswith(f"{note.where}: ") for one in suppressed)


def read_rules(texts: Iterable[str], path: str | None) -> tuple[Rule, ...]:
    """The rules of the setting `suppress` and of a suppression file. Raises ConfigError."""
    rules = [parse(text, "suppress") for text in texts]
    if path is not None:
        try:
            with open(path, encoding="utf-8") as file:
                rules += parse_file(file.read(), path)
        except OSError as error:
            raise ConfigError(f"cannot read the suppressions {path}: {error.strerror}; correct the path") from None
        except UnicodeDecodeError:
            raise ConfigError(f"the suppressions {path} are no text in UTF-8; write one rule a line") from None
    return tuple(rules)


def _comments(files: Iterable[str], directory: str) -> Iterator[Rule | Note]:
    for path in files:
        yield from comments(linecache.getlines(path), naming.relative(path, directory))
