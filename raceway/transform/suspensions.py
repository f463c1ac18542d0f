"""Whether a loop goes on after an await in its body: a walk that is left after it is not disturbed by what others do
meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

ALERT, SUSPENDED = 1, 2
"""Ways to get to a place of the body, as bits: without an await in this round, and with one."""

_NESTED = (cst.FunctionDef, cst.ClassDef, cst.Lambda)
_LOOPS = (cst.For, cst.While)


def goes_on_after_await(body: cst.CSTNode, is_async: bool) -> bool:
    """Whether the end of the body of a loop can be reached with an await behind. `is_async`: a yield may be one."""
    return bool(_ways(body, is_async) & SUSPENDED)


def awaits_each_round(body: cst.CSTNode, is_async: bool) -> bool:
    """Whether the end of the body can only be reached with an await behind."""
    return _ways(body, is_async) == SUSPENDED


def _ways(body: cst.CSTNode, is_async: bool) -> int:
    walk = _Walk(is_async)
    return walk.run(body, ALERT) | walk.continued


class _Walk:
    """The ways through one loop body; those that end in the next round by `continue` are kept apart."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async
        self.continued = 0
        self.broken = 0

    def run(self, node: cst.CSTNode, ways: int) -> int:
        """The ways past `node`, for the ways to it; 0 when nothing gets past it."""
        if isinstance(node, (cst.BaseSuite, cst.SimpleStatementLine)):
            for statement in node.body:
                ways = self.run(statement, ways)
            return ways
        if isinstance(node, (cst.Return, cst.Raise)):
            return 0
        if isinstance(node, cst.Break):
            self.broken |= ways
            return 0
        if isinstance(node, cst.Continue):
            self.continued |= ways
            return 0
        if isinstance(node, cst.If):
            ways = self._evaluate((node.test,), ways)
            return self.run(node.body, ways) | (ways if node.orelse is None else self.run(node.orelse, ways))
        if isinstance(node, _LOOPS):
            return self._loop(node, ways)
        if isinstance(node, (cst.Try, cst.TryStar)):
            return self._try(node, ways)
        if isinstance(node, cst.With):
            after = self.run(node.body, self._evaluate(node.items, ways, node.asynchronous is not None))
            return self._evaluate((), after, node.asynchronous is not None)
        if isinstance(node, cst.Match):
            ways = self._evaluate((node.subject,), ways)
            return ways | self._any(node.cases, ways)
        if isinstance(node, (cst.Else, cst.Finally, cst.ExceptHandler, cst.ExceptStarHandler, cst.MatchCase)):
            return self.run(node.body, ways)
        return self._evaluate((node,), ways)

    def _any(self, nodes: Sequence[cst.CSTNode], ways: int) -> int:
        found = 0
        for node in nodes:
            found |= self.run(node, ways)
        return found

    def _loop(self, node: cst.For | cst.While, ways: int) -> int:
        outer = self.continued, self.broken
        self.continued = self.broken = 0
        if isinstance(node, cst.For):
            ways = self._evaluate((node.iter,), ways, node.asynchronous is not None)
        else:
            ways = self._evaluate((node.test,), ways)
        ways |= self.run(node.body, ways) | self.continued
        after = ways if node.orelse is None else self.run(node.orelse, ways)
        after |= self.broken
        self.continued, self.broken = outer
        return after

    def _try(self, node: cst.Try | cst.TryStar, ways: int) -> int:
        after = self.run(node.body, ways)
        raised = self._evaluate((node.body,), ways) | ways
        after = after if node.orelse is None else self.run(node.orelse, after)
        after |= self._any(node.handlers, raised)
        return after if node.finalbody is None else self.run(node.finalbody, after)

    def _evaluate(self, nodes: Sequence[cst.CSTNode], ways: int, awaits: bool = False) -> int:
        """The ways past what has no ways of its own: all of them with an await behind if there is one."""
        return SUSPENDED if ways and (awaits or any(map(self._suspends, nodes))) else ways

    def _suspends(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NESTED):
            return False
        if isinstance(node, cst.Await) or (self.is_async and isinstance(node, cst.Yield)):
            return True
        if isinstance(node, (cst.CompFor, cst.For, cst.With)) and node.asynchronous is not None:
            return True
        return any(self._suspends(child) for child in node.children)
