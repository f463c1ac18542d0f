"""The page docs/performance.md: its generated section is replaced, the prose around it is written by hand."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN = "<!-- figures: written by make bench -->"
END = "<!-- end of figures -->"


class PageError(Exception):
    """The page has no section to write to."""


def with_section(page: str, section: str) -> str:
    """The page with its generated section replaced. Raises PageError."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise PageError(f"the page must have the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def write(section: str, page: Path = PAGE) -> None:
    """Replace the section."""
    page.write_text(with_section(page.read_text(encoding="utf-8"), section), encoding="utf-8")
