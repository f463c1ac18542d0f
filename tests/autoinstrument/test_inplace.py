"""The module that calls `install`: what it has defined, and what it defines from then on, is instrumented."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from raceway.autoinstrument.inplace import InPlace
from raceway.autoinstrument.source import Source
from tests.autoinstrument.watching import INSTRUMENTED, PLAIN

Module = dict[str, Any]

SOURCE = """
import functools

def before():
    return "plain"

def wrapped(function):
    @functools.wraps(function)
    def wrapper():
        return "plain", function()
    return wrapper

@wrapped
def decorated():
    return "plain"

class Before:
    def method(self):
        return "plain"

    @property
    def value(self):
        return "plain"

    @classmethod
    def made(cls):
        return "plain"

    class Inner:
        def method(self):
            return "plain"

def closure(number):
    def inner():
        return "plain", number
    return inner

kept = closure(3)
pair = [lambda: ["plain", 1], lambda: ["plain", 2]]
old = before

def running():
    hook()
    def later():
        return "plain"
    return later, "plain"

from_running = running()
statement = "plain"

def after():
    return "plain", [(lambda: "plain")() for _ in (1, 2)]

class After:
    how = "plain"
    def method(self):
        return "plain"

async def coroutine():
    yield "plain"
"""


def plain_compile(source: Source, filename: str, module: str) -> CodeType:
    """The stand-in for instrumented code."""
    content = source.content.replace(PLAIN.encode(), INSTRUMENTED.encode())
    return compile(content, filename, "exec", dont_inherit=True)


def run(
    tmp_path: Path, source: str, compile_source: Callable[[Source, str, str], CodeType] = plain_compile
) -> tuple[Module, InPlace]:
    """A module that calls `hook()` where `install` would stand."""
    path = tmp_path / "program.py"
    path.write_text(source, encoding="utf-8")
    in_place = InPlace()
    module: Module = {"__name__": "program"}
    module["hook"] = lambda: in_place.instrument(sys._getframe(1), compile_source)
    exec(compile(source, str(path), "exec", dont_inherit=True), module)
    return module, in_place


def hows(module: Module) -> dict[str, Any]:
    """What every function of the module says."""
    before, after = module["Before"](), module["After"]()
    return {
        "function": module["before"](),
        "other name": module["old"](),
        "decorated": module["decorated"](),
        "method": before.method(),
        "property": before.value,
        "class method": module["Before"].made(),
        "inner class": module["Before"].Inner().method(),
        "closure": module["kept"](),
        "new closure": module["closure"](4)(),
        "lambdas": [one() for one in module["pair"]],
        "nested in running": module["from_running"][0](),
        "later": module["after"](),
        "later method": after.method(),
        "later class body": after.how,
    }


def expected(word: str) -> dict[str, Any]:
    """The same, of a module that is all instrumented or all plain."""
    return {
        "function": word,
        "other name": word,
        "decorated": (word, word),
        "method": word,
        "property": word,
        "class method": word,
        "inner class": word,
        "closure": (word, 3),
        "new closure": (word, 4),
        "lambdas": [[word, 1], [word, 2]],
        "nested in running": word,
        "later": (word, [word, word]),
        "later method": word,
        "later class body": word,
    }


def test_everything_but_what_is_running_is_instrumented(tmp_path: Path) -> None:
    module, _ = run(tmp_path, SOURCE)
    assert hows(module) == expected(INSTRUMENTED)
    assert (module["from_running"][1], module["statement"]) == (PLAIN, PLAIN)


def test_undo_puts_plain_code_back(tmp_path: Path) -> None:
    module, in_place = run(tmp_path, SOURCE)
    in_place.undo()
    # What was defined meanwhile keeps its code.
    late = {"nested in running", "later", "later method", "later class body"}
    found, plain, instrumented = hows(module), expected(PLAIN), expected(INSTRUMENTED)
    assert found == {name: (instrumented if name in late else plain)[name] for name in found}
    assert module["running"].__code__.co_consts.count(INSTRUMENTED) == 0


def test_undo_restores_the_constants_of_running_code(tmp_path: Path) -> None:
    module, in_place = run(tmp_path, "hook()\ndef make():\n    return 'plain'\n")
    frame_code = module["make"].__code__
    assert INSTRUMENTED in frame_code.co_consts
    in_place.undo()
    assert module["make"]() == INSTRUMENTED


def test_functions_keep_their_identity_and_attributes(tmp_path: Path) -> None:
    source = "def f(a, b=2, *, c: int = 3):\n    'doc'\n    return 'plain', a, b, c\nf.mark = 1\nsaved = f\nhook()\n"
    module, _ = run(tmp_path, source)
    function = module["f"]
    assert function is module["saved"]
    assert (function.mark, function.__doc__, function.__defaults__) == (1, "doc", (2,))
    assert function(1) == (INSTRUMENTED, 1, 2, 3)


def test_other_modules_are_left_alone(tmp_path: Path) -> None:
    source = "def f():\n    return 'plain'\nhook()\n"
    other: Module = {"__name__": "other"}
    exec(compile(source.replace("hook()", ""), str(tmp_path / "other.py"), "exec"), other)
    module, _ = run(tmp_path, source)
    assert (module["f"](), other["f"]()) == (INSTRUMENTED, PLAIN)


def test_a_file_that_was_changed_since_is_matched_where_it_can_be(tmp_path: Path) -> None:
    def changed(source: Source, filename: str, module: str) -> CodeType:
        text = source.content.decode().replace("def moved():", "\n\ndef moved():").replace("(same)", "(same, more)")
        return plain_compile(Source(text.encode), filename, module)

    source = (
        "".join(f"def {name}:\n    return 'plain'\n" for name in ("stays()", "shaped(same)", "moved()")) + "hook()\n"
    )
    module, _ = run(tmp_path, source, changed)
    assert (module["stays"](), module["shaped"](1), module["moved"]()) == (INSTRUMENTED, PLAIN, PLAIN)


def test_a_function_whose_code_was_replaced_by_others_keeps_theirs(tmp_path: Path) -> None:
    module, in_place = run(tmp_path, "def f():\n    return 'plain'\nhook()\n")
    other = types.FunctionType(compile("1", "<other>", "eval"), {}).__code__
    module["f"].__code__ = other
    in_place.undo()
    assert module["f"].__code__ is other


def test_a_module_without_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        run(tmp_path, "import os\nos.unlink(__import__('sys')._getframe().f_code.co_filename)\nhook()\n")


def test_the_loader_gives_the_source_of_an_archive(tmp_path: Path) -> None:
    class Loader:
        def get_data(self, path: str) -> bytes:
            assert path.endswith("program.py")
            return b"def f():\n    return 'plain', 1\nhook()\n"

    module: Module = {"__name__": "program", "__loader__": Loader()}
    in_place = InPlace()
    module["hook"] = lambda: in_place.instrument(sys._getframe(1), plain_compile)
    source = "def f():\n    return 'plain'\nhook()\n"
    exec(compile(source, "/no/where/app.zip/program.py", "exec", dont_inherit=True), module)
    assert module["f"]() == (INSTRUMENTED, 1)
