"""Random programs with loops that wait for what others count, and with what `heapq` and `bisect` do to lists.

Such a loop has a tap where it ends, if its module stores nothing but numbers in what it asks for; so the clocks of
these programs are of a class of their own. They are another sort of programs: more of the same would change all seeds.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.grammar import HEAD, Programs, module

CLOCKS = f"""\
import heapq
from bisect import insort as placed
{HEAD}
class Clock(Box):
  def __init__(self):
    super().__init__()
    self.ticks = 0
    self.stopped = False
  def goes(self): return self.ticks < 2
  @property
  def late(self):
    spark('late')
    return self.ticks > 2
def drop():
  global g
  if spark('drop'): del g
  return 1

"""
_TESTS = (
    "{0}.ticks < 2", "not {0}.ticks >= 2", "(0 <= {0}.ticks\n    < 2)", "({0}\n    .ticks < 2)", "{0}.goes()",
    "({0}.ticks < 2\n    or {0}.ticks < {1})", "not {0}.late and again()", "not {0}.stopped and {1} and again()",
    "(not\n    {0}.stopped and {0}\n    .goes())", "{0}.ticks < {1} and again()", "{0}.goes() is {1} is again()",
    "({0}.ticks < 1 if {1} else {0}.ticks < 2)", "({0}.ticks, {1}) < (2, again())", "g.ticks < drop() and again()",
    "g.ticks < drop()",
    "{0}.ticks < (yield_of := {1}) and again()", "{0}.ticks + len({1}) < 4",
)  # fmt: skip


class Waiting(Programs):
    """Statements of these sorts beside the others."""

    def simple(self) -> tuple[Callable[[int], str], ...]:
        """Heaps and lists that are sorted."""
        return (
            *super().simple(),
            lambda _d: f"heapq.heappush({self.operand(1)}, {self.expression(1)})\n",
            lambda _d: f"spark(heapq.heappop(made('items')), heapq.nsmallest({self.operand(1)}, {self.operand(1)}))\n",
            lambda _d: f"placed({self.operand(1)}, {self.expression(1)}, key=lambda e: {self.expression(1)})\n",
        )

    def compound(self) -> tuple[Callable[[int], str], ...]:
        """Loops that wait."""
        return (*super().compound(), *[self.wait] * 16)

    def wait(self, depth: int) -> str:
        """A clock, and a loop until it has gone far enough."""
        owner = self.random.choice((self.name(), self.local()))
        test = self.random.choice(_TESTS).format(owner, self.expression(1))
        after = f"else:\n{self.block(0)}" if self.rarely() else ""
        return f"{owner} = g = Clock()\nwhile {test}:\n  tick({owner})\n{self.looped(depth - 1)}{after}"


def waiting_module(seeds: list[int]) -> str:
    """A module with one such program for each seed."""
    return module(seeds, Waiting, CLOCKS)
