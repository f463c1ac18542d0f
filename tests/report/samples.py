"""Hand-made reports: what a run of a small bank would report, whole and in its variations."""

from __future__ import annotations

from raceway.model.baseline import VERSION
from raceway.model.findings import (
    AccessSide,
    Actor,
    Finding,
    Frame,
    Life,
    Note,
    NotSeen,
    Report,
    Run,
    Step,
    Summary,
    Tool,
    Verdicts,
)
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
from raceway.model.struct import replace

_BOOT = (
    Frame("/usr/lib/python3.11/threading.py", 982, "Thread.run"),
    Frame("/usr/lib/python3.11/threading.py", 1045, "Thread._bootstrap_inner"),
    Frame("/usr/lib/python3.11/threading.py", 1002, "Thread._bootstrap"),
)

_WITHDRAW = AccessSide(
    operation="read-modify-write",
    file="bank.py",
    line=12,
    column=8,
    end_column=20,
    function="Account.withdraw",
    source="        self.balance = current - amount  # the new balance",
    actor=Actor("thread", "teller-1"),
    locks=("Bank.lock",),
    stack=(Frame("bank.py", 12, "Account.withdraw"), Frame("bank.py", 44, "teller"), *_BOOT),
    context=(
        "    def withdraw(self, amount):",
        "        current = self.balance",
        "        self.balance = current - amount  # the new balance",
    ),
    context_line=10,
)
_DEPOSIT = AccessSide(
    operation="write",
    file="bank.py",
    line=107,
    column=8,
    end_column=20,
    function="Account.reset",
    source="        self.balance = 0",
    actor=Actor("thread", "MainThread"),
    locks=(),
    stack=(Frame("bank.py", 107, "Account.reset"), *(Frame("bank.py", 200 + n, f"step_{n}") for n in range(12))),
)
LOST_UPDATE = Finding(
    fingerprint="3f2a90c1",
    kind=FindingKind.LOST_UPDATE,
    severity=Severity.ERROR,
    confidence=Confidence.OBSERVED,
    verdict=Verdicts(Verdict.HARMFUL, Verdict.HARMFUL),
    variable="Account.balance",
    message="teller-1 computed a new Account.balance from a value that MainThread had replaced in between, "
    "so the write of MainThread is lost.",
    fix="Hold Bank.lock in Account.reset too: it already guards the other side.",
    count=17,
    accesses=(_WITHDRAW, _DEPOSIT),
    steps=(
        Step(0, "read", "bank.py", 11, "current = self.balance"),
        Step(1, "write", "bank.py", 107, "self.balance = 0", value="0"),
        Step(
            0,
            "write",
            "bank.py",
            12,
            "self.balance = current - amount  # the new balance",
            harm="from the value read before: the write of MainThread is lost",
        ),
    ),
    guard="Bank.lock",
)

_INCREMENT = AccessSide(
    operation="read-modify-write",
    file="stats.py",
    line=8,
    column=4,
    end_column=14,
    function="count",
    source="    hits += 1",
    actor=Actor("thread", "Thread-1 (count)"),
    locks=(),
    stack=(Frame("stats.py", 8, "count"),),
)
COUNTER = Finding(
    fingerprint="90be11d2",
    kind=FindingKind.LOST_UPDATE,
    severity=Severity.WARNING,
    confidence=Confidence.UNORDERED,
    verdict=Verdicts(Verdict.LATENT, Verdict.HARMFUL),
    variable="stats.hits",
    message="Two threads update stats.hits at the same place and nothing orders them.",
    fix="Guard `hits += 1` with a lock that every thread takes.",
    count=1,
    accesses=(_INCREMENT, replace(_INCREMENT, actor=Actor("thread", "Thread-2 (count)"))),
    reason="safe under the GIL only because no switch point lies between the read and the write",
)

STOP_FLAG = Finding(
    fingerprint="77aa01f0",
    kind=FindingKind.READ_WRITE,
    severity=Severity.INFO,
    confidence=Confidence.UNORDERED,
    verdict=Verdicts(Verdict.SAFE, Verdict.SAFE),
    variable="Worker.stopping",
    message="MainThread sets Worker.stopping while worker polls it.",
    fix="Use threading.Event, which says what it is for.",
    count=3,
    accesses=(
        AccessSide(
            operation="write",
            file="worker.py",
            line=31,
            column=8,
            end_column=21,
            function="Worker.stop",
            source="        self.stopping = True",
            actor=Actor("thread", "MainThread"),
            locks=(),
            stack=(Frame("worker.py", 31, "Worker.stop"), Frame("worker.py", 50, "<module>")),
        ),
        AccessSide(
            operation="read",
            file="worker.py",
            line=9,
            column=18,
            end_column=31,
            function="Worker.run",
            source="        while not self.stopping:",
            actor=Actor("thread", "worker"),
            locks=(),
            stack=(Frame("worker.py", 9, "Worker.run"), *_BOOT),
        ),
    ),
)

_CACHED = AccessSide(
    operation="read",
    file="cache.py",
    line=20,
    column=7,
    end_column=30,
    function="Cache.get",
    source="    if key not in self.entries:",
    actor=Actor("task", "Task-2"),
    locks=("Cache.lock", "Cache.io_lock"),
    stack=(Frame("cache.py", 20, "Cache.get"), Frame("app.py", 9, "main")),
)
_STORED = replace(
    _CACHED,
    operation="write",
    line=22,
    column=8,
    end_column=25,
    source="        self.entries[key] = await fetch(key)",
    actor=Actor("task", "Task-3"),
)
AWAIT_GAP = Finding(
    fingerprint="c0ffee00",
    kind=FindingKind.AWAIT_GAP,
    severity=Severity.ERROR,
    confidence=Confidence.CONFIRMED,
    verdict=Verdicts(Verdict.HARMFUL, Verdict.HARMFUL, Verdict.HARMFUL),
    variable="Cache.entries['a']",
    message="Task-2 tests Cache.entries['a'], awaits, and writes it; Task-3 wrote it during the await.",
    fix="Test again after the await, or hold an asyncio.Lock across it.",
    count=2,
    accesses=(_CACHED, _STORED),
)


def _edge(taken: str, held: str, *, line: int, source: str, function: str) -> AccessSide:
    return AccessSide(
        operation=f"acquire {taken}",
        file="bank.py",
        line=line,
        column=13,
        end_column=len(source) - 1,
        function=function,
        source=source,
        actor=Actor("thread", f"closer-{line}"),
        locks=(held,),
        stack=(Frame("bank.py", line, function),),
    )


LOCK_CYCLE = Finding(
    fingerprint="10ccccee",
    kind=FindingKind.LOCK_ORDER_CYCLE,
    severity=Severity.INFO,
    confidence=Confidence.PREDICTED,
    verdict=Verdicts(Verdict.HARMFUL, Verdict.HARMFUL),
    variable="Bank.lock -> Audit.lock -> Log.lock",
    message="Three threads take Bank.lock, Audit.lock and Log.lock in an order that goes round.",
    fix="Take the locks in one order everywhere.",
    count=1,
    accesses=(
        _edge("Audit.lock", "Bank.lock", line=60, source="        with audit.lock:", function="Bank.close"),
        _edge("Log.lock", "Audit.lock", line=70, source="        with self.log.lock:", function="Audit.flush"),
        _edge("Bank.lock", "Log.lock", line=80, source="        with log.bank.lock:", function="Log.close"),
    ),
)

_TURNS = tuple(
    Step(index, operation, side.file, side.line, side.source)
    for operation in ("hold", "wait for")
    for index, side in enumerate(LOCK_CYCLE.accesses)
)
LOCK_CYCLE = replace(LOCK_CYCLE, steps=(*_TURNS[:-1], replace(_TURNS[-1], harm="each waits for the next, for ever")))

KNOWN = replace(COUNTER, fingerprint="0123abcd", suppressed="stats.py:8: the page shows hundreds")
NOTES = (
    Note("suppression-unused", "bank.py:3", "ignore[lost-update] gone"),
    Note("suppression-expired", "suppress", "write-write until=2020-01-01"),
    Note("suppression-unreadable", "bank.py:9", "'ignore me': write # raceway: ignore[KIND] reason"),
)
LIVES = (
    Life(Actor("thread", "MainThread"), 0.0),
    Life(Actor("thread", "teller-1"), 0.1, 0.9),
    Life(Actor("thread", "idle"), 0.2, 0.3),
)

NOT_SEEN = (
    NotSeen("imported-before-hook", "early"),
    *(NotSeen("imported-before-hook", f"plugins.p{n}") for n in range(12)),
    NotSeen("not-transformed", "shop.tax", "line 3: an annotated target in parentheses"),
    NotSeen("not-transformed", "shop.odd"),
    NotSeen("glob-matched-nothing", "shpo.*"),
    NotSeen("executed-before-install", "__main__"),
    NotSeen("zip-import", "bundled"),
)

TOOL = Tool("raceway", "0.1.0", "native", fingerprints=VERSION)
RUN = Run(("app.py",), "3.11.7", True, 1.2)
WATCHED = Summary(modules=3, sites=120, accesses=48211, actors=5, shared_locations=7)

QUIET = Report(TOOL, RUN, WATCHED, ())


def report(*findings: Finding, not_seen: tuple[NotSeen, ...] = (), gil: bool = True) -> Report:
    """A report with these findings, counted."""
    counts = {severity.value: sum(one.severity is severity for one in findings) for severity in Severity}
    return Report(
        TOOL,
        replace(RUN, gil=gil),
        replace(WATCHED, **counts),
        findings,
        not_seen,
    )


EVERYTHING = replace(
    report(LOST_UPDATE, COUNTER, AWAIT_GAP, LOCK_CYCLE, STOP_FLAG, not_seen=NOT_SEEN),
    suppressed=(KNOWN,),
    notes=NOTES,
    lives=LIVES,
)
"""A report that has something of everything."""
