"""What a group of benchmarks found: tables of text for people, and the values that are held against their bars.

The values of complete groups are kept in `results.json`, from which the page is made, so that a group can be
measured again by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("results.json")


class Table(msgspec.Struct, frozen=True):
    """A table as it is shown. The first column is text, the others are figures."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Bar(msgspec.Struct, frozen=True):
    """A value and the bar it is held against; without a limit it stands there to be known."""

    what: str
    value: str
    limit: str
    met: bool | None = None


class Result(msgspec.Struct, frozen=True):
    """What one group found."""

    group: str
    bars: tuple[Bar, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class Circumstances(msgspec.Struct, frozen=True):
    """Where and when a group was measured."""

    date: str
    commit: str
    machine: str
    python: str
    versions: str
    core: str
    size: str
    rounds: int


class Measurement(msgspec.Struct, frozen=True):
    """A result with its circumstances."""

    result: Result
    circumstances: Circumstances


def at_most(what: str, value: float, limit: float, unit: str = "") -> Bar:
    """A bar that is met from below. A value that is not a number does not meet it."""
    return Bar(what, figure(value, unit), f"at most {limit:g}{unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str = "") -> Bar:
    """A bar that is met from above."""
    return Bar(what, figure(value, unit), f"at least {limit:g}{unit}", value >= limit)


def figure(value: float, unit: str = "") -> str:
    """A number with as many digits as mean something."""
    if math.isnan(value):
        return "-"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f}{unit}"


def load(file: Path = FILE) -> list[Measurement]:
    """The measurements that are kept."""
    return msgspec.json.decode(file.read_bytes(), type=list[Measurement]) if file.exists() else []


def keep(new: Sequence[Measurement], file: Path = FILE) -> list[Measurement]:
    """Put measurements in place of those of the same groups; gives all that are kept now."""
    replaced = {measurement.result.group for measurement in new}
    kept = [measurement for measurement in load(file) if measurement.result.group not in replaced]
    everything = [*kept, *new]
    file.write_bytes(msgspec.json.format(msgspec.json.encode(everything), indent=1) + b"\n")
    return everything
