"""What to change, in one sentence."""

from __future__ import annotations

from raceway.findings import together
from raceway.findings.facts import Facts, reader_first
from raceway.findings.locknames import of_objects
from raceway.findings.published import Early
from raceway.model.findings import AccessSide
from raceway.model.kinds import ActorKind, FindingKind

_HOLDS = {
    FindingKind.LOST_UPDATE: "from the read to the write",
    FindingKind.CHECK_THEN_ACT: "from the test to what depends on it",
    FindingKind.DOUBLE_INIT: "from the test to the initialisation",
}
"""How long a lock is to be held."""


def fix(facts: Facts) -> str:
    """What to change, in one sentence."""
    if facts.default is not None:
        name, function, kind = facts.default.parameter, facts.default.function, facts.default.kind
        new = f"`if {name} is None: {name} = {facts.default.made}`"
        return f"Make the {kind} inside of {function}(), new for each call: `{name}=None` in its head, then {new}."
    if facts.class_wide is not None:
        name, cls = facts.class_wide.attribute, facts.class_wide.cls
        return (
            f"If each {cls} is to have its own, make it in __init__(): `self.{name} = {facts.class_wide.made}`. "
            f"If not, {_small(_for_all(facts))}"
        )
    return _for_all(facts)


def _for_all(facts: Facts) -> str:
    if facts.wake:
        return f"Clear {facts.wake} right after the wait for it, before the look at {facts.variable}."
    if facts.kind is FindingKind.SPLIT_CRITICAL_SECTION:
        if facts.waited:
            return f"Look at {facts.variable} again after the wait: `while` in place of `if`, or wait_for()."
        common = next((name for name in facts.first.locks if name in facts.second.locks), "the lock")
        return f"Hold {common} from the first look at {facts.variable} to the write, or look again before the write."
    lock = guard(facts.first, facts.second)
    usual = facts.usual.lock if facts.usual is not None else ""
    one, as_there = usual or "one lock", _as_there(facts)
    if facts.breach is not None and facts.breach.actors:
        return f"Hold {facts.breach.lock.partition(' ')[0]} there, as is declared, or correct the declaration."
    if cause := _by_cause(facts):
        return cause
    told = _by_lock(facts, lock, usual)
    if facts.used and not facts.apart:
        return _use_fix(facts, lock or one, as_there)
    if told:
        return told
    if facts.moments is not None:
        return together.remedy(facts.moments, one)
    if facts.kind is FindingKind.AWAIT_GAP:
        return _gap_fix(facts)
    if facts.kind is FindingKind.DOUBLE_INIT:
        extra = (
            ", or use setdefault() where making a spare value does no harm"
            if facts.keyed
            else ", or initialise it before the threads start"
        )
        return f"Hold {one} around the test and the initialisation of {facts.variable}{as_there}{extra}."
    if facts.kind is FindingKind.CHECK_THEN_ACT:
        return f"Hold {one} around the test and the act on {facts.variable}{as_there}."
    if facts.kind is FindingKind.LOST_UPDATE:
        return (
            f"Hold {one} around the whole update of {facts.variable}, from the read to the write, on both sides"
            f"{as_there}."
        )
    if facts.changed:
        return f"Hold {one} from the look at {facts.variable} to the write, and around the {facts.changed}(){as_there}."
    if facts.tested:
        return (
            f"Hold {one} from the test of {facts.variable} to the end of what depends on it, and around the "
            f"write{as_there}: as soon as the lock is let go of, the answer may be out of date."
        )
    if facts.kind is FindingKind.READ_WRITE:
        handed = "hand it over through a queue or an Event"
        return f"Guard both accesses of {facts.variable} with {one}{as_there}, or {handed}."
    if facts.advances:
        return f"Hold one lock around each step of {facts.variable}, or let one thread step and put items into a queue."
    return f"Guard both writes of {facts.variable} with {one}{as_there}, or let one thread own it."


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _by_cause(facts: Facts) -> str:
    """What to change where no lock of both sides would help; empty where that is not so."""
    if facts.replaced is not None:
        kept, where = facts.replaced, f"{facts.replaced.function} ({facts.replaced.file}:{facts.replaced.line})"
        return f"Make {kept.lock} once, before others use it, and keep it: no new one in {where}."
    if facts.back:
        return (
            f"Keep it apart for each thread: a local that is handed on, threading.local() or a ContextVar, and not "
            f"{facts.variable}; a lock would have to be held from the store to the last read."
        )
    if facts.early is not None:
        return _early_fix(facts.early, facts.variable)
    return ""


def _early_fix(early: Early, variable: str) -> str:
    if early.flag:
        flag = variable.rpartition(".")[0] + f".{early.name}"
        return f"Set {flag} last, when {variable} and all else that it stands for is stored."
    if early.starter:
        return (
            f"Start the thread when {variable} and all else is stored, in a method that is called when the object is "
            f"made, and not in {early.starter}; or store it before line {early.line}."
        )
    return f"Store {variable} before line {early.line}, so that `{early.name}` is complete when others get it."


def _use_fix(facts: Facts, lock: str, as_there: str) -> str:
    """What to change where a place is tested and then used."""
    once = f"Read {facts.variable} once, into a local variable, and test that"
    if facts.used == "item":
        once = f"Look {facts.variable} up once, as get() or a try statement does" if facts.keyed else ""
    hold = f"old {lock} from the test of {facts.variable} to the end of the use, and around what changes it{as_there}"
    return f"{once}, or h{hold}." if once else f"H{hold}."


def _by_lock(facts: Facts, lock: str, usual: str) -> str:
    """What to change about the locks that are held; `lock` is held by one side alone. Empty where they tell nothing."""
    if facts.namesake and not of_objects(facts.namesake):
        return f"Guard {facts.variable} with the same lock on both sides: here each takes another one."
    if facts.namesake:
        return (
            f"Guard {facts.variable} with one lock for all instances, a class attribute or one of the module: here "
            "each object has its own."
        )
    if facts.gone:
        return (
            f"Guard {facts.variable} with one lock for all, a class attribute or one of the module: {facts.gone} was "
            "that of an object which is gone by now."
        )
    if facts.kind is FindingKind.ITERATION_MUTATION and facts.between_tasks:
        others = "greenlet" if facts.second.actor.kind == ActorKind.GREENLET.value else "task"
        return f"Iterate over a copy, `list(...)`: making it lets no other {others} run, so that it needs no lock."
    if facts.kind is FindingKind.ITERATION_MUTATION:
        lock = lock or ("" if facts.usual is not None and facts.usual.beside else usual)
        where = f"holding {lock}" if lock else "under the lock that guards the changes"
        return f"Iterate over a copy made {where}, or hold that lock for the whole loop."
    if lock and facts.moments is not None and lock in reader_first(facts.first, facts.second)[1].locks:
        return together.held(facts.moments, lock)
    if lock and facts.line:
        return f"Hold {lock} around all of {facts.line}, an RLock where the functions called there take it themselves."
    if lock and facts.kind in _HOLDS:
        return f"Hold {lock} on both sides, in one go {_HOLDS[facts.kind]}: one side already takes it."
    if lock and facts.tested:
        return f"Hold {lock} on both sides, from the test to the end of what depends on it: one side already takes it."
    if lock:
        return f"Hold {lock} on both sides: one side already does."
    return _common(facts) if facts.apart else ""


def _gap_fix(facts: Facts) -> str:
    if facts.echo:
        return f"Make {facts.variable} a contextvars.ContextVar, or hand on its value as an argument."
    held = [name for name in facts.first.locks if name in facts.second.locks]
    if held:
        return f"Look at {facts.variable} again once {held[0]} is held, or take it before the first look."
    if facts.keyed and (facts.first.operation, facts.second.operation) == ("delete", "write"):
        return (
            f"Hold one lock for tasks from the look at {facts.variable} to the write, and where it is taken out; or "
            "count there how often that was done, and store nothing if the count is another one after the await: a "
            "second look finds nothing, as the first one did."
        )
    if facts.second.actor.kind == ActorKind.GREENLET.value:
        return (
            f"Look at {facts.variable} again after the call that lets others run, or hold one lock for greenlets "
            "around all of it."
        )
    return (
        f"Move the await before the first look at {facts.variable} or after the write, look again after the "
        "await, or hold one lock for tasks around all of it."
    )


def _as_there(facts: Facts) -> str:
    """Where the usual lock is held, for a fix that names it."""
    usual = facts.usual
    if usual is None:
        return ""
    return f", as {usual.function} does{' for other variables' * usual.beside} ({usual.file}:{usual.line})"


def _common(facts: Facts) -> str:
    """Which of the locks of both sides to hold on both: the usual one, which one side lacks; or one of them."""
    first, second, usual = facts.first, facts.second, facts.usual
    one, other = first.locks[-1], second.locks[-1]
    if len(facts.loop_locks & {one, other}) == 1:
        of_loop, of_threads = (one, other) if one in facts.loop_locks else (other, one)
        return (
            f"Hold {of_threads} on both sides, in the coroutine with no await inside, or have one side hand the work "
            f"over to the other: {of_loop} is a lock of the event loop, which a thread cannot hold."
        )
    if usual is not None and usual.sure and usual.lock in {*first.locks, *second.locks}:
        return f"Hold {usual.lock} on both sides: {_lacks(second if usual.lock in first.locks else first)}."
    return f"Hold the same lock on both sides, {one} or {other}: {_lacks(first)}, {_lacks(second)}."


def _lacks(side: AccessSide) -> str:
    return f"{side.actor.name} holds only {' and '.join(side.locks)} at {side.file}:{side.line}"


def guard(first: AccessSide, second: AccessSide) -> str:
    """The lock that one side holds and the other does not, empty when both or neither hold one."""
    only = [
        *(name for name in first.locks if name not in second.locks),
        *(name for name in second.locks if name not in first.locks),
    ]
    return only[0] if only and not (first.locks and second.locks) else ""
