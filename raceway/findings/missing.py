"""Items that may be missing and are then made by code of Python: `hits[word] += 1` of a `Counter`.

Whoever updates an item that is there does so in one step. Of one that is not, `Counter.__missing__` is asked, or the
function that a `defaultdict` was given: threads may switch there, between the read and the write back.
"""

from __future__ import annotations

import ast
from functools import cache

from raceway.findings import naming
from raceway.findings.syntax import spelled
from raceway.model.sites import Context, Site, SiteForm

_IN_C = frozenset({"int", "float", "list", "dict", "set", "str", "bytes", "tuple", "frozenset", "complex", "bool"})


def makes_in_python(path: str, site: Site) -> bool:
    """Whether the site updates an item of a container that makes missing ones by code of Python, as its source says
    where the container is made."""
    if site.form is not SiteForm.ITEM or site.context is not Context.AUGMENT:
        return False
    return site.base.rpartition(".")[2] in _containers(path)


@cache
def _containers(path: str) -> frozenset[str]:
    """The names under which a file stores such containers."""
    tree, found = naming.parsed(path), set[str]()
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Assign(targets=targets, value=ast.Call() as made):
                names = [spelled(target) for target in targets]
            case ast.AnnAssign(target=target, value=ast.Call() as made):
                names = [spelled(target)]
            case _:
                continue
        if _asks_python(made):
            found.update(names)
    return frozenset(found - {""})


def _asks_python(made: ast.Call) -> bool:
    called = spelled(made.func)
    if called in ("field", "Field"):
        factories = [one.value for one in made.keywords if one.arg == "default_factory"]
        return any(spelled(one) == "Counter" for one in factories)
    if called == "defaultdict" and made.args:
        return spelled(made.args[0]) not in _IN_C
    return called == "Counter"
