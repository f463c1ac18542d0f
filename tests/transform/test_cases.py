"""Before and after: a file of `fixtures/transform` holds a program, a line of dashes, and what becomes of it.

After the rendered text come lines that the text cannot show: `beside:` for taps that are statements of their own, and
`depends:` for the reads that a write depends on. A name that ends in `.py312` needs that version of Python.
`RACEWAY_UPDATE_CASES=1` writes the files anew; read every change then.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import pytest

from raceway.model.sites import Role, Site
from raceway.transform import instrument, text
from raceway.transform.facts import gather
from raceway.transform.forms import plan as make_plan
from raceway.transform.plan import Plan

CASES = Path(__file__).resolve().parent.parent.parent / "fixtures" / "transform"
DASHES = "-----\n"
UPDATE = bool(os.environ.get("RACEWAY_UPDATE_CASES"))


def runs_here(case: Path) -> bool:
    """Whether this Python can compile the program of a case."""
    needed = re.search(r"\.py3(\d+)$", case.stem)
    return needed is None or sys.version_info >= (3, int(needed[1]))


def cases() -> list[Path]:
    """Every case that this Python can compile."""
    return [case for case in sorted(CASES.glob("*.txt")) if runs_here(case)]


def program(case: Path) -> str:
    """The program of a case, as its author wrote it."""
    return case.read_text(encoding="utf-8").partition(DASHES)[0]


def beside(plan: Plan) -> Iterator[str]:
    """The taps that the text cannot show."""
    for tap in plan.taps:
        if tap.role is Role.STATEMENT or tap.field == "orelse":
            draft = tap.draft
            name = f" {draft.name}" if draft.name else ""
            yield f"beside: {tap.role.value}{draft.index} {draft.form.value} {draft.context.value}{name}, {tap.field}\n"


def depends(sites: tuple[Site, ...]) -> Iterator[str]:
    """Which site depends on which read, and what lies between."""
    for site in sites:
        for region in site.regions:
            marks = [region.kind.value, "spans" * region.spans, "awaits" * region.awaits, "rechecked" * site.rechecked]
            yield f"depends: {site.index} on {region.head} ({', '.join(filter(None, marks))})\n"


def transformed(source: str) -> str:
    """What stands below the dashes."""
    root = cst.parse_module(source.encode())
    plan = make_plan(root, gather(ast.parse(source)))
    sites = instrument(source.encode(), "case.py", "case").sites
    return "".join([text.render(root, plan).code, *beside(plan), *depends(sites)])


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_transform(case: Path) -> None:
    before = program(case)
    after = transformed(before)
    if UPDATE:
        case.write_text(before + DASHES + after, encoding="utf-8")
    assert case.read_text(encoding="utf-8").partition(DASHES)[2] == after


def test_there_are_cases() -> None:
    assert len(cases()) > 50
