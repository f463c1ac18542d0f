"""Twenty edits of a program that leave its races as they are: what happens to a file between two runs.

Each is a function from the source to the edited source, tried on `fixtures/edits/shop.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import black

Edit = Callable[[str], str]


def _replaced(old: str, new: str) -> Edit:
    def edit(source: str) -> str:
        assert old in source
        return source.replace(old, new)

    return edit


def _before(line: str, text: str) -> Edit:
    return _replaced(line, f"{text}{line}")


def _moved(method: str, before: str) -> Edit:
    """A method, moved in front of another place of its file."""

    def edit(source: str) -> str:
        found = re.search(rf"^( *)def {method}\(.*?(?=^ *def |^shop = |^threads = )", source, re.MULTILINE | re.DOTALL)
        assert found is not None
        rest = source.replace(found[0], "")
        assert before in rest
        return rest.replace(before, found[0].rstrip("\n") + "\n\n" + before)

    return edit


def _formatted(**mode: object) -> Edit:
    return lambda source: black.format_str(source, mode=black.Mode(**mode))  # type: ignore[arg-type]


def _typed(source: str) -> str:
    return re.sub(r"def (\w+)\((self, \w+)\):", r"def \1(\2: object) -> object:", source)


def _documented(source: str) -> str:
    return re.sub(r"^( *)(def \w+\(.*\)):\n", r'\1\2:\n\1    """Do it."""\n', source, flags=re.MULTILINE)


def _both(first: Edit, second: Edit) -> Edit:
    return lambda source: second(first(source))


EDITS: dict[str, Edit] = {
    "a comment at the top": _before("import threading\n", "# A shop.\n#\n# With a head of three lines.\n"),
    "an import": _before("import threading\n", "import os\nimport sys\n"),
    "lines within a method": _before(
        "            left = self", "            # one is sold\n            name = str(name)\n"
    ),
    "lines at the start of a method": _before(
        "        if self.cache is None", "        name = 'cache'\n        assert name\n"
    ),
    "a new method at the start": _before("    def fee(", "    def extra(self):\n        return self.limit\n\n"),
    "a new class above": _before("class Shop:", "class Price:\n    value = 0\n\n\n"),
    "a method moved up": _moved("clear", "    def fee("),
    "a method moved down": _moved("visit", "    def clear("),
    "a function moved up": _moved("close", "class Shop:"),
    "a function below the others": _moved("work", "threads = "),
    "a parameter added": _replaced("def sell(self, name):", "def sell(self, name, count=1, *, force=False):"),
    "parameters with types": _typed,
    "docstrings": _documented,
    "black": _formatted(),
    "black with narrow lines": _formatted(line_length=30),
    "black that leaves quotes": _formatted(string_normalization=False),
    "other quotes": _replaced("'", '"'),
    "a broken line": _replaced(
        "self.visits = self.visits + self.fee( 1 )",
        "self.visits = (\n        self.visits\n        + self.fee(1)\n    )",
    ),
    "a branch around it": _replaced(
        "            self.totals['sum'] = self.totals['sum'] + self.fee(amount)",
        "            if amount:\n                self.totals['sum'] = self.totals['sum'] + self.fee(amount)",
    ),
    "all at once": _both(_both(_moved("clear", "    def fee("), _documented), _formatted(line_length=40)),
}
