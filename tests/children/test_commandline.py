"""The command line of an interpreter is read as CPython reads it, and only interpreters are told of Raceway."""

from __future__ import annotations

import pytest

from raceway.children.commandline import Sort, is_bookkeeper, started_on
from raceway.children.environment import by_command, may_start_python, with_raceway


@pytest.mark.parametrize(
    ("words", "sort", "text"),
    [
        ("python app.py -m x", Sort.SCRIPT, "app.py"),
        ("python -B -W ignore app.py", Sort.SCRIPT, "app.py"),
        ("python -Wignore -X utf8 app.py", Sort.SCRIPT, "app.py"),
        ("python -uBm package.module a", Sort.MODULE, "package.module"),
        ("python -mmodule", Sort.MODULE, "module"),
        ("python -Ic code x", Sort.COMMAND, "code"),
        ("python --check-hash-based-pycs never app.py", Sort.SCRIPT, "app.py"),
        ("python -- -m", Sort.SCRIPT, "-m"),
        ("python -", Sort.INPUT, ""),
        ("python", Sort.INPUT, ""),
        ("python -m", Sort.MODULE, ""),
    ],
)
def test_what_is_started_is_read(words: str, sort: Sort, text: str) -> None:
    started = started_on(words.split())
    assert (started.sort, started.text) == (sort, text)


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        ("python -I app.py a", "-I CHILD -I app.py a"),
        ("python -B -W ignore -E -- app.py", "-B -W ignore -E CHILD -B -W ignore -E -- app.py"),
        ("python -BIm app a", "-BI CHILD -BIm app a"),
        ("python -S -c code", "-S CHILD -S -c code"),
        ("python -B app.py", None),
        ("python -I", None),
        ("python -iI app.py", None),
        ("sh -c x", None),
    ],
)
def test_an_interpreter_that_ignores_its_environment_begins_on_a_file(words: str, rest: str | None) -> None:
    arguments = words.split()
    begins = by_command(arguments[0], arguments)
    told = None if begins is None else " ".join("CHILD" if "_raceway_child" in word else word for word in begins[1:])
    assert told == rest


def test_multiprocessings_resource_tracker_is_a_bookkeeper() -> None:
    command = ["python", "-c", "from multiprocessing.resource_tracker import main;main(4)"]
    assert is_bookkeeper(started_on(command))
    assert not may_start_python("/usr/bin/python3", command)


@pytest.mark.parametrize(
    ("path", "words", "may"),
    [
        ("/usr/bin/python3.13t", ["python3.13t", "app.py"], True),
        ("/bin/sh", ["sh", "-c", "./run"], True),
        ("/usr/bin/timeout", ["timeout", "5", "python", "app.py"], True),
        ("/usr/bin/env", ["env"], False),
        ("/no/such/program", ["program"], False),
    ],
)
def test_interpreters_and_what_may_start_them_are_told(path: str, words: list[str], may: bool) -> None:
    assert may_start_python(path, words) is may


def test_the_environment_has_what_the_program_was_given() -> None:
    plain = with_raceway({"A": "1"}, "/spool")
    assert (plain[b"A"], b"RACEWAY_CHILD_PYTHONPATH" in plain) == (b"1", False)
    given = with_raceway({b"PYTHONPATH": b"x:y"}, "/spool")
    assert given[b"PYTHONPATH"].endswith(b":x:y")
    assert given[b"RACEWAY_CHILD_PYTHONPATH"] == b"x:y"
