"""Stop flags that a loop asks for in its midst, and is left because of, not in the test of a `while`.

    for message in self.consumer:
        self.handle(message)
        if not self.running:
            break

Who stores the flag has the loop left, and the loop asks each time: after an old answer it asks again. None is no such
flag, since who has found something else may go on to use it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import pairwise

from raceway.findings.syntax import around, within
from raceway.model.sites import Context, Site

REASON = "a stop flag: one side stores {0}, the other asks for it in each round of a loop, which it leaves then"

_CONSTANTS = {"True": True, "False": False}
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def is_left(reader: tuple[str, Site], writer: Site) -> bool:
    """Whether the reader asks in a loop for a flag, and what is stored has the loop left."""
    if writer.context is not Context.STORE or writer.literal not in _CONSTANTS:
        return False
    nodes = within(around(*reader))
    if not nodes:
        return False
    outcome: object = _CONSTANTS[writer.literal]
    for index, (node, parent) in enumerate(pairwise(nodes)):
        if isinstance(parent, ast.If) and parent.test is node:
            return bool(outcome) and _leaves(parent) and _in_loop(nodes[index + 1 :])
        step = _step(parent, node)
        if step is None:
            return False
        outcome = step(outcome)
    return False


def _step(parent: ast.AST, node: ast.AST) -> Callable[[object], object] | None:
    """What the expression around makes of the answer, as far as it depends on it; None where more is done with it."""
    match parent:
        case ast.UnaryOp(op=ast.Not()):
            return lambda value: not value
        case ast.BoolOp():
            return bool
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=asked)]):
            return (lambda value: value is asked) if left is node else None
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=asked)]):
            return (lambda value: value is not asked) if left is node else None
    return None


def _leaves(test: ast.If) -> bool:
    """Whether nothing is done but leaving, with a fixed answer if any, or an error comes of it."""
    match test.body:
        case [ast.Break() | ast.Return(value=None | ast.Constant() | ast.Name())] | [*_, ast.Raise()]:
            return True
    return False


def _in_loop(nodes: tuple[ast.AST, ...]) -> bool:
    """Whether the first of the nodes lies in the body of a loop, of which the others are around it."""
    return any(isinstance(parent, _LOOPS) and node in parent.body for node, parent in pairwise(nodes))
