"""What every finding gets, whichever rule made it: source around its sides, the steps of cycles."""

from __future__ import annotations

import os

from raceway.findings import naming
from raceway.findings.interleaving import cycle
from raceway.model.findings import AccessSide, Finding
from raceway.model.kinds import FindingKind
from raceway.model.struct import replace


def completed(finding: Finding, directory: str) -> Finding:
    """The finding with what it lacks. Paths in it are relative to `directory`."""
    sides = tuple(_with_context(side, directory) for side in finding.accesses)
    if finding.kind is FindingKind.LOCK_ORDER_CYCLE and not finding.steps:
        return replace(finding, accesses=sides, steps=cycle(sides))
    return replace(finding, accesses=sides)


def _with_context(side: AccessSide, directory: str) -> AccessSide:
    if side.context or not side.line:
        return side
    first, lines = naming.lines_around(os.path.join(directory, side.file), side.line)
    return replace(side, context=lines, context_line=first)
