"""Containers that stand in the body of a class: `class Parser: chunks = []`, one for all its instances.

Who says `self.chunks.append(...)` mostly means that of the object. Told from the source: the class, or one that it is
derived from, makes what can be changed in its body and says nothing of `ClassVar`, nobody in that file stores another
one under that name, and both sides reach it through `self`.
"""

from __future__ import annotations

import ast

from raceway.findings.classes import Class, lineage, named, tree_of
from raceway.findings.defaults import made_kind
from raceway.findings.sides import Names
from raceway.model.races import ITEM, RawRace
from raceway.model.struct import Struct


class ClassWide(Struct):
    """An attribute that is one object for all instances; `made` is the source that makes it in the body of `cls`."""

    attribute: str
    cls: str
    kind: str
    made: str


def class_wide(variable: str, race: RawRace, names: Names) -> ClassWide | None:
    """What the variable of a race is, if that is a container of a class that looks like one of each object."""
    label, _, attribute = variable.removesuffix(ITEM).rpartition(".")
    if not label:
        return None
    for side in (race.earlier, race.later):
        site = names.site(side.access.site)
        if f"self.{attribute}" not in (site.base, f"{site.base}.{site.name}"):
            return None
    cls = named(names.site_file(race.later.access.site), label.rpartition(".")[2])
    found = None
    for one in lineage(cls) if cls is not None else ():
        if any(_stores(node, attribute) for node in ast.walk(tree_of(one.path))):
            return None
        found = found or _in_body(one, attribute)
    return found


def _in_body(cls: Class, attribute: str) -> ClassWide | None:
    for statement in cls.node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=made):
                plain = True
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as made):
                plain = "ClassVar" not in ast.unparse(annotation)
            case _:
                continue
        if name == attribute and plain and made_kind(made):
            return ClassWide(attribute, cls.node.name, made_kind(made), ast.unparse(made))
    return None


def _stores(node: ast.AST, attribute: str) -> bool:
    """Whether another object is stored under that name, in an instance or in a class."""
    return isinstance(node, ast.Attribute) and node.attr == attribute and isinstance(node.ctx, ast.Store)
