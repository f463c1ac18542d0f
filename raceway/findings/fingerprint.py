"""The fingerprint of a finding: the same in every run, and when the lines around it move. Serves the builder.

It is made of what an edit elsewhere does not touch: the kind, the variable, and for each side what identifies its file
(`filenames.py`), the qualified name of its function and the operand, spelled as `ast.unparse` does, so that quotes,
brackets and line breaks do not count. Lines, columns, parameters, the order of functions and where the program was
started are left out. Whoever changes that raises `model.baseline.VERSION`.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable

from raceway.model.kinds import FindingKind
from raceway.model.sites import Site


def fingerprint(kind: FindingKind, variable: str, places: Iterable[tuple[str, Site]]) -> str:
    """Eight hexadecimal digits. `places` are the identities of files and the sites of both sides, in any order."""
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
