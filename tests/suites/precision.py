"""`make precision`: runs the suites of concurrent packages watched, and compares what is found with what was judged.

Every error and warning has a verdict in `verdicts.toml`, by fingerprint, with its proof. The status is 0 when all
findings of this run have one and none is known to be false. Other threads meet in each run, so not all that was judged
comes up again. The table in `docs/precision.md` is made from the verdicts.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tests.suites import execution
from tests.suites.__main__ import CACHE
from tests.suites.catalogue import load
from tests.suites.environment import ROOT, SetUpError, prepare
from tests.suites.page import with_section

CATALOGUE = Path(__file__).with_name("concurrent.toml")
VERDICTS = Path(__file__).with_name("verdicts.toml")
PAGE = ROOT / "docs" / "precision.md"
JUDGED = ("error", "warning")
"""The severities that a user is shown."""


class Verdict(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one finding that was looked at. `mended` tells the rule by which a false one has gone away,
    `info` the one by which a harmless one is no more than `info` by now, `later` that it came up in a later run than
    the first, after rules had been changed."""

    suite: str
    fingerprint: str
    kind: str
    severity: str
    variable: str
    verdict: Literal["true", "harmless", "false"]
    proof: str
    mended: str = ""
    info: str = ""
    later: bool = False


class Verdicts(Struct, frozen=True, forbid_unknown_fields=True):
    """The findings of the first run, before any change, and those of later ones. `suites` says which tests ran, by
    suite."""

    suites: dict[str, str]
    verdict: tuple[Verdict, ...]


class Access(Struct, frozen=True):
    """The part of a reported access that is printed."""

    file: str
    line: int


class Finding(Struct, frozen=True):
    """The part of a reported finding that is judged."""

    fingerprint: str
    kind: str
    severity: str
    variable: str
    accesses: tuple[Access, ...]

    @property
    def text(self) -> str:
        """The finding in one line."""
        sides = " / ".join(f"{access.file}:{access.line}" for access in self.accesses)
        return f"{self.fingerprint} {self.severity} {self.kind} {self.variable}: {sides}"


class Report(Struct, frozen=True):
    """The part of a report that is judged."""

    findings: tuple[Finding, ...]


def verdicts(path: Path = VERDICTS) -> Verdicts:
    """What has been judged so far."""
    return msgspec.toml.decode(path.read_bytes(), type=Verdicts)


def judge(name: str, report: Report, known: Verdicts) -> tuple[list[Finding], list[Finding]]:
    """The findings of a suite that nobody has judged, and those that are known to be false."""
    by_print = {verdict.fingerprint: verdict for verdict in known.verdict if verdict.suite == name}
    shown = [finding for finding in report.findings if finding.severity in JUDGED]
    unjudged = [finding for finding in shown if finding.fingerprint not in by_print]
    false = [
        finding for finding in shown if finding not in unjudged and by_print[finding.fingerprint].verdict == "false"
    ]
    return unjudged, false


def table(known: Verdicts) -> str:
    """One line per finding, and the sums."""
    lines = ["| suite | finding | kind | severity | verdict | proof |", "|---|---|---|---|---|---|"]
    for name, tests in known.suites.items():
        of_suite = [verdict for verdict in known.verdict if verdict.suite == name]
        lines += [f"| {name} | none | | | | {tests} |"] * (not of_suite)
        for verdict in of_suite:
            cells = (name, f"`{verdict.variable}`", verdict.kind, verdict.severity, _word(verdict), verdict.proof)
            lines.append(f"| {' | '.join(cells)} |")
    count: Counter[str] = Counter(verdict.verdict for verdict in known.verdict if not verdict.later)
    since: Counter[str] = Counter(verdict.verdict for verdict in known.verdict if verdict.later)
    unordered = 100 * (count["true"] + count["harmless"]) / max(count.total(), 1)
    sums = (
        f"{len(known.suites)} suites, {count.total()} findings in the first runs: {_sums(count)}. What was reported as "
        f"unordered was unordered in {unordered:.0f} %. {since.total()} more came up later: {_sums(since)}."
    )
    explained = sum(bool(verdict.info) for verdict in known.verdict)
    sums += f" {explained} of the harmless ones are `info` by now." if explained else ""
    return "\n".join([*lines, "", sums]) + "\n"


def _sums(count: Counter[str]) -> str:
    return ", ".join(f"{count[word]} {word}" for word in ("true", "harmless", "false"))


def _word(verdict: Verdict) -> str:
    mended = f"; mended: {verdict.mended}" if verdict.mended else ""
    mended += f"; `info`: {verdict.info}" if verdict.info else ""
    return f"{verdict.verdict}{mended}{' (later)' if verdict.later else ''}"


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments name; 1 when a finding is false or nobody has judged it."""
    options = _parser().parse_args(arguments)
    catalogue, known = load(CATALOGUE), verdicts()
    PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), "verdicts", table(known)), encoding="utf-8")
    failed = 0
    results = options.cache / "results"
    for name in () if options.table else options.suites or catalogue.suite:
        suite = catalogue.suite[name]
        try:
            place = prepare(name, suite, catalogue, options.cache)
        except SetUpError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        results.mkdir(exist_ok=True)
        run, document = execution.watched(place, suite, results / f"{name}.outcomes")
        if document is None:
            print(f"{name}: no report, status {run.status}\n{run.tail}")
            failed += 1
            continue
        report = msgspec.json.decode((results / f"{name}.json").read_bytes(), type=Report)
        unjudged, false = judge(name, report, known)
        shown = sum(finding.severity in JUDGED for finding in report.findings)
        print(
            f"{name} {suite.version}: {len(run.outcomes)} tests, {shown} findings, {len(unjudged)} not judged, "
            f"{len(false)} known to be false",
            flush=True,
        )
        for finding in (*unjudged, *false):
            print(f"  {finding.text}")
        failed += len(unjudged) + len(false)
    return min(failed, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make precision", description=__doc__)
    parser.add_argument("suites", nargs="*", help="names from concurrent.toml (default: all)")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"where packages are kept (default: {CACHE})")
    parser.add_argument("--table", action="store_true", help="run nothing: only write the table from the verdicts")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
