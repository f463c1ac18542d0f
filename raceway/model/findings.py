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

    `source` is the line without its indentation, which `indent` counts in characters. `context` has the lines around it
    as they are in the file, the first of them being line `context_line`; it is empty when the source cannot be had.
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
    context: tuple[str, ...] = ()
    context_line: int = 0


class Step(Struct):
    """One row of the interleaving: what the actor of side `side` does at a place, in an order that does harm.

    `value` is the source of what is stored, where the program says it literally, else empty. `harm` says what goes
    wrong at this step, and is empty for all the steps before.
    """

    side: int
    operation: str
    file: str
    line: int
    source: str
    value: str = ""
    harm: str = ""


class Verdicts(Struct):
    """The verdict per sort of interpreter; `asyncio` only between tasks."""

    gil: Verdict
    free_threaded: Verdict
    asyncio: Verdict | None = None


class Related(Struct):
    """Another finding, by its fingerprint and what it is on."""

    fingerprint: str
    variable: str


class Finding(Struct):
    """One finding, deduplicated: `count` racing pairs were folded into it.

    `steps` are an order of events that does harm: the one that happened when the confidence is `observed`, else one
    that nothing forbids. `guard` is the lock that one side holds and the others lack, empty when there is none.
    `suppressed` says what keeps the finding out of the counts: a suppression or the baseline.
    """

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
    steps: tuple[Step, ...] = ()
    guard: str = ""
    suppressed: str = ""
    tests: tuple[str, ...] = ()
    """The tests during which it was found."""
    state: str = ""
    """"test" when both sides are code of the tests, so that what is shared is theirs and not the product's."""
    key: str = ""
    """The key that ends `variable` in brackets, where all racing pairs were about that item."""
    also: tuple[tuple[Frame, ...], ...] = ()
    """Other pairs of places in the same functions that race in the same way, and are folded into this finding."""
    related: tuple[Related, ...] = ()
    """The findings on what is read and written together with the variable."""

    @property
    def any_key(self) -> str:
        """The variable as it is called whichever key it has: `Shop.stock[...]`."""
        return f"{self.variable.removesuffix(f'[{self.key}]')}[...]" if self.key else self.variable

    @property
    def places(self) -> tuple[Frame, ...]:
        """The places of the sides, in the order of the source."""
        frames = (Frame(side.file, side.line, side.function) for side in self.accesses)
        return tuple(sorted(frames, key=lambda frame: (frame.file, frame.line)))

    def __str__(self) -> str:
        """What and where, in one line."""
        places = " and ".join(dict.fromkeys(f"{side.file}:{side.line}" for side in self.accesses))
        return f"{self.severity.name} {self.kind.value} on {self.variable} [{self.fingerprint}]: {places}"


class Note(Struct):
    """A suppression that did not do its work. `state` is a slug, `where` its place, `text` how it is spelled."""

    state: str
    where: str
    text: str


class Sifted(Struct):
    """Findings told apart: those that count, and those that are known. `notes` tell of suppressions without effect."""

    kept: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()


class Life(Struct):
    """When an actor ran, in seconds since the run began; `ended` is None for one that ran to the end."""

    actor: Actor
    began: float
    ended: float | None = None


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
    """Which Raceway wrote the report; `fallback` says why it took the pure core when no core was asked for by name.

    `fingerprints` is the version of the way they are made (`model.baseline.VERSION`): those of another one compare with
    nothing. Reports that do not say it are of the first.
    """

    name: str
    version: str
    core: str
    fallback: str = ""
    fingerprints: int = 1


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


class WatchedModule(Struct):
    """A module that was instrumented."""

    module: str
    file: str
    sites: int


class Unwatched(Struct):
    """Modules that ran as plain Python for one reason. `packages` are their top-level names, none for the many of the
    standard library."""

    reason: str
    modules: int
    packages: tuple[str, ...] = ()


class Process(Struct):
    """A process of the run. `started` is "fork" or "exec", `ended` "handed-in", "lost" (killed) or "running" still."""

    pid: int
    parent: int
    started: str
    ended: str
    command: tuple[str, ...]


class Coverage(Struct):
    """What the run saw, and what it did not. `alone` are tests during which only one actor ran; `sync_unknown` are
    types of loaded packages that synchronise in a way that is not followed."""

    watched: tuple[WatchedModule, ...] = ()
    unwatched: tuple[Unwatched, ...] = ()
    sync_unknown: tuple[str, ...] = ()
    processes: tuple[Process, ...] = ()
    tests: int = 0
    alone: tuple[str, ...] = ()


class Report(Struct):
    """The whole report document, schema 1. Findings are sorted: worst first, then by place.

    `suppressed` has the findings that are left out of `findings` and of the counts. `lives` has the threads in the
    order of their starts; of very many, the first ones.
    """

    tool: Tool
    run: Run
    summary: Summary
    findings: tuple[Finding, ...]
    not_seen: tuple[NotSeen, ...] = ()
    schema: int = SCHEMA
    suppressed: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    lives: tuple[Life, ...] = ()
    coverage: Coverage | None = None


class Part(Struct):
    """What one process of a run hands in: a report of its own, None before there is one. `done`: it is the last."""

    process: Process
    report: Report | None
    done: bool
