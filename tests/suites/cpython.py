"""`make suites-cpython`: CPython's own regression tests on the interpreter that runs this, plain, again and watched.

A test package, such as `test_asyncio`, is run module by module. The status is 0 when no test ended differently, but for
those that `cpython.toml` explains.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.suites import execution
from tests.suites.environment import PLUGIN
from tests.suites.outcomes import MISSING, compare
from tests.suites.page import Row, keep_cpython

CATALOGUE = Path(__file__).with_name("cpython.toml")
_TIMEOUT_S = 900
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class Module(Struct, frozen=True, forbid_unknown_fields=True):
    """One test module: the library modules that are watched with it, and a reason for each test that differs."""

    library: tuple[str, ...] = ()
    explained: dict[str, str] = {}


def load() -> dict[str, Module]:
    """The catalogue, by the name of the test module."""
    return msgspec.toml.decode(CATALOGUE.read_bytes(), type=dict[str, Module])


def parts(name: str) -> Iterator[str]:
    """The modules that a test module consists of; none where this version has not got it."""
    spec = importlib.util.find_spec(f"test.{name}")
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        yield f"test.{name}"
        return
    for folder in spec.submodule_search_locations:
        names = sorted(path.stem for path in Path(folder).glob("test_*.py"))
        yield from (f"test.{name}.{part}" for part in names)
        packages = sorted(path.parent.name for path in Path(folder).glob("*/__init__.py"))
        for package in packages:
            if package.startswith("test"):
                yield from parts(f"{name}.{package}")
        if not names:
            yield f"test.{name}"


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments name; 1 when a test differs that is not explained."""
    options = _parser().parse_args(arguments)
    if importlib.util.find_spec("test.support") is None:
        print(f"{sysconfig.get_path('stdlib')} has no test package", file=sys.stderr)
        return 2
    catalogue = load()
    failed = 0
    for name in options.modules or catalogue:
        row = run_module(name, catalogue[name.split(".")[0]], options.cache, verbose=options.verbose)
        if row is None:
            print(f"{name}: {sysconfig.get_path('stdlib')} has not got it", file=sys.stderr)
            continue
        failed += row.different > row.explained
        print(f"{name} {row.line}", flush=True)
        if options.keep and "." not in name:
            keep_cpython(name, row)
    return min(failed, 1)


def run_module(name: str, module: Module, cache: Path, *, verbose: bool = False) -> Row | None:
    """The sums over the parts of a test module; None where this version has not got it."""
    rows = [_run_part(part, module, cache, verbose) for part in parts(name)]
    if not rows:
        return None
    plain, watched = (sum(seconds[place] for _row, seconds in rows) for place in (0, 1))
    fields = ("tests", "different", "explained", "flaky", "modules", "sites", "accesses")
    sums = {field: sum(getattr(row, field) for row, _seconds in rows) for field in fields}
    version = sys.version.split()[0]
    return Row(version=version, python=_VERSION, ratio=round(watched / max(plain, 0.001), 2), **sums)


def _run_part(part: str, module: Module, cache: Path, verbose: bool) -> tuple[Row, tuple[float, float]]:
    includes = [word for name in (part, *module.library) for word in ("--include", name)]
    with tempfile.TemporaryDirectory() as directory:
        outcomes = Path(directory, "outcomes")
        report = outcomes.with_suffix(".json")
        program = [str(PLUGIN / "regression.py"), part, *module.library]
        options = ["--core", "native", "--quiet", "--fail-on", "never", "--cache-dir", str(cache)]
        raceway = ["-m", "raceway.run", *options, "--json", str(report), *includes]
        environ = {"PYTHONPATH": str(PLUGIN.parents[2])}
        runs = []
        for before, written in (([], outcomes), (raceway, ""), (raceway, outcomes), ([], outcomes)):
            command = [sys.executable, *before, *program]
            given = {**environ, "SUITE_OUTCOMES": str(written)}
            runs.append(execution.run_command(command, Path(directory), given, outcomes, _TIMEOUT_S))
        first, _warmed, watched, second = runs
        seen = execution.read_report(report)
    found = compare(first.outcomes, second.outcomes, watched.outcomes)
    for test in found.different:
        ended, now = (run.outcomes.get(test, MISSING) for run in (first, watched))
        why = module.explained.get(test)
        print(f"{test}: {', '.join(ended.phases)} -> {', '.join(now.phases)}{f' ({why})' if why else ''}")
        if verbose and not why:
            print(now.detail)
    if watched.status != first.status and not found.different:
        print(f"{part}: status {first.status} plain, {watched.status} watched\n{watched.tail}")
    wanted = (part, *module.library) if first.outcomes else ()
    unseen = wanted if seen is None else seen.missing(wanted)
    for name in unseen:
        notes = () if seen is None else seen.not_seen
        reasons = [f"{note.reason} {note.detail}" for note in notes if note.module == name]
        print(f"{part}: {name} was not instrumented: {', '.join(reasons) or watched.tail}")
    row = Row(
        version="",
        python=_VERSION,
        tests=len(found.same) + len(found.different) + len(found.flaky),
        different=len(found.different),
        explained=sum(test in module.explained for test in found.different),
        flaky=len(found.flaky),
        modules=0 if seen is None else seen.summary.modules,
        ratio=0.0,
        sites=0 if seen is None else seen.summary.sites,
        accesses=0 if seen is None else seen.summary.accesses,
    )
    return row, (min(first.cpu_s, second.cpu_s), watched.cpu_s)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make suites-cpython", description=__doc__)
    parser.add_argument("modules", nargs="*", help="names from cpython.toml, or parts of them (default: all)")
    parser.add_argument("--keep", action="store_true", help="note the figures in docs/transparency.md")
    parser.add_argument("--verbose", action="store_true", help="show the failures of the tests that differ")
    cache = Path(tempfile.gettempdir()) / "raceway-suites-bytecode"
    parser.add_argument("--cache", type=Path, default=cache, help="where instrumented bytecode is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
