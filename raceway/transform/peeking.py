"""Which taps of a plan are rendered for a core that can look at the value stack of the frame that runs a tap.

Such a core needs only the tap that commits: `d[K[k]]` finds `d` right below itself, `d[k] += W[v]` finds `d` and `k`
three and two places below, `o.x += W[v]` finds `o` two below, and a captured variable is told by its place in the
frame. Where nothing can happen while the value of `o.x += 1` or `d[k] += n` is evaluated, the tap of the object or of
the key stands for that of the value: `S[o].x += 1`, `d[K[k]] += n`. It is reached before the old value is read, so the
core asks whether there is one.
In the form "hold" every operand has its tap, and the earlier ones hold theirs for the one that commits.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from raceway.model.sites import Context, Role, SiteForm
from raceway.transform.plan import Draft, Plan, Tap
from raceway.transform.source import literal

HOLD = "hold"
PEEK = "peek"


def taps_of(plan: Plan, form: str) -> Iterator[Tap]:
    """The taps that the form needs, in the order in which they were planned."""
    if form == HOLD:
        yield from plan.taps
        return
    called = {tap.draft: tap.node for tap in plan.taps if tap.field == "args"}
    early = _early(plan)
    for tap in plan.taps:
        if tap.role is early.get(tap.draft, tap.draft.commit) or not _sees_below(tap.draft, called.get(tap.draft)):
            yield tap


def _early(plan: Plan) -> dict[Draft, Role]:
    """Sites of augmented assignments whose value is a literal or a name without a tap: the tap that commits instead."""
    names = {tap.node for tap in plan.taps if isinstance(tap.node, cst.Name)}
    found: dict[Draft, Role] = {}
    for tap in plan.taps:
        if tap.role is Role.VALUE and isinstance(tap.node, cst.AugAssign) and _sees_below(tap.draft, None):
            value = tap.node.value
            if literal(value) or (isinstance(value, cst.Name) and value not in names):
                by_key = tap.draft.form is SiteForm.ITEM and not tap.draft.key
                found[tap.draft] = Role.KEY if by_key else Role.BASE
    return found


def _sees_below(draft: Draft, call: cst.CSTNode | None) -> bool:
    """Whether the operands of the site stand at known places below the tap that commits."""
    if draft.commit is Role.VALUE:
        if draft.form is SiteForm.ITEM:
            return draft.keyed  # a slice takes one place or two
        return draft.form is SiteForm.ATTRIBUTE and (draft.context is Context.AUGMENT or _is_plain_call(call))
    if draft.form is SiteForm.METHOD or draft.form is SiteForm.ATTRIBUTE:
        return _is_plain_call(call)
    return True


def _is_plain_call(call: cst.CSTNode | None) -> bool:
    """Whether the arguments stand on the stack one after the other: a starred one makes a tuple of them."""
    return not isinstance(call, cst.Call) or not any(argument.star for argument in call.args)
