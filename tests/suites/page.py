"""The table of suites in `docs/transparency.md`, made from the figures that are kept beside this file."""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.suites.environment import ROOT

RESULTS = Path(__file__).with_name("results.json")
CPYTHON = Path(__file__).with_name("cpython.json")
PAGE = ROOT / "docs" / "transparency.md"
_SUMMED = ("tests", "different", "explained", "flaky", "modules")


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
    sites: int = 0
    accesses: int = 0

    @property
    def line(self) -> str:
        """The figures in one line of text."""
        return (
            f"{self.version} on {self.python}: {self.tests} tests, {self.different} different "
            f"({self.explained} explained), {self.flaky} flaky, {self.modules} modules, "
            f"{self.sites} sites, {self.accesses} accesses, {self.ratio} times plain"
        )


def results(path: Path = RESULTS) -> dict[str, Row]:
    """The rows that are kept, by suite, or by test module and version of Python."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Row]) if path.exists() else {}


def keep(name: str, row: Row) -> None:
    """Note the figures of a suite, and bring the page up to date."""
    _note(RESULTS, name, row)
    _write("suites", table(results(RESULTS)))


def keep_cpython(name: str, row: Row) -> None:
    """The same for one of CPython's test modules."""
    _note(CPYTHON, f"{name} {row.python}", row)
    _write("cpython", cpython_table(results(CPYTHON)))


def _note(path: Path, key: str, row: Row) -> None:
    rows = {**results(path), key: row}
    ordered = {name: rows[name] for name in sorted(rows)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")


def _write(section: str, text: str, page: Path = PAGE) -> None:
    page.write_text(with_section(page.read_text(encoding="utf-8"), section, text), encoding="utf-8")


def with_section(page: str, section: str, text: str) -> str:
    """The page with a generated section replaced."""
    begin, end = f"<!-- {section}: written by make -->\n", f"<!-- end of {section} -->\n"
    before, has_begin, rest = page.partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"the page has no place for {section}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def table(rows: dict[str, Row]) -> str:
    """One line per suite, and the sums."""
    lines = [
        "| suite | version | tests | different | explained | flaky | modules | times plain |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {name} | {row.version} | {row.tests} | {row.different} | {row.explained} | {row.flaky} | {row.modules} | "
        f"{row.ratio:.2f} |"
        for name, row in rows.items()
    ]
    sums = " | ".join(str(sum(getattr(row, name) for row in rows.values())) for name in _SUMMED)
    median = statistics.median(row.ratio for row in rows.values()) if rows else 0.0
    lines.append(f"| **{len(rows)} suites** | | {sums} | median {median:.2f} |")
    return "\n".join(lines) + "\n"


def cpython_table(rows: dict[str, Row]) -> str:
    """One line per test module, with tests and differences for each version of Python, and the sums."""
    versions = sorted({row.python for row in rows.values()}, key=lambda version: int(version.partition(".")[2]))
    modules = sorted({key.partition(" ")[0] for key in rows})
    full = {row.python: row.version for row in rows.values()}
    lines = [
        f"| module |{''.join(f' {full[version]} | different |' for version in versions)}",
        f"|---|{'--:|--:|' * len(versions)}",
    ]
    for module in modules:
        found = [rows.get(f"{module} {version}") for version in versions]
        cells = ("| |" if row is None else f" {row.tests} | {_differing(row)} |" for row in found)
        lines.append(f"| `{module}` |{''.join(cells)}")
    sums = [[row for row in rows.values() if row.python == version] for version in versions]
    totals = (f" {sum(row.tests for row in all_)} | {sum(row.different for row in all_)} |" for all_ in sums)
    lines.append(f"| **all** |{''.join(totals)}")
    watched = (f" {sum(row.accesses for row in all_)} | |" for all_ in sums)
    lines.append(f"| accesses watched |{''.join(watched)}")
    return "\n".join(lines) + "\n"


def _differing(row: Row) -> str:
    return f"{row.different} ({row.explained} explained)" if row.different else "0"
