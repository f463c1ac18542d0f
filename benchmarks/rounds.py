"""Interleaved rounds: every variant once per round, in alternating order, so that a slow minute hits all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from benchmarks.processes import Measured

Variants = Mapping[str, Callable[[], Measured]]
"""Name -> what runs it once."""

Samples = dict[str, list[Measured]]
"""Name -> one measurement per round."""

PLAIN, RACEWAY = "plain", "raceway"


def interleave(variants: Variants, rounds: int, tell: Callable[[str], None] = lambda _text: None) -> Samples:
    """Run all variants `rounds` times; `tell` is given the progress."""
    samples: Samples = {name: [] for name in variants}
    for number in range(rounds):
        names = list(variants) if number % 2 == 0 else list(variants)[::-1]
        for name in names:
            tell(f"round {number + 1}/{rounds} {name}")
            samples[name].append(variants[name]())
    return samples


def median(samples: Sequence[Measured], field: Callable[[Measured], float]) -> float:
    """The median over the rounds."""
    return statistics.median(field(sample) for sample in samples)


def ratio(samples: Samples, field: Callable[[Measured], float], of: str = RACEWAY, to: str = PLAIN) -> float:
    """The median of one variant over the median of the other."""
    return median(samples[of], field) / (median(samples[to], field) or 1e-9)


def spread(
    samples: Samples, field: Callable[[Measured], float], of: str = RACEWAY, to: str = PLAIN
) -> tuple[float, float]:
    """The least and the greatest ratio of one round."""
    pairs = zip(samples[of], samples[to], strict=True)
    ratios = [field(one) / (field(other) or 1e-9) for one, other in pairs]
    return min(ratios), max(ratios)


def geometric_mean(values: Sequence[float]) -> float:
    """The mean for ratios; nan for none."""
    return statistics.geometric_mean(values) if values else float("nan")


def cpu_s(measured: Measured) -> float:
    """Time on the processor, of all threads."""
    return measured.cpu_s


def wall_s(measured: Measured) -> float:
    """Time on the clock."""
    return measured.wall_s


def peak_mb(measured: Measured) -> float:
    """The most memory that was resident."""
    return measured.peak_mb
