"""How much of the program the run saw: lines for the end of the text report."""

from __future__ import annotations

from collections.abc import Iterator

from raceway.model.findings import Coverage, Unwatched
from raceway.report.lines import Line, Span

_NAMES = 8


def coverage_lines(coverage: Coverage) -> Iterator[Line]:
    """What ran as plain Python and why, processes, unknown synchronisation, tests that had nobody to race with."""
    unwatched = [entry for entry in coverage.unwatched if entry.packages]  # the standard library goes without saying
    if unwatched:
        yield _line("not watched: " + "; ".join(map(_unwatched, unwatched)))
    if coverage.sync_unknown:
        names = ", ".join(coverage.sync_unknown)
        yield _line(f"not followed: the order that {names} makes between threads; raceway.sync tells of it by hand")
    if coverage.processes:
        number = len(coverage.processes)
        yield _line(
            f"processes: {number + 1}, of which {number} {'were' if number > 1 else 'was'} started by the program"
        )
    if coverage.alone:
        yield _line(f"never concurrent: {len(coverage.alone):,} of {coverage.tests:,} tests ran in one actor alone")


def _unwatched(entry: Unwatched) -> str:
    names = ", ".join(entry.packages[:_NAMES]) + (", ..." if len(entry.packages) > _NAMES else "")
    modules = f"{entry.modules:,} module{'' if entry.modules == 1 else 's'}"
    return f"{modules}, {entry.reason}" + (f" ({names})" if names else "")


def _line(text: str) -> Line:
    return Line((Span(text),), prose=True, hang=2)
