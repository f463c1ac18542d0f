"""pyperformance's programs as callables: which functions of a module are the work, and how much of it is a size."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Adapter:
    """One program: the module it is in, its work for an amount, and the amounts by size."""

    module: str
    make: Callable[[Any, int], Work]
    sizes: Mapping[str, int]


ADAPTERS: dict[str, Adapter] = {}
"""Name -> program. Their order is that of the tables."""


def program(tiny: int, small: int, full: int, module: str = "") -> Callable[[Callable[[Any, int], Work]], None]:
    """Register a function that gives the work of `bm_<its name>`, or of another module, for an amount."""

    def register(make: Callable[[Any, int], Work]) -> None:
        name = make.__name__
        ADAPTERS[name] = Adapter(f"bm_{module or name}", make, {"tiny": tiny, "small": small, "full": full})

    return register


def repeated(call: Work, amount: int, usual: int, times: int) -> Work:
    """The call; several times when the amount is the one that pyperformance uses, so that it takes long enough."""
    return lambda: [call() for _ in range(times if amount == usual else 1)]


@program(1, 1, 8)
def richards(module: Any, iterations: int) -> Work:
    """An operating system's scheduler: small methods, many attributes."""
    return lambda: module.Richards().run(iterations)


@program(1, 1, 7, module="richards_super")
def richards_super(module: Any, iterations: int) -> Work:
    """The same with `super()`."""
    return lambda: module.Richards().run(iterations)


@program(1, 12, 100)
def deltablue(module: Any, loops: int) -> Work:
    """A constraint solver: many objects that live short."""
    return lambda: [module.delta_blue(100) for _ in range(loops)]


@program(3, 35, 120)
def raytrace(module: Any, width: int) -> Work:
    """A ray tracer: small vectors that live short."""
    return lambda: module.bench_raytrace(1, width, width, None)


@program(10, 10_000, 80_000)
def nbody(module: Any, iterations: int) -> Work:
    """Planets: lists of floats, `+=` on items."""
    return lambda: module.bench_nbody(1, "sun", iterations)


@program(2, 2_500, 25_000)
def chaos(module: Any, iterations: int) -> Work:
    """A fractal: objects and lists."""
    vector = module.GVector
    points = [(1.59, 3.30), (1.57, 4.12), (1.31, 5.28), (1.61, 5.32), (2.88, 5.50), (2.37, 4.38), (1.66, 4.36)]
    spline = module.Spline([vector(x, y, 0.0) for x, y in points], 3, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    other = module.Spline([vector(x, y, 0.0) for x, y in points[:4]], 3, [0, 0, 0, 1, 1, 1])
    game = module.Chaosgame([spline, other], 0.25)
    return lambda: game.create_image_chaos(64, 64, iterations, None, 1234)


@program(1, 1, 50)
def hexiom(module: Any, loops: int) -> Work:
    """A board game's solver."""
    return lambda: module.main(loops, 25)


@program(1, 5, 500)
def go(module: Any, games: int) -> Work:
    """A Go player."""
    module.GAMES = games
    work: Work = module.versus_cpu
    return work


@program(10, 2_000, 100_000, module="float")
def float_points(module: Any, points: int) -> Work:
    """Objects with slots, made, changed and dropped."""
    return repeated(lambda: module.benchmark(points), points, 100_000, 4)


@program(2, 10, 130)
def spectral_norm(module: Any, size: int) -> Work:
    """Arithmetic in small functions."""
    module.DEFAULT_N = size
    return repeated(lambda: module.bench_spectral_norm(1), size, 130, 4)


@program(3, 6, 9)
def fannkuch(module: Any, size: int) -> Work:
    """Permutations: items and slices of one list."""
    return lambda: module.fannkuch(size)


@program(1, 10, 30_000)
def unpack_sequence(module: Any, loops: int) -> Work:
    """Nothing but unpacking of a tuple and a list."""
    return lambda: module.bench_all(loops)


@program(1, 100, 2_500, module="logging")
def logging_calls(module: Any, loops: int) -> Work:
    """Log lines, dropped and formatted: most of the work is in the standard library, which is not watched."""
    stream = io.StringIO()
    logger = logging.getLogger("benchlogger")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler(stream=stream))
    logger.setLevel(logging.WARNING)

    def work() -> None:
        module.bench_silent(10 * loops, logger, stream)
        module.bench_simple_output(loops, logger, stream)
        module.bench_formatted_output(loops, logger, stream)

    return work


@program(2, 100, 2500)
def pidigits(module: Any, digits: int) -> Work:
    """Digits of pi: big integers in small functions."""
    return lambda: module.calc_ndigits(digits)


@program(1, 1, 35)
def nqueens(module: Any, loops: int) -> Work:
    """Seven queens on a board: generators and slices."""
    return lambda: [module.bench_n_queens(7) for _ in range(loops)]


@program(10, 1000, 600_000, module="scimark")
def scimark_monte_carlo(module: Any, samples: int) -> Work:
    """Random numbers from a list kept in an object."""
    return lambda: module.bench_MonteCarlo(1, samples)


@program(5, 10, 100, module="scimark")
def scimark_lu(module: Any, size: int) -> Work:
    """A matrix is factored: an array behind `__getitem__`."""
    return repeated(lambda: module.bench_LU(1, size), size, 100, 4)


@program(4, 32, 1024, module="scimark")
def scimark_fft(module: Any, size: int) -> Work:
    """A Fourier transform in an array of floats."""
    return repeated(lambda: module.bench_FFT(1, size, 8), size, 1024, 10)


@program(1, 1, 6)
def generators(module: Any, loops: int) -> Work:
    """A tree walked by nested generators."""
    return lambda: module.bench_generators(loops)


@program(1, 20, 15_000)
def comprehensions(module: Any, loops: int) -> Work:
    """Comprehensions over small objects."""
    return lambda: module.bench_comprehensions(loops)


@program(1, 4, 130)
def barnes_hut(module: Any, iterations: int) -> Work:
    """Galaxies in a quadtree."""
    return lambda: module.bench_quadtree_nbody(1, 100, iterations, 0.5)


@program(1, 1, 1)
def pyflate(module: Any, loops: int) -> Work:
    """Decompression, bit by bit."""
    return lambda: module.bench_pyflake(loops, os.path.join(os.path.dirname(module.__file__), "interpreter.tar.bz2"))
