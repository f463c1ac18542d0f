"""Stacks for people: all frames of the program, and the many others by their number."""

from __future__ import annotations

import pytest

from raceway.model.findings import AccessSide, Frame
from raceway.model.struct import replace
from raceway.report.stacks import is_foreign, package_of, shortened
from tests.report import samples

FLASK = "/venv/lib/python3.12/site-packages/flask/app.py"
WERKZEUG = "/venv/lib/python3.12/site-packages/werkzeug/test.py"
POOL = "/usr/lib/python3.12/concurrent/futures/thread.py"


def side(*frames: tuple[str, int, str], file: str = "bank.py") -> AccessSide:
    """A side in `withdraw` of a file, called from these frames."""
    return replace(
        samples.LOST_UPDATE.accesses[0],
        file=file,
        function="withdraw",
        stack=(Frame(file, 1, "withdraw"), *(Frame(*frame) for frame in frames)),
    )


def lines(one: AccessSide) -> list[str]:
    """The lines of a stack as one text each."""
    return [
        f"{shown.frame.file}:{shown.frame.line} x{shown.times}"
        if shown.frame is not None
        else f"these {shown.again} x{shown.times}"
        if shown.again
        else f"{shown.times} of {'+'.join(shown.packages)}"
        for shown in shortened(one)
    ]


@pytest.mark.parametrize(
    ("file", "package"),
    [
        ("bank.py", ""),
        ("shop/Lib/bank.py", ""),
        ("/elsewhere/bank.py", ""),
        ("/home/me/python3.11/bank.py", ""),
        ("<string>", ""),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
        (FLASK, "flask"),
        (".venv/lib/python3.11/site-packages/flask/app.py", "flask"),
        (r".venv\Lib\site-packages\flask\app.py", "flask"),
        ("/usr/lib/python3/dist-packages/six.py", "six"),
        (POOL, "concurrent"),
        ("/usr/lib64/python3.13t/threading.py", "threading"),
        (r"C:\Python312\Lib\threading.py", "threading"),
    ],
)
def test_a_file_belongs_to_a_package_or_to_the_program(file: str, package: str) -> None:
    assert package_of(file) == package


def test_own_frames_stay_however_many_of_others_stand_between() -> None:
    framework = [(FLASK, line, "dispatch") for line in range(30)] + [(WERKZEUG, 7, "run")]
    one = side(("shop.py", 21, "price"), *framework, ("app.py", 9, "customer"), (POOL, 5, "run"), (POOL, 8, "worker"))
    assert lines(one) == ["shop.py:21 x1", "31 of flask+werkzeug", "app.py:9 x1", "2 of concurrent"]


@pytest.mark.parametrize(
    ("file", "short"),
    [(POOL, ".../concurrent/futures/thread.py"), (FLASK, ".../flask/app.py"), ("<frozen abc>", "<frozen abc>")],
)
def test_a_frame_of_others_that_stands_alone_is_shown_from_its_package_on(file: str, short: str) -> None:
    assert lines(side((file, 5, "run"), ("app.py", 9, "main"))) == [f"{short}:5 x1", "app.py:9 x1"]


def test_recursion_is_one_line() -> None:
    deep = [("links.py", 20, "check")] * 40
    assert lines(side(*deep, ("app.py", 9, "main"))) == ["links.py:20 x40", "app.py:9 x1"]


def test_functions_that_call_each_other_are_shown_once() -> None:
    rounds = [("eval.py", 20, "term"), ("eval.py", 30, "product"), ("eval.py", 40, "sum")] * 9
    assert lines(side(("eval.py", 9, "number"), *rounds, ("app.py", 9, "main"))) == [
        *("eval.py:9 x1", "eval.py:20 x1", "eval.py:30 x1", "eval.py:40 x1", "these 3 x8", "app.py:9 x1")
    ]
    assert lines(side(*rounds[:6])) == [f"eval.py:{line} x1" for line in (20, 30, 40)] * 2


def test_the_frames_of_a_package_that_is_watched_itself_stay() -> None:
    one = side((FLASK, 2, "call"), (FLASK, 3, "main"), (WERKZEUG, 7, "run"), (WERKZEUG, 8, "go"), file=FLASK)
    assert lines(one) == [f"{FLASK}:2 x1", f"{FLASK}:3 x1", "2 of werkzeug"]
    assert [is_foreign(frame, one) for frame in one.stack] == [False, False, False, True, True]
