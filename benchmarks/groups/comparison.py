"""Programs measured plainly and under Raceway: the rows and means that the groups of whole programs share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks.options import Bench
from benchmarks.processes import BenchmarkError, Measured
from benchmarks.results import Table, figure
from benchmarks.rounds import (
    PLAIN,
    RACEWAY,
    Samples,
    cpu_s,
    geometric_mean,
    interleave,
    median,
    peak_mb,
    ratio,
    spread,
    wall_s,
)

COLUMNS = (
    "program",
    "plain CPU s",
    "raceway CPU s",
    "ratio",
    "least-most",
    "ratio on the clock",
    "plain MB",
    "raceway MB",
    "ratio of MB",
    "MB before work",
    "accesses",
    "sites",
    "findings",
)


class Program(msgspec.Struct, frozen=True):
    """What to run: a module and its arguments."""

    module: str
    arguments: tuple[str, ...]


class Comparison(msgspec.Struct, frozen=True):
    """The samples of all programs of a group, and what went wrong."""

    samples: dict[str, Samples]
    failures: tuple[str, ...]

    def ratios(self, field: Callable[..., float]) -> list[float]:
        """One ratio per program."""
        return [ratio(samples, field) for samples in self.samples.values()]

    def worst(self, field: Callable[..., float]) -> float:
        """The greatest ratio; nan for none."""
        return max(self.ratios(field), default=float("nan"))

    def mean(self, field: Callable[..., float]) -> float:
        """The geometric mean of the ratios."""
        return geometric_mean(self.ratios(field))

    def table(self) -> Table:
        """All programs, one row each, and the means."""
        rows = [row(name, samples) for name, samples in self.samples.items()]
        fields = [(3, cpu_s), (5, wall_s), (8, peak_mb)]
        for label, value in (("geometric mean", self.mean), ("greatest", self.worst)):
            cells = {column: figure(value(field)) for column, field in fields}
            rows.append((label, *(cells.get(column, "") for column in range(1, len(COLUMNS)))))
        return Table(COLUMNS, tuple(rows))


def compare(bench: Bench, programs: Mapping[str, Program]) -> Comparison:
    """Measure each program in interleaved rounds, after a dry run that fills the cache."""
    measured: dict[str, Samples] = {}
    failures = []
    for name, program in programs.items():
        try:
            measured[name] = measure(bench, name, program)
        except BenchmarkError as error:
            failures.append(f"{name}: {error}")
            bench.said(failures[-1])
    return Comparison(measured, tuple(failures))


def measure(bench: Bench, name: str, program: Program) -> Samples:
    """One program."""
    arguments = (*program.arguments, "--size", bench.size)
    machinery = bench.machinery
    bench.say(f"{name}: fills the cache")
    machinery.raceway(program.module, *arguments, "--dry")
    samples = interleave(
        {
            PLAIN: lambda: machinery.plain(program.module, *arguments),
            RACEWAY: lambda: machinery.raceway(program.module, *arguments),
        },
        bench.rounds,
        lambda text: bench.say(f"{name}: {text}"),
    )
    bench.said(f"{name}: {figure(ratio(samples, cpu_s))} times plain CPU time")
    return samples


def row(name: str, samples: Samples) -> tuple[str, ...]:
    """The row of one program."""
    least, most = spread(samples, cpu_s)
    counts = samples[RACEWAY][-1].counts
    return (
        name,
        f"{median(samples[PLAIN], cpu_s):.3f}",
        f"{median(samples[RACEWAY], cpu_s):.3f}",
        figure(ratio(samples, cpu_s)),
        f"{least:.2f}-{most:.2f}",
        figure(ratio(samples, wall_s)),
        f"{median(samples[PLAIN], peak_mb):.1f}",
        f"{median(samples[RACEWAY], peak_mb):.1f}",
        figure(ratio(samples, peak_mb)),
        f"{median(samples[PLAIN], before_mb):.1f}, {median(samples[RACEWAY], before_mb):.1f}",
        f"{counts.accesses:,}",
        f"{counts.sites:,}",
        str(counts.error + counts.warning),
    )


def before_mb(measured: Measured) -> float:
    """What the process took before its work began: the interpreter, the imports and, if it is there, Raceway itself."""
    return float(measured.values["before_mb"])


def counts_of(samples: Sequence[Samples]) -> int:
    """Errors and warnings in all runs: the programs have no races, so any of them is false."""
    return sum(one.counts.error + one.counts.warning for each in samples for one in each[RACEWAY])
