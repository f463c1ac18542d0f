"""A baseline: the findings that are known and do not fail a run, as values. `report` reads and writes the file."""

from __future__ import annotations

from raceway.model.findings import Report
from raceway.model.struct import Struct

VERSION = 2
"""Of the file and of the way fingerprints are made: a baseline of another version knows none of ours.

1: files by their paths from the working directory. 2: by what identifies them from wherever the program is started.
"""

IN_BASELINE = "in the baseline"
"""What `Finding.suppressed` says of a finding that a baseline knows."""


class Entry(Struct):
    """One known finding; only the fingerprint counts, the rest is for who reads the file."""

    fingerprint: str
    kind: str
    severity: str
    variable: str
    file: str


class Baseline(Struct):
    """The known findings, sorted by place, so that the file changes little when they do."""

    findings: tuple[Entry, ...]
    baseline: int = VERSION

    def fingerprints(self) -> frozenset[str]:
        """The fingerprints that are known."""
        return frozenset(entry.fingerprint for entry in self.findings)


def of_report(report: Report) -> Baseline:
    """The baseline that knows every finding of a report; what another baseline knew stays known."""
    known = [finding for finding in report.suppressed if finding.suppressed == IN_BASELINE]
    entries = {
        finding.fingerprint: Entry(
            finding.fingerprint,
            finding.kind.value,
            finding.severity.value,
            finding.variable,
            finding.accesses[0].file if finding.accesses else "",
        )
        for finding in (*report.findings, *known)
    }
    return Baseline(
        tuple(sorted(entries.values(), key=lambda one: (one.file, one.kind, one.variable, one.fingerprint)))
    )
