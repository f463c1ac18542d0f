"""What is known of a finding: what its sentences, and its advice, are made of."""

from __future__ import annotations

from raceway.findings.classwide import ClassWide
from raceway.findings.defaults import Default
from raceway.findings.published import Early
from raceway.findings.relocked import Relock
from raceway.findings.sides import unnumbered
from raceway.findings.together import Moments
from raceway.findings.usual import Usual
from raceway.model.findings import AccessSide
from raceway.model.kinds import Confidence, FindingKind, RegionKind, Verdict
from raceway.model.struct import Struct


class Breach(Struct):
    """The program declares a lock, which these actors do not hold."""

    lock: str
    actors: tuple[str, ...]


class Facts(Struct):
    """What the sentences are made of. `gil` says whether the interpreter that ran has one, `heads` are
    the lines where the regions of both sides begin, 0 without one."""

    kind: FindingKind
    variable: str
    confidence: Confidence
    gil_verdict: Verdict
    gil: bool
    first: AccessSide
    second: AccessSide
    regions: tuple[RegionKind | None, RegionKind | None]
    reason: str
    heads: tuple[int, int] = (0, 0)
    breach: Breach | None = None
    advances: bool = False
    """The variable is a generator, and both sides go on with it."""
    keyed: bool = False
    """The variable is an item of a container."""
    waited: bool = False
    """The second side acts on a test before a wait."""
    usual: Usual | None = None
    """The lock that is held where the variable is guarded."""
    default: Default | None = None
    """The variable is a default argument, one object for all calls."""
    loop_locks: frozenset[str] = frozenset()
    """Those among the locks of both sides that are of an event loop."""
    class_wide: ClassWide | None = None
    """The variable is a container of a class, one object for all instances."""
    moments: Moments | None = None
    """What the variable is read together with."""
    alone: bool = False
    """What one side stores is whole, and the two race on nothing else."""
    between_tasks: bool = False
    """Both sides are of one event loop."""
    worker: str = ""
    """Both sides are jobs of one worker, and this says who else could have had one of them."""
    echo: bool = False
    """The second side asks for what it has stored itself."""
    line: str = ""
    """The line that reads the variable through one function and writes it back through another."""
    tested: bool = False
    """What the reading side finds decides what it does next."""
    changed: str = ""
    """The method by which the reading side changes what the other one replaces after a look at it."""
    early: Early | None = None
    """What the writing side does too early: who reads finds what is not complete."""
    used: str = ""
    """One side tests the place and then uses it, and the other makes it None ("value") or takes it out ("item")."""
    back: bool = False
    """A side stores a value of its own, and reads it back."""
    replaced: Relock | None = None
    """The variable is a lock, or both sides hold one of that name, and another one is stored in its place."""
    wake: str = ""
    """The event that the looking side clears after the look, and the other one sets when it has put something in."""
    semaphore: str = ""
    """A side that holds no lock stands in a `with` statement of this semaphore, which lets several in."""

    @property
    def apart(self) -> bool:
        """Both sides hold locks, and none that is the same."""
        return bool(self.first.locks and self.second.locks) and not set(self.first.locks) & set(self.second.locks)

    @property
    def namesake(self) -> str:
        """A lock of that name is held by both sides, but each has another one, as those of two objects are."""
        other = set(map(unnumbered, self.second.locks))
        return next((name for name in map(unnumbered, self.first.locks) if self.apart and name in other), "")

    @property
    def gone(self) -> str:
        """A lock of one of the sides, of an object that is gone by now, which the other side does not hold."""
        names = (*self.first.locks, *self.second.locks) if self.apart else ()
        return next((name for name in names if name.removeprefix("lock ").isdigit()), "")


def reader_first(first: AccessSide, second: AccessSide) -> tuple[AccessSide, AccessSide]:
    """Two sides, that which only reads first, if there is one."""
    return (first, second) if first.operation in ("read", "iterate") else (second, first)
