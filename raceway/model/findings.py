"""Named findings and the report document: what `findings` makes and `report` renders.

The field names are those of the JSON report, schema 1. Fields may be added, never renamed.
"""

from __future__ import annotations

from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
from raceway.model.struct import Struct

SCHEMA = 1


class Frame(Struct):
    """One stack entry; `file` is relative to the working directory where it lies under it."""

    file: str
    line: int
    function: str


class Actor(Struct):
    """Who made an access: `kind` is an `ActorKind` value, `name` what the program calls it."""

    kind: str
    name: str


class AccessSide(Struct):
    """One side of a finding. Columns are 0-based offsets in characters; `stack` is innermost first.

    `source` is the line without its indentation, which `indent` counts in characters.
    """

    operation: str
    file: str
    line: int
    column: int
    end_column: int
    function: str
    source: str
    actor: Actor
    locks: tuple[str, ...]
    stack: tuple[Frame, ...]
    indent: int = 0


class Verdicts(Struct):
    """The verdict per sort of interpreter; `asyncio` only between tasks."""

    gil: Verdict
    free_threaded: Verdict
    asyncio: Verdict | None = None


class Finding(Struct):
    """One finding, deduplicated: `count` racing pairs were folded into it."""

    fingerprint: str
    kind: FindingKind
    severity: Severity
    confidence: Confidence
    verdict: Verdicts
    variable: str
    message: str
    fix: str
    count: int
    accesses: tuple[AccessSide, ...]
    reason: str = ""


class LockContention(Struct):
    """How locks of one name were taken at one place. Times are milliseconds in all, but for the longest wait.

    `held_ms` is how long they were held over the `holds` that began with a wait: the others are not timed.
    """

    lock: str
    file: str
    line: int
    function: str
    acquisitions: int
    waits: int
    wait_ms: float
    longest_wait_ms: float
    holds: int
    held_ms: float


class NotSeen(Struct):
    """Something the run did not look at: `reason` is a slug such as `imported-before-hook`."""

    reason: str
    module: str
    detail: str = ""


class Tool(Struct):
    """Which Raceway wrote the report; `fallback` says why it took the pure core when no core was asked for by name."""

    name: str
    version: str
    core: str
    fallback: str = ""


class Run(Struct):
    """What was run, on what, for how long (seconds)."""

    command: tuple[str, ...]
    python: str
    gil: bool
    duration_s: float


class Summary(Struct):
    """Counts of the run."""

    error: int = 0
    warning: int = 0
    info: int = 0
    suppressed: int = 0
    modules: int = 0
    sites: int = 0
    accesses: int = 0
    actors: int = 0
    shared_locations: int = 0
    dropped: int = 0
    self_check: str = "not-run"


class Report(Struct):
    """The whole report document, schema 1. Findings are sorted: worst first, then by place."""

    tool: Tool
    run: Run
    summary: Summary
    findings: tuple[Finding, ...]
    not_seen: tuple[NotSeen, ...] = ()
    schema: int = SCHEMA
