"""Findings as they occur: each is written once, when it is first told of. Serves `--live`."""

from __future__ import annotations

from collections.abc import Iterable

from raceway.model.findings import Finding
from raceway.model.kinds import Severity
from raceway.model.typing import TextIO


class Live:
    """Writes new findings to a stream, down to the severity `show`. For one thread at a time."""

    def __init__(self, stream: TextIO, show: Severity) -> None:
        self._stream = stream
        self._show = show
        self._told: set[str] = set()

    def tell(self, findings: Iterable[Finding], *, gil: bool) -> None:
        """Write those that are new. Raises OSError when the stream does not take them."""
        from raceway.report.text import render_findings

        new = [one for one in findings if one.fingerprint not in self._told and one.severity.rank <= self._show.rank]
        if new:
            self._told.update(finding.fingerprint for finding in new)
            render_findings(new, self._stream, gil=gil)
