"""The command line of the benchmarks, and what every group is given to measure with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.processes import ROOT, Machinery
from benchmarks.programs.measuring import SIZES

DESCRIPTION = """Measure what watching a program costs, against the plain interpreter.

Without --only everything is measured and written to docs/performance.md; with it, only with --write."""


class Bench(msgspec.Struct, frozen=True):
    """What a group measures with. `programs` limits groups of several programs; empty is no limit."""

    machinery: Machinery
    rounds: int
    size: str
    core: str
    programs: tuple[str, ...] = ()
    accesses: int = 0

    def wants(self, program: str) -> bool:
        """Whether a program is to be measured."""
        return not self.programs or program in self.programs

    def directory(self, name: str) -> Path:
        """A directory for what a group makes."""
        made = self.machinery.work / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    def say(self, what: str) -> None:
        """Tell the progress, on one line that the next one replaces."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K  {what}", end="", file=sys.stderr, flush=True)

    def said(self, what: str) -> None:
        """Tell something that stays."""
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{start}  {what}", file=sys.stderr, flush=True)


def parse(arguments: Sequence[str] | None, groups: Sequence[str], programs: Sequence[str]) -> argparse.Namespace:
    """The options; `only` is split into `groups` and `programs`."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m benchmarks", description=DESCRIPTION, formatter_class=formatter)
    parser.add_argument("--only", default="", help=f"groups or programs, with commas; groups: {', '.join(groups)}")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds, of which medians are taken")
    parser.add_argument("--core", choices=("auto", "pure", "native"), default="auto", help="the core that is measured")
    parser.add_argument(
        "--size", choices=("auto", *SIZES), default="auto", help="auto: full on the native core, small on the pure one"
    )
    parser.add_argument("--accesses", type=int, default=0, help="of the memory group; by default the size decides")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md also with --only")
    parser.add_argument("--no-write", action="store_true", help="only print")
    parser.add_argument("--work", type=Path, default=ROOT / ".bench", help="where copies, caches and reports go")
    options = parser.parse_args(arguments)
    words = [word.strip() for word in options.only.split(",") if word.strip()]
    unknown = [word for word in words if word not in groups and word not in programs]
    if unknown:
        parser.error(f"there is no {unknown[0]}; groups: {', '.join(groups)}; programs: {', '.join(programs)}")
    if options.rounds < 1:
        parser.error("at least one round is needed")
    options.groups = [word for word in words if word in groups]
    options.programs = [word for word in words if word in programs]
    return options
