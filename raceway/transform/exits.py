"""Exits of functions with taps: each way to one that has no place gets an exit of its own, on the line it comes from.

A function that ends without `return` does so on the line that it did last. The compiler sees to that with copies of its
exit, which it makes as long as an exit is a few instructions; with a tap in it, it is more. What `endings` cannot write
out, since a `return` in a `finally` would swallow exceptions, is copied here, in the finished code:

    12  x(); jump to the exit             12  x(); jump to one              12  one: tap, return
    11  unless b(): jump to the exit      11  unless b(): jump to other     11  other: tap, return

Python 3.13 does so itself.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import CodeType

from raceway.model import placeholders
from raceway.model.sites import Role
from raceway.transform.assembly import Position, Row, Step, assembled, parsed

_JUMP, _BACK, _NOP = (dis.opmap[name] for name in ("JUMP_FORWARD", "JUMP_BACKWARD", "NOP"))
_LEAVING = frozenset(
    dis.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD",
                 "JUMP_BACKWARD_NO_INTERRUPT")
    if name in dis.opmap
)  # fmt: skip
"""What the next instruction does not follow."""
_LETTING_GO = frozenset(dis.opmap[name] for name in ("POP_EXCEPT", "SWAP", "POP_TOP"))
"""What stands before an exit: it leaves a handler or a loop."""
_TAP = ["LOAD_CONST", "LOAD_CONST", "BINARY_OP", "POP_TOP"]
_RETURNS = (["LOAD_CONST", "RETURN_VALUE"], ["RETURN_CONST"], ["RETURN_VALUE"])
_SHORT = 4
"""What the compiler copies, in instructions."""


class _Exit:
    """An exit, the steps that do nothing but lead to it, and the copies that are made of it."""

    def __init__(self, found: list[Step], steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.ways = _ways(found, steps)
        """What is done from each of those steps on, and from the first one of the exit."""
        self.placeless = steps[0].position[2] is None
        """Whether the compiler knew no place for it, and perhaps took the line of what is before it."""
        self.opened = {step for step in self.ways if self.placeless and _is_open(step)}
        """Those of the steps that nobody is to come to from a line."""
        self.copies: dict[tuple[Step, Position], list[Step]] = {}

    def lead(self, step: Step, position: Position) -> None:
        """Have a jump go to a copy that stands there, if the exit has no place itself."""
        assert step.target is not None
        way = self.ways[step.target]
        key = way[0], position
        if key not in self.copies:
            self.copies[key] = [replace(one, position=position if self.placeless else one.position) for one in way]
        step.target = self.copies[key][0]
        if step.operation == _BACK:  # tracers would see the line again
            step.operation = _JUMP


def spread(code: CodeType, marker: bytes) -> CodeType:
    """The code with copies of its exits, where several lines lead to one, or a jump leads back to it."""
    if sys.version_info >= (3, 13) or not any(_leaves(constant, marker) for constant in code.co_consts):
        return code
    found, rows = parsed(code)
    places = [step.position for step in found]
    if all(columns is None for _line, _end, columns, _last in places):
        return code  # with -X no_debug_ranges nothing has columns
    copies: list[tuple[list[Step], list[Row]]] = []
    for place, first in list(_exits(code, found, marker)):
        exit = _Exit(found, first)
        _lead(found, exit)
        guards = [row for row in rows if _covers(row, found, place)]
        copies += [(copy, guards) for copy in exit.copies.values()]
    if not copies and places == [step.position for step in found]:
        return code
    return _appended(code, found, rows, copies)


def _appended(
    code: CodeType, found: list[Step], rows: list[Row], copies: list[tuple[list[Step], list[Row]]]
) -> CodeType:
    """The code with copies at its end, each guarded as the exit is that it was made of."""
    ends: list[Step | None] = [*(copy[0] for copy, _guards in copies), None]
    more = [
        Row(copy[0], end, row.handler, row.depth)
        for (copy, guards), end in zip(copies, ends[1:], strict=True)
        for row in guards
    ]
    for row in rows:
        row.end = row.end or ends[0]
    return assembled(code, [*found, *(step for copy, _guards in copies for step in copy)], [*rows, *more])


def _leaves(constant: object, marker: bytes) -> bool:
    placeholder = placeholders.parse(marker, constant)
    return placeholder is not None and placeholder[1] is Role.VALUE


def _exits(code: CodeType, found: list[Step], marker: bytes) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """Where there is an exit, and its steps."""
    names = [dis.opname[step.operation] for step in found]
    for place, step in enumerate(found):
        if names[place : place + len(_TAP)] != _TAP or not _leaves(code.co_consts[step.argument], marker):
            continue
        after = place + len(_TAP)
        for how in _RETURNS:
            if names[after : after + len(how)] == how:
                steps = tuple(found[place : after + len(how)])
                _stand(
                    steps, steps[1].position
                )  # of a copy of its own, 3.12 has the first step stand where it came from
                yield place, steps


def _stand(some: tuple[Step, ...], position: Position) -> None:
    for step in some:
        step.position = position


def _covers(row: Row, found: list[Step], place: int) -> bool:
    return found.index(row.start) <= place < (len(found) if row.end is None else found.index(row.end))


def _ways(found: list[Step], exit: tuple[Step, ...]) -> dict[Step, tuple[Step, ...]]:
    ways = {exit[0]: exit}
    targets = {step.target for step in found}
    silent = [here for here, step in enumerate(found[:-1]) if _is_silent(step, found[here + 1], targets)]
    more = True
    while more:
        more = False
        for here in reversed(silent):
            step = found[here]
            done = ways.get(found[here + 1] if step.target is None else step.target)
            if done is None or step in ways:
                continue
            if step.operation in _LETTING_GO:
                done = (step, *done)
            if len(done) <= len(_TAP) + _SHORT:
                if step.position[2] is not None:
                    step.position = done[1].position
                ways[step] = done
                more = True
    return ways


def _is_silent(step: Step, after: Step, targets: set[Step | None]) -> bool:
    """Whether a step may be one of a way."""
    if step.position[2] is None:
        return step.operation in _LETTING_GO or step.operation in (_JUMP, _BACK, _NOP)
    # Of a copy of its own, 3.12 has the first step stand where it came from, and no other.
    begins = sys.version_info >= (3, 12) and step in targets and step.operation in _LETTING_GO
    return begins and after.position[2] is None and after.operation not in (_JUMP, _BACK)


def _is_open(step: Step) -> bool:
    """Whether a step has no place. 3.12 makes jumps back without one, and there is no line then, plain either."""
    return step.position[2] is None and step.operation != _BACK


def _lead(found: list[Step], exit: _Exit) -> None:
    """Have what leads to an exit from a line lead to a copy on that line, or the exit stand there."""
    for here, step in enumerate(found[:-1]):
        if step in exit.ways or step.position[0] is None:
            continue
        if step.target in exit.ways and (step.operation == _BACK or step.target in exit.opened):
            exit.lead(step, step.position)
        if step.operation not in _LEAVING and found[here + 1] in exit.opened:
            _follow(found[here + 1 :], exit, step.position)


def _follow(way: list[Step], exit: _Exit, position: Position) -> None:
    """The same for what goes on to the first of these steps from that place."""
    for step in way:
        if step is exit.steps[0]:
            _stand(exit.steps, position)
            return
        step.position = position
        if step.target is not None:
            exit.lead(step, position)
            return
