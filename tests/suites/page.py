"""The table of suites in `docs/transparency.md`, made from the figures that are kept beside this file."""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.suites.environment import ROOT

RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "transparency.md"
BEGIN, END = "<!-- suites: begin -->\n", "<!-- suites: end -->\n"


class Row(Struct, frozen=True):
    """The figures of one suite; `different` counts those in `explained`, `ratio` is CPU time watched to plain."""

    version: str
    python: str
    tests: int
    different: int
    explained: int
    flaky: int
    modules: int
    ratio: float

    @property
    def line(self) -> str:
        """The figures in one line of text."""
        return (
            f"{self.version} on {self.python}: {self.tests} tests, {self.different} different "
            f"({self.explained} explained), {self.flaky} flaky, {self.modules} modules, {self.ratio} times plain"
        )


def results(path: Path = RESULTS) -> dict[str, Row]:
    """The rows that are kept, by suite."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Row]) if path.exists() else {}


def keep(name: str, row: Row, path: Path = RESULTS, page: Path = PAGE) -> None:
    """Note the figures of a suite, and bring the page up to date."""
    rows = {**results(path), name: row}
    ordered = {suite: rows[suite] for suite in sorted(rows)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")
    page.write_text(with_table(page.read_text(encoding="utf-8"), ordered), encoding="utf-8")


def with_table(page: str, rows: dict[str, Row]) -> str:
    """The page with its table replaced."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no place for the table")
    return before + BEGIN + table(rows) + END + after


def table(rows: dict[str, Row]) -> str:
    """One line per suite, and the sums."""
    lines = [
        "| suite | version | tests | different | explained | flaky | modules | times plain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row.version} | {row.tests} | {row.different} | {row.explained} | {row.flaky} | {row.modules} | "
        f"{row.ratio:.2f} |"
        for name, row in rows.items()
    ]
    if rows:
        sums = [sum(getattr(row, name) for row in rows.values()) for name in ("tests", "different", "explained")]
        flaky, modules = (sum(getattr(row, name) for row in rows.values()) for name in ("flaky", "modules"))
        median = statistics.median(row.ratio for row in rows.values())
        total = " | ".join(map(str, (*sums, flaky, modules)))
        lines.append(f"| **{len(rows)} suites** | | {total} | median {median:.2f} |")
    return "\n".join(lines) + "\n"
