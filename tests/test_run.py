"""Programs run plain and under `python -m raceway.run`: the same output, the same errors, the same status.

The programs stand in `fixtures/programs`. Files that no editor or linter likes are made here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import Struct

from tests.conftest import ROOT, TIMEOUT_S, clean_environ

PROGRAMS = ROOT / "fixtures" / "programs"

Ending = tuple[str, str, int]
"""Standard output, standard error, status."""

NAMESAKES = ("queue", "json", "heapq", "random", "signal", "string", "msgspec", "argparse", "hashlib")
"""Modules that Raceway uses itself, of which a program has its own."""

NAMESAKES_PROGRAM = f"""
import os, sys
for name in {NAMESAKES}:
    print(name, __import__(name).mine, flush=True)
if len(sys.argv) == 1:
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, __file__, "child"])
    os.chdir("namesakes")
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-m", "json"])
[].missing
"""

ODD_FILES = {
    "no_newline.py": b"print('end')",
    "empty.py": b"",
    "bom.py": b"\xef\xbb\xbfprint('\xc3\xa4')\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nprint('\xe4')\n'\xe4'.missing\n",
    "crlf.py": b"def f():\r\n    return 1\r\nprint(f())\r\nf.missing\r\n",
    "form_feed.py": b"\x0cimport sys\n\x0c\nprint(sys.argv)\n",
    "tabs.py": b"if 1:\n\tprint(1)\n\tif 1:\n\t\t[].missing\n",
    "b\u00e4r \u2603.py": b"import sys\nprint(sys.argv, __file__)\n[].missing\n",
    "no_suffix": b"import helper\nprint(__name__, __file__, helper.Counter().up())\n",
    "syntax_error.py": b"print('never')\ndef f(:\n",
    "unclosed.py": b"print('never'\n",
    "indentation.py": b"if 1:\nprint(1)\n",
    "return_outside.py": b"print('never')\nreturn 1\n",
    "null_byte.py": b"print('never')\n\x00\n",
    "bad_encoding.py": b"print('\xff')\n",
    "bad_cookie.py": b"# coding: no-such-coding\n",
    "future.py": b"'doc'\nfrom __future__ import annotations\nx: int = 1\nprint(__doc__, __annotations__)\n",
    "broken/broken.py": b"import os\ndef f(:\n",
    "package/__init__.py": b"print('package', __name__)\n",
    "package/__main__.py": b"import sys\nfrom . import inner\nprint(__name__, __package__, inner.f(), sys.argv)\n",
    "package/inner.py": b"import sys\ndef f():\n    return __name__, sys.argv[0][-12:]\nprint(f())\n",
    "package/failing.py": b"from package.inner import f\nf(1)\n",
    "package/broken.py": b"def f(:\n",
    "package/needs.py": b"import no_such_module_here\n",
    "bare/__init__.py": b"print('bare')\n",
    "failing_package/__init__.py": b"import no_such_module_here\n",
    "names_space/part.py": b"print(__name__, __spec__.name)\n",
    "folder/__main__.py": b"import sys\nimport beside\nprint(__name__, __package__, sys.path, beside.x)\n",
    "folder/beside.py": b"x = 1\n",
    "folder_without/other.py": b"",
    "folder_failing/__main__.py": b"[].missing\n",
    **{f"namesakes/{name}.py": f"print('own {name}')\nmine = 1\n".encode() for name in NAMESAKES},
    "namesakes/program.py": NAMESAKES_PROGRAM.encode(),
}


def run(arguments: Sequence[str], directory: Path, stdin: str = "") -> Ending:
    """Run the interpreter; addresses are taken out of what it prints."""
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=clean_environ() | {"PYTHONFAULTHANDLER": "", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
        input=stdin.encode(),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    out, err = (re.sub(r"0x[0-9a-f]{6,}", "0x", text.decode()) for text in (finished.stdout, finished.stderr))
    return out, err, finished.returncode


class Case(Struct, frozen=True):
    """How a program is run: what follows the interpreter, its flags, its input."""

    program: tuple[str, ...]
    flags: tuple[str, ...] = ()
    stdin: str = ""


def plain_and_watched(case: Case, directory: Path) -> tuple[Ending, Ending]:
    """How a program ends plain, and under Raceway."""
    plain = case.program[1:] if case.program[0] == "--" else case.program
    watched = ("-m", "raceway.run", "--quiet", "--fail-on", "never", *case.program)
    first = run([*case.flags, *plain], directory, case.stdin)
    return first, run([*case.flags, *watched], directory, case.stdin)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all programs, odd files and archives."""
    folder = tmp_path_factory.mktemp("programs")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in ODD_FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in ("folder", "folder_failing", "folder_without"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for file in (folder / name).iterdir():
                archive.write(file, file.name)
    return folder


NEED_ARGUMENTS = {
    "allocators", "asks", "crashes", "exits", "forks", "imports_broken", "leaves_at_once", "processes", "races",
    "signalled", "waits",
}  # fmt: skip

PROGRAM_NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem not in NEED_ARGUMENTS)

ARGUMENTS: dict[str, str] = {
    **{f"program-{name}": f"{name}.py" for name in PROGRAM_NAMES},
    **{
        f"exit-{code}": f"exits.py {code}"
        for code in "none zero three text empty large negative true tuple float nested".split()
    },
    # Later versions forget to clear the error that such a number gives them.
    **({"exit-huge": "exits.py huge"} if sys.version_info < (3, 12) else {}),
    "before-executing": "before_executing.py",
    **{f"signal-{name}": f"signalled.py {name}" for name in ("SIGTERM", "SIGINT", "SIGKILL", "SIGUSR1")},
    **{f"fork-{how}": f"forks.py {how}" for how in ("return", "exit", "at-once", "error", "term")},
    **{f"processes-{method}": f"processes.py {method}" for method in ("fork", "spawn", "forkserver")},
    **{f"leaves-{status}": f"leaves_at_once.py {status}" for status in ("0", "3")},
    "allocators-plain": "allocators.py never",
    "allocators-started": "allocators.py after",
    "handovers": "handovers.py 100000",
    "arguments-many": "arguments.py --json x -m -- -q",
    "empties-odd": "empties.py odd",
    "arguments-dot": "./arguments.py",
    "arguments-up": "package/../arguments.py",
    "arguments-after-dashes": "-- arguments.py",
    "exit-handlers-left": "exit_handlers.py leave",
    "imports-broken": "imports_broken.py broken",
    "missing-file": "no_such_file.py argument",
    "missing-folder": "no_such_folder/file.py",
    "module": "-m arguments a --json",
    "module-joined": "-marguments a",
    "module-main": "-m main_module",
    "module-package": "-m package a",
    "module-inner": "-m package.inner",
    "module-failing": "-m package.failing",
    "module-broken": "-m package.broken",
    "module-needs": "-m package.needs",
    "module-missing": "-m no_such_module_here",
    "module-missing-inside": "-m package.no_such",
    "module-suffix": "-m arguments.py",
    "module-bare": "-m bare",
    "module-failing-package": "-m failing_package.inner",
    "module-namespace": "-m names_space",
    "module-namespace-part": "-m names_space.part",
    "module-interrupted": "-m interrupted",
    "module-interrupted-subclass": "-m interrupted_subclass",
    "module-exits": "-m exits text",
    "module-exit-handlers": "-m exit_handlers",
    "module-installed": "-m json.tool --help",
    "module-pytest": "-m pytest -qq -W error::pytest.PytestAssertRewriteWarning -p no:cacheprovider empty.py",
    "folder": "folder a",
    "namesakes": "namesakes/program.py",
    "folder-slash": "folder/",
    "folder-without": "folder_without",
    "folder-failing": "folder_failing",
    "archive": "folder.zip a",
    "archive-failing": "folder_failing.zip",
    "archive-without": "folder_without.zip",
}

CASES: dict[str, Case] = {
    **{name: Case(tuple(arguments.split())) for name, arguments in ARGUMENTS.items()},
    **{f"file-{name}": Case((name,)) for name in ODD_FILES if "/" not in name},
    "argument-empty": Case(("arguments.py", "", " ")),
    "asks": Case(("asks.py",), stdin="world\nrest\n"),
    "asks-nobody": Case(("asks.py",)),
    **{f"allocators-{how}": Case(("allocators.py", how), flags=("-X", "tracemalloc")) for how in ("left", "stopped")},
    "allocators-development": Case(("allocators.py", "after"), flags=("-X", "dev")),
    "constants-development": Case(("constants.py",), flags=("-X", "dev")),
    "hostile-development": Case(("hostile.py",), flags=("-X", "dev")),
    "safe-path": Case(("arguments.py",), flags=("-P",)),
    "safe-path-folder": Case(("folder",), flags=("-P",)),
    "safe-path-module": Case(("-m", "arguments"), flags=("-P",)),
    "isolated": Case(("main_module.py",), flags=("-I",)),
    "isolated-missing": Case(("no_such_file.py",), flags=("-I", "-B")),
    "optimised": Case(("introspects.py",), flags=("-OO",)),
    "warnings-as-errors": Case(("warns.py",), flags=("-W", "error")),
    "warnings-all": Case(("warns.py",), flags=("-W", "always", "-X", "dev")),
    "development": Case(("tasks.py",), flags=("-X", "dev")),
    "unbuffered": Case(("leaves_at_once.py", "0"), flags=("-u",)),
}


@pytest.mark.parametrize("allocator", ["debug", "malloc", "malloc_debug", "pymalloc_debug"])
@pytest.mark.parametrize("program", ["allocators.py after", "constants.py", "handovers.py"])
def test_a_program_runs_as_ever_on_each_allocator(program: str, allocator: str, directory: Path) -> None:
    shell = f"import os, sys; os.environ['PYTHONMALLOC'] = {allocator!r}; os.execv(sys.executable, sys.argv[1:])"
    endings = [
        run(["-c", shell, sys.executable, *words, *program.split()], directory)
        for words in ((), ("-m", "raceway.run", "--quiet", "--fail-on", "never"))
    ]
    assert endings[0] == endings[1]


@pytest.mark.parametrize("name", CASES)
def test_a_program_runs_as_ever(name: str, directory: Path) -> None:
    plain, watched = plain_and_watched(CASES[name], directory)
    assert watched == plain


def test_a_script_of_which_the_compiler_warns_does_so_from_the_cache_too(directory: Path) -> None:
    case = Case(("warns.py",), flags=("-W", "always"))
    for _ in range(2):
        plain, watched = plain_and_watched(case, directory)
        assert "SyntaxWarning" in plain[1]
        assert watched == plain


def test_an_interrupt_while_threads_are_awaited_is_told_as_ever(directory: Path) -> None:
    plain, watched = plain_and_watched(Case(("waits.py",)), directory)
    # Where it hits is chance: the first line names what is shut down, the last one the exception.
    assert (watched[0], watched[2]) == (plain[0], plain[2])
    first, *_, last = watched[1].splitlines()
    assert [first, last] == [plain[1].splitlines()[0], plain[1].splitlines()[-1]]


def test_a_crash_shows_where_the_program_was(directory: Path) -> None:
    case = Case(("crashes.py",), flags=("-X", "faulthandler"))
    plain, watched = plain_and_watched(case, directory)
    stack = plain[1].partition("\n\nExtension modules")[0]
    assert stack.endswith("in <module>\n")
    # Below the program's own frames stand those that run it.
    assert watched[1].startswith(stack)
    assert (watched[0], watched[2]) == (plain[0], plain[2])


@pytest.mark.parametrize(("descriptor", "status"), [(1, 120), (2, 0)])
def test_a_reader_that_is_gone_changes_no_status(descriptor: int, status: int, directory: Path) -> None:
    broken = f"r, w = os.pipe(); os.close(r); os.dup2(w, {descriptor})"
    shell = f"import os, sys; {broken}; os.execv(sys.executable, sys.argv[1:])"
    for program in (["arguments.py"], ["-m", "raceway.run", "arguments.py"]):
        command = ["-c", shell, sys.executable, *program]
        assert run(command, directory)[2] == status
