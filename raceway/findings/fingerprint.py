"""The fingerprint of a finding: the same in every run, and when the lines around it move. Serves the builder.

It is made of what an edit elsewhere does not touch: the kind, the variable, and for each side its file, the qualified
name of its function and the operand, spelled as `ast.unparse` does, so that quotes, brackets and line breaks do not
count. Lines, columns, parameters and the order of functions are left out.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable

from raceway.model.kinds import FindingKind
from raceway.model.sites import Site


def fingerprint(kind: FindingKind, variable: str, places: Iterable[tuple[str, Site]]) -> str:
    """Eight hexadecimal digits. `places` are the files and sites of both sides, in any order."""
    sides = sorted(
        "|".join((file, site.function, site.form.value, _plain(site.base), site.name, _plain(site.key)))
        for file, site in places
    )
    text = "\n".join([kind.value, _plain(variable), *sides])
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]


def _plain(expression: str) -> str:
    """One spelling for all layouts of an expression; what is none stays as it is."""
    try:
        return ast.unparse(ast.parse(f"({expression})", mode="eval"))
    except (SyntaxError, ValueError, RecursionError):
        return " ".join(expression.split())
