"""Results as text for a terminal and as Markdown for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.results import Bar, Circumstances, Measurement, Result, Table

BAR_COLUMNS = ("what", "value", "bar", "")


def bars_table(bars: Sequence[Bar]) -> Table:
    """Values beside their bars."""
    return Table(BAR_COLUMNS, tuple((bar.what, bar.value, bar.limit, verdict(bar)) for bar in bars))


def verdict(bar: Bar) -> str:
    """In words."""
    return "" if bar.met is None else "met" if bar.met else "not met"


def as_text(table: Table) -> Iterator[str]:
    """Lines with columns that stand under each other."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    for line in lines:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()


def as_markdown(table: Table) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield f"| {' | '.join(table.columns)} |"
    yield "|" + "---|" + "--:|" * (len(table.columns) - 1)
    for row in table.rows:
        yield f"| {' | '.join(row)} |"


def result_text(result: Result) -> str:
    """One group, for the terminal."""
    lines = [f"\n{result.group}"]
    for table in (*result.tables, bars_table(result.bars)):
        lines += ["", *(f"  {line}" for line in as_text(table))]
    for note in (*result.notes, *(f"failed: {failure}" for failure in result.failures)):
        lines += ["", f"  {note}"]
    return "\n".join(lines)


def circumstances_text(circumstances: Circumstances) -> str:
    """Where and when, in one sentence each."""
    return (
        f"Measured on {circumstances.date} at commit {circumstances.commit}: {circumstances.machine}; "
        f"{circumstances.python}; {circumstances.core} core; size {circumstances.size}, "
        f"{circumstances.rounds} rounds; {circumstances.versions}."
    )


def page_section(measurements: Sequence[Measurement], order: Sequence[str]) -> str:
    """The generated part of the page: all bars in one table, then each group."""
    ordered = sorted(measurements, key=lambda measurement: order.index(measurement.result.group))
    by_circumstances: dict[str, list[str]] = {}
    for measurement in ordered:
        by_circumstances.setdefault(circumstances_text(measurement.circumstances), []).append(measurement.result.group)
    lines: list[str] = []
    for text, groups in by_circumstances.items():
        lines += [text if len(by_circumstances) == 1 else f"{', '.join(groups)}: {text}", ""]
    lines += as_markdown(bars_table([bar for measurement in ordered for bar in measurement.result.bars]))
    for measurement in ordered:
        lines += ["", f"### {measurement.result.group}"]
        for table in measurement.result.tables:
            lines += ["", *as_markdown(table)]
        for note in measurement.result.notes:
            lines += ["", note]
    return "\n".join(lines)
