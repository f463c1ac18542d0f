"""Build the native core with AddressSanitizer and UndefinedBehaviorSanitizer, run the tests on it, and look for leaks.

All of it happens in `.sanitized`, a copy of the tree with an environment of its own that borrows the packages of
`.venv`: the build that everybody else uses is never touched. Run by `make test-sanitized`; arguments go to pytest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / ".sanitized"
PARTS = (
    "raceway", "tests", "fixtures", "benchmarks", "docs", "pyproject.toml", "setup.py", "README.md", "LICENSE",
    "Makefile",
)  # fmt: skip
SANITIZE = "-fsanitize=address,undefined"
CFLAGS = f"-O1 -g -fno-omit-frame-pointer {SANITIZE} -fno-sanitize-recover=undefined"
LIBRARIES = ("libasan.so", "libubsan.so")
# What loads and drives the native core. The rest of the suite asks nothing of it.
TESTS = (
    "tests/detector", "tests/runtime", "tests/sync", "tests/pipeline", "tests/client", "tests/children",
    "tests/findings", "tests/autoinstrument", "tests/test_fixtures.py", "tests/test_run.py",
)  # fmt: skip
DESELECTED = (
    # The sanitizer reports a crash in its own way.
    "tests/test_run.py::test_a_crash_shows_where_the_program_was",
    # AddressSanitizer wants more than this program's limits, plain too.
    "tests/test_run.py::test_a_program_runs_as_ever[program-own_limits]",
    # The sanitizers' runtime has to come first in a process, and these give others an environment without it.
    "tests/test_run.py::test_a_program_runs_as_ever[program-before_executing]",
    "tests/test_run.py::test_a_program_runs_as_ever[before-executing]",
    # What is freed waits in the sanitizer's quarantine: the process grows whatever we do.
    "tests/sync/test_native.py::test_a_thousand_runs_leave_nothing_behind",
    "tests/runtime/test_cycles.py::test_hundreds_of_runs_leave_nothing",
)


def copy_tree() -> None:
    """Bring the copy up to date; compiled files that are still good stay."""
    COPY.mkdir(exist_ok=True)
    for part in PARTS:
        source, target = ROOT / part, COPY / part
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "_native.*"))
        else:
            shutil.copy2(source, target)


def environment() -> Path:
    """The interpreter of the copy: it finds the copy first, then the packages of the one that runs this."""
    home = COPY / ".venv"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=False, symlinks=True)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "sanitized.pth").write_text(f"{COPY}\n{sysconfig.get_path('purelib')}\n")
    return python


def preloaded(compiler: str) -> str:
    """The libraries of the sanitizers, which must be there before anything allocates."""
    asked = [[compiler, f"-print-file-name={name}"] for name in LIBRARIES]
    found = [subprocess.run(one, capture_output=True, text=True, check=True).stdout.strip() for one in asked]
    missing = [name for name, path in zip(LIBRARIES, found, strict=True) if not os.path.isabs(path)]
    if missing:
        sys.exit(f"make: {compiler} has no {' and no '.join(missing)} (Debian: libasan and libubsan come with gcc)")
    return " ".join(found)


def build(python: Path) -> None:
    """Build the core of the copy in place."""
    flags = {"RACEWAY_CFLAGS": CFLAGS, "RACEWAY_LDFLAGS": SANITIZE, "RACEWAY_REQUIRE_NATIVE": "1"}
    subprocess.run([python, "setup.py", "-q", "build_ext", "--inplace"], cwd=COPY, env=os.environ | flags, check=True)


def options(**more: str) -> str:
    """Options of AddressSanitizer, the defaults of the tests among them."""
    chosen = {"detect_leaks": "0", "allocator_may_return_null": "1", "handle_segv": "0", **more}
    return ":".join(f"{name}={value}" for name, value in chosen.items())


def our_leaks(told: str) -> list[str]:
    """The leaks that something in raceway/native allocated, from a report of LeakSanitizer; CPython has its own."""
    records = re.findall(r"^(?:Direct|Indirect) leak.*?(?:\n\n|\Z)", told, re.MULTILINE | re.DOTALL)
    # The wrapper of realloc only passes on.
    return [record for record in records if re.search(r" in (?!watching_realloc)\w+ raceway/native/", record)]


def find_leaks(python: Path, environ: dict[str, str]) -> list[str]:
    """Leaks of some runs in one process."""
    program = COPY / "tests" / "sanitized" / "cycles.py"
    more = environ | {"ASAN_OPTIONS": options(detect_leaks="1"), "PYTHONMALLOC": "malloc"}
    ended = subprocess.run([python, program], env=more, capture_output=True, text=True, check=False)
    if "done" not in ended.stdout:
        sys.exit(f"the runs of the search for leaks failed:\n{ended.stdout}{ended.stderr}")
    return our_leaks(ended.stderr)


def main(arguments: list[str]) -> int:
    """Do all of it; the status is that of the tests, or 1 for leaks."""
    copy_tree()
    python = environment()
    build(python)
    preload = preloaded(os.environ.get("CC", "cc"))
    environ = os.environ | {
        "LD_PRELOAD": preload,
        "ASAN_OPTIONS": options(),
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "RACEWAY_SANITIZED": "1",
    }
    leaks = find_leaks(python, environ)
    for leak in leaks:
        print(leak)
    asked = [] if any(not one.startswith("-") and "/" in one for one in arguments) else TESTS
    left = [f"--deselect={name}" for name in DESELECTED]
    command: list[str | Path] = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asked, *left, *arguments]
    status = subprocess.run(command, cwd=COPY, env=environ, check=False).returncode
    print(f"leaks of the native core: {len(leaks)}")
    return status or bool(leaks)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
