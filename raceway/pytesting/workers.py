"""pytest-xdist: workers watch and send their reports home; the controller, which runs no test, makes one of them."""

from __future__ import annotations

from raceway.children.packing import pack, unpack
from raceway.model.findings import NotSeen, Report
from raceway.model.struct import replace
from raceway.model.typing import Any

KEY = "raceway"
"""Where a worker's output has its report."""


def is_controller(options: Any) -> bool:
    """Whether the tests run in other processes. Asked once a worker is known to be none."""
    if getattr(options, "dist", "no") == "no" and not getattr(options, "numprocesses", None):
        return False
    return bool(getattr(options, "numprocesses", None) or getattr(options, "tx", None))


def output(report: Report) -> bytes:
    """What a worker sends."""
    return pack(report)


class Gathered:
    """What the workers have sent so far."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self._lost: list[NotSeen] = []

    def add(self, name: str, content: object) -> None:
        """A worker is done; one that crashed has sent nothing."""
        try:
            self.reports.append(unpack(content))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            self._lost.append(NotSeen("process-lost", f"worker {name}", "it crashed, or could not begin to watch"))

    def merged(self, command: tuple[str, ...]) -> Report | None:
        """One report of all; None when there is none."""
        if not self.reports:
            return None
        from raceway.session import merge_reports

        whole = merge_reports(self.reports)
        run = replace(whole.run, command=command, duration_s=max(report.run.duration_s for report in self.reports))
        return replace(whole, run=run, not_seen=(*whole.not_seen, *self._lost))
