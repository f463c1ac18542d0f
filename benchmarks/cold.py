"""Cold instrumentation: how many lines of a package the transform gets done in a second of one core.

`python -m benchmarks.cold networkx --lines 30000` takes the package's modules by name, without its tests, until there
are so many lines; blank lines and comments count.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.copies import package_directory
from benchmarks.programs.measuring import peak_mb, tell


def files(package: str) -> list[Path]:
    """The package's modules, without its tests."""
    directory = package_directory(package)
    found = sorted(directory.rglob("*.py"))
    return [path for path in found if "tests" not in path.relative_to(directory).parts]


def main() -> int:
    """Instrument and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("--lines", type=int, default=30_000)
    options = parser.parse_args()
    from raceway.transform import instrument

    instrument(b"x = 1\n", "warm.py", "warm")
    lines = modules = sites = 0
    before, clock = time.process_time(), time.perf_counter()
    for path in files(options.package):
        source = path.read_bytes()
        sites += len(instrument(source, str(path), path.stem).sites)
        lines += source.count(b"\n")
        modules += 1
        if lines >= options.lines:
            break
    cpu_s, wall_s = time.process_time() - before, time.perf_counter() - clock
    tell({"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak_mb(), "lines": lines, "modules": modules, "sites": sites})
    return 0


if __name__ == "__main__":
    sys.exit(main())
