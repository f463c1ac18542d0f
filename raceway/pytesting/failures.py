"""How a test fails for races: in full where pytest shows failures, in one line wherever it sums them up.

pytest takes the line of a failure from its whole text, and on CI shows all of that: the finding would be there twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from _pytest.outcomes import Failed

from raceway.model.findings import Finding
from raceway.model.typing import Any


class RacesFound(Failed):
    """A test fails for these findings, of which the text tells in full."""

    def __init__(self, findings: Sequence[Finding], text: str) -> None:
        super().__init__(text, pytrace=False)
        self._findings = findings

    @property
    def line(self) -> str:
        """The first finding in one line, and how many more there are."""
        first, *more = self._findings
        places = " and ".join(dict.fromkeys(f"{side.file}:{side.line}" for side in first.accesses))
        others = f", and {len(more)} more" if more else ""
        return f"{first.kind.value} on {first.variable}: {places}{others}"

    def shorten(self, report: pytest.TestReport) -> None:
        """Put the line, and the place that it is about, where pytest and its plugins look for them."""
        crash: Any = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            side = self._findings[0].accesses[0]
            crash.path, crash.lineno, crash.message = side.file, side.line, self.line
