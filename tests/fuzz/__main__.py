"""`make fuzz`: runs random programs plain and watched and prints those that differ.

make fuzz ARGS="--programs 100000 --seed 7"
make fuzz ARGS="--programs 2000 --waiting"
make fuzz ARGS="--programs 2000 --traced"
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from random import Random

from tests.fuzz.grammar import Programs, module, program
from tests.fuzz.running import differences
from tests.fuzz.waiting import Waiting, waiting_module
from tests.transform import leaving
from tests.transform.twins import NATIVE, line_events, plain_code, tapped_code

BATCH = 40
"""Programs in one module: one instrumentation serves them all."""


def main(arguments: Sequence[str]) -> int:
    """Run as many programs as are asked for; 1 when one of them differs."""
    options = _parser().parse_args(arguments)
    warnings.simplefilter("ignore")
    found = []
    for first in range(0, options.programs, BATCH):
        seeds = [options.seed * 10**9 + first + place for place in range(min(BATCH, options.programs - first))]
        make = waiting_module if options.waiting else module
        for seed in traced(seeds) if options.traced else differences(seeds, options.core, options.functions, make):
            found.append(seed)
            print(f"--- differs, seed {seed}\n{_text(seed, options)}", flush=True)
        if first % (BATCH * 100) == 0:
            print(f"{first + len(seeds)} programs, {len(found)} differ", flush=True)
    print(f"{options.programs} programs, {len(found)} differ")
    return min(len(found), 1)


def _text(seed: int, options: argparse.Namespace) -> str:
    if options.traced:
        return leaving.program(seed)
    return program((Waiting if options.waiting else Programs)(Random(seed)), "program")


def traced(seeds: Sequence[int]) -> list[int]:
    """The seeds of the functions of which a tracer sees other lines."""
    sources = {seed: leaving.program(seed) for seed in seeds}
    return [
        seed
        for seed, source in sources.items()
        if line_events(tapped_code(source, NATIVE), source) != line_events(plain_code(source), source)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="where to begin: other seeds, other programs")
    parser.add_argument("--core", choices=("native", "pure"), default="native")
    parser.add_argument("--functions", action="store_true", help="with taps of functions, as with --functions")
    parser.add_argument("--waiting", action="store_true", help="programs with loops that wait for what others count")
    parser.add_argument("--traced", action="store_true", help="functions that end in all ways, under a tracer instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
