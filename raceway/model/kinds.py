"""The closed sets: operations, locations, findings, severities. Strings are what people and JSON see."""

from __future__ import annotations

import enum


class Operation(enum.Enum):
    """What one access does to its location."""

    READ = "read"
    WRITE = "write"
    READ_MODIFY_WRITE = "read-modify-write"
    DELETE = "delete"
    ITERATE = "iterate"
    STRUCTURAL_CHANGE = "structural-change"

    @property
    def mutates(self) -> bool:
        """Whether the operation can change what another actor reads."""
        return self not in (Operation.READ, Operation.ITERATE)

    @property
    def reads(self) -> bool:
        """Whether the operation asks for what is there."""
        return self in (Operation.READ, Operation.ITERATE, Operation.READ_MODIFY_WRITE)


class Commute(enum.Enum):
    """Atomic operations that may run in either order with the same outcome, when both are of one class."""

    NONE = "none"
    APPEND = "append"
    """At the end of a row: a walk over it goes on, and meets the new item or not."""
    ADD = "add"
    SETDEFAULT = "setdefault"
    DISCARD = "discard"
    INSERT_KEY = "insert-key"
    ENDS = "ends"
    """At either end of a deque, over which no walk goes on then."""


class LocationKind(enum.IntEnum):
    """What sort of place a location is."""

    ATTRIBUTE = 1
    ITEM = 2
    STRUCTURE = 3
    GLOBAL = 4
    CELL = 5

    # Enum's own __hash__ is a Python function; locations are hashed at every access.
    __hash__ = int.__hash__


class RegionKind(enum.Enum):
    """How a later write depends on an earlier read of the same location in the same activation."""

    VALUE = "value"
    TEST = "test"
    LAZY_INIT = "lazy-init"


class Verb(enum.IntEnum):
    """What an edge is that a core tells of. The native core has the same numbers."""

    TAKEN = 1
    FREED = 2
    ACQUIRE = 3
    RELEASE = 4
    MERGE = 5
    """A release that adds to earlier ones."""
    FORK = 6
    JOIN = 7
    END = 8
    RETIRE = 9
    NAME = 10
    RENAME = 11
    SPAWN = 12
    """A task of an event loop was made."""
    DONE = 13


class FindingKind(enum.Enum):
    """The ten kinds of finding."""

    LOST_UPDATE = "lost-update"
    CHECK_THEN_ACT = "check-then-act"
    DOUBLE_INIT = "double-init"
    WRITE_WRITE = "write-write"
    READ_WRITE = "read-write"
    ITERATION_MUTATION = "iteration-mutation"
    AWAIT_GAP = "await-gap"
    SPLIT_CRITICAL_SECTION = "split-critical-section"
    LOCK_ORDER_CYCLE = "lock-order-cycle"
    WRONG_THREAD = "wrong-thread"


class Severity(enum.Enum):
    """How much a finding matters on the interpreter that ran; see DESIGN in docs/architecture.md."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for error, 2 for info: sorting puts the worst first."""
        return ("error", "warning", "info").index(self.value)


class Confidence(enum.Enum):
    """How the run showed the finding."""

    OBSERVED = "observed"
    UNORDERED = "unordered"
    PREDICTED = "predicted"
    CONFIRMED = "confirmed"


class Verdict(enum.Enum):
    """What the finding means on one sort of interpreter."""

    HARMFUL = "harmful"
    LATENT = "latent"
    LUCK = "luck"
    """Each access is one step, and which of them comes first is not said: a matter of what the program makes of it."""
    SAFE = "safe"


class ActorKind(enum.Enum):
    """Who performs accesses."""

    THREAD = "thread"
    TASK = "task"
    CALLBACK = "callback"
    PROCESS = "process"
    GREENLET = "greenlet"
