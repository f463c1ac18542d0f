"""Tests of a place and uses of it, as the source tells them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from raceway.findings.syntax import source
from raceway.findings.uses import use_at

FOUND = {
    "if self.x: self.x.go()": "place",
    "if self.x is not None: self.x[0]": "place",
    "if not self.x: return\nself.x()": "place",
    "if self.x is None or other: raise KeyError\nself.x.go()": "place",
    "return self.x.y if self.x else 0": "place",
    "return self.x and self.x.y": "place",
    "return self.x is None or self.x.y": "place",
    "while self.x: self.x.go()": "place",
    "if key in rows: return rows[key]": "item",
    "if key not in rows:\n    return 0\nreturn rows[key]": "item",
    "if rows.get(key): return rows[key]": "item",
    "if rows: return rows[-1]": "item",
    "if len(rows) > 0: return rows[0]": "item",
    "if len(rows) == 0:\n    return 0\nreturn rows[0]": "item",
    "if self.x:\n    try:\n        self.x.go()\n    except OSError: pass": "place",
}
NOTHING = {
    "if self.x: other.go()": "place",
    "if self.x:\n    self.x = make()\n    self.x.go()": "place",
    "if self.x:\n    self = other\n    self.x.go()": "place",
    "if self.x is None: self.x = make()\nself.x.go()": "place",
    "if self.x is None: self.x.go()": "place",
    "if self.x: return lambda: self.x.go()": "place",
    "if self.x:\n    try:\n        self.x.go()\n    except (OSError, AttributeError): pass": "place",
    "if self.x:\n    with suppress(AttributeError):\n        self.x.go()": "place",
    "if key in rows: return rows[other]": "item",
    "if key in rows:\n    try:\n        return rows[key]\n    except KeyError: pass": "item",
    "if rows: return rows[key]": "item",
    "if key in rows: rows[key] = 1": "item",
    "if self.x: self.x.go()": "item",
}
SPANS = {
    "if self.x: self.x.go()": False,
    "if self.x: self.x.go(call())": False,
    "if self.x:\n    call()\n    self.x.go()": True,
    "if self.x:\n    with lock:\n        self.x.go()": True,
    "if self.x:\n    for _ in rows:\n        self.x.go()": True,
}


def uses(folder: Path, body: str, spoils: str) -> set[tuple[int, int, bool]]:
    """The lines of tests and uses that are found from any expression of a function with this body."""
    path = folder / "program.py"
    path.write_text("def run(self, key, other):\n" + textwrap.indent(body, "    "))
    source.cache_clear()
    use_at.cache_clear()
    found = (
        use_at(str(path), position, "place" if spoils == "place" else "items")
        for position in source(str(path)).expressions
    )
    return {(one.test.lineno, one.use.lineno, one.spans) for one in found if one is not None}


@pytest.mark.parametrize("body", FOUND)
def test_a_use_that_fails_without_what_was_tested_is_found(tmp_path: Path, body: str) -> None:
    assert len(uses(tmp_path, body, FOUND[body])) == 1


@pytest.mark.parametrize("body", NOTHING)
def test_what_does_not_rely_on_the_answer_is_none(tmp_path: Path, body: str) -> None:
    assert uses(tmp_path, body, NOTHING[body]) == set()


@pytest.mark.parametrize("body", SPANS)
def test_threads_switch_in_between_at_calls_and_loops(tmp_path: Path, body: str) -> None:
    assert [spans for _test, _use, spans in uses(tmp_path, body, "place")] == [SPANS[body]]
