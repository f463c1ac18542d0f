"""How the side of a race that reads a place goes on with what it has read, as its source tells."""

from __future__ import annotations

import ast
from itertools import pairwise

from raceway.findings.classify import Member
from raceway.findings.sources import CHANGING
from raceway.findings.syntax import around, within
from raceway.model.kinds import RegionKind
from raceway.model.sites import Site


def tests(path: str, site: Site) -> bool:
    """Whether what the site reads decides what is done next."""
    for node, parent in pairwise(within(around(path, site))):
        match parent:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                return test is node
            case ast.BoolOp() | ast.UnaryOp() | ast.Compare():
                continue
            case _:
                return False
    return False


def changes(path: str, site: Site) -> str:
    """The method by which what the site reads is changed in place right then; empty where none is."""
    match within(around(path, site))[:3]:
        case (node, ast.Attribute(value=value, attr=name) as method, ast.Call(func=called)):
            return name if value is node and called is method and name in CHANGING else ""
    return ""


def loses(reader: tuple[str, Site], writer: Member) -> bool:
    """Whether what the reader changes may be replaced by a writer that has looked at it before the change."""
    looks = writer.region in (RegionKind.TEST, RegionKind.VALUE) and writer.side.region >= 0
    return looks and writer.spans and bool(changes(*reader))
