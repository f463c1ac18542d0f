"""What a finding says: one sentence of what happened and why it matters, one of what to change."""

from __future__ import annotations

from raceway.findings import together
from raceway.findings.defaults import Default
from raceway.findings.sides import unnumbered
from raceway.findings.together import Moments
from raceway.findings.usual import Usual
from raceway.model.findings import AccessSide
from raceway.model.kinds import ActorKind, Confidence, FindingKind, RegionKind, Verdict
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

    @property
    def apart(self) -> bool:
        """Both sides hold locks, and none that is the same."""
        return bool(self.first.locks and self.second.locks) and not set(self.first.locks) & set(self.second.locks)

    @property
    def namesake(self) -> str:
        """A lock of that name is held by both sides, but each has another one, as those of two objects are."""
        other = set(map(unnumbered, self.second.locks))
        return next((name for name in map(unnumbered, self.first.locks) if self.apart and name in other), "")


def message(facts: Facts) -> str:
    """What happened, why it is harmful or latent, and where."""
    told = "" if facts.moments is None else together.what(facts.moments)
    parts = [_what(facts), told, _default(facts.default), _locks(facts), _effect(facts)]
    if facts.breach is not None and facts.breach.actors:
        who = " and ".join(dict.fromkeys(facts.breach.actors))
        parts.append(f"It is declared as guarded by {facts.breach.lock}, which {who} did not hold.")
    if facts.worker:
        parts.append(f"In this run one worker took both; {facts.worker}.")
    if facts.confidence is Confidence.OBSERVED:
        parts.append("This run saw it happen.")
    if facts.confidence is Confidence.PREDICTED:
        parts.append("In this run the order in which they took a lock kept them apart.")
    text = " ".join(part for part in parts if part)
    return text[:1].upper() + text[1:] if facts.worker else text


def _what(facts: Facts) -> str:
    variable, first, second = facts.variable, facts.first, facts.second
    actors = f"{first.actor.name} and {second.actor.name}"
    luck = facts.confidence is Confidence.PREDICTED
    order = "no common lock to order them" if facts.apart else "nothing to order them"
    if luck:
        order = "nothing but the luck of locks to order them"
    if facts.kind is FindingKind.AWAIT_GAP:
        return _gap(facts)
    if facts.kind is FindingKind.SPLIT_CRITICAL_SECTION:
        lock = next((name for name in first.locks if name in second.locks), "the lock")
        if facts.waited:
            return _waited(facts)
        takes_back = facts.regions[1] is RegionKind.VALUE
        does, then = ("reads", "writes it back") if takes_back else ("tests", "acts on the answer")
        seen = facts.confidence is Confidence.OBSERVED
        who = first.actor.name
        other = f"while {who} has written it" if seen else f"and nothing keeps {who} from writing it"
        if first.operation == "read":
            other = f"and nothing keeps {who}, which makes the same test, from doing so"
        return (
            f"{second.actor.name} {does} {variable} under {lock}, lets go of it, takes it again and {then}, "
            f"{other} in between."
        )
    closed = [pair for pair in zip((first, second), facts.regions, strict=True) if pair[1] is not None]
    if facts.kind is FindingKind.CHECK_THEN_ACT and RegionKind.VALUE in facts.regions:  # only the other one tests
        closed = [pair for pair in closed if pair[1] is not RegionKind.VALUE] or closed
    regional = [side for side, _region in closed]
    if len(regional) == 1 and facts.kind in (FindingKind.LOST_UPDATE, FindingKind.CHECK_THEN_ACT):
        one = regional[0].actor.name
        other = (second if regional[0] is first else first).actor.name
        if facts.kind is FindingKind.CHECK_THEN_ACT:
            return f"{one} tests {variable} and then acts on the answer, which {other} can change in between."
        return f"{one} reads {variable} and writes it back; what {other} writes in between is overwritten."
    if facts.kind is FindingKind.LOST_UPDATE:
        return f"{actors} read and write back {variable} with {order}: one update can overwrite the other."
    if facts.kind is FindingKind.CHECK_THEN_ACT:
        return f"{actors} test {variable} and then act on the answer, which the other can change in between."
    if facts.kind is FindingKind.DOUBLE_INIT:
        return f"{actors} both initialise {variable} when they find it missing: it can be made twice and one is lost."
    if facts.kind is FindingKind.ITERATION_MUTATION:
        walker, changer = (first, second) if first.operation == "iterate" else (second, first)
        return f"{walker.actor.name} walks over {variable} while {changer.actor.name} changes its structure."
    if facts.advances:
        return f"{actors} both go on with the generator {variable}, with {order}."
    if facts.kind is FindingKind.WRITE_WRITE:
        return f"{actors} both write {variable} with {order}: which value stays is luck."
    reader, writer = (first, second) if first.operation in {"read", "iterate"} else (second, first)
    return f"{reader.actor.name} reads {variable} while {writer.actor.name} writes it, with {order}."


def _waited(facts: Facts) -> str:
    """Who waits for a condition and looks no more, and who may come first when the wait is over."""
    name, other = facts.second.actor.name, facts.first.actor.name
    seen = facts.confidence is Confidence.OBSERVED
    first = f"while {other} has come first and changed it" if seen else f"and nothing keeps {other} from coming first"
    return f"{name} tests {facts.variable}, waits, and then acts without a second look, {first}."


def _gap(facts: Facts) -> str:
    """Who reads, awaits and writes, and who may write meanwhile. Greenlets await nothing: any call may switch."""
    if facts.echo:
        name, line = facts.second.actor.name, f" in line {facts.heads[1]}" if facts.heads[1] else ""
        return (
            f"What {name} works on was stored in {facts.variable}{line}, and after an await {name} asks for it there, "
            f"when {facts.first.actor.name} has stored its own in between: wrong, unless the newest one is meant."
        )
    both = all(region is not None for region in facts.regions)
    owner = facts.second if facts.regions[1] is not None else facts.first
    other = facts.first if owner is facts.second else facts.second
    region, head = (facts.regions[1], facts.heads[1]) if owner is facts.second else (facts.regions[0], facts.heads[0])
    where = f" in line {head}" if head and head != owner.line else ""
    tests = region in (RegionKind.TEST, RegionKind.LAZY_INIT)
    does = "tests" if tests else "reads"
    then = "initialises it" if region is RegionKind.LAZY_INIT else "acts on the answer" if tests else "writes it back"
    meanwhile = f"{other.actor.name} can do the same" if both else f"{other.actor.name} can write it"
    switches = owner.actor.kind == ActorKind.GREENLET.value
    pauses, when = ("lets others run", "then") if switches else ("awaits", "during the await")
    return f"{owner.actor.name} {does} {facts.variable}{where}, {pauses}, and then {then}: {meanwhile} {when}."


def _locks(facts: Facts) -> str:
    """Why the locks that both sides hold do not help."""
    if not facts.apart or facts.reason:
        return ""
    sides = (facts.first, facts.second)
    if facts.namesake:
        one, other = (next(lock for lock in side.locks if unnumbered(lock) == facts.namesake) for side in sides)
        names = f"{sides[0].actor.name} holds {one}, {sides[1].actor.name} {other}"
        return f"Each holds a {facts.namesake}, but of an object of its own: {names}."
    first, second = (" and ".join(side.locks) for side in sides)
    names = f"{sides[0].actor.name} holds {first}, {sides[1].actor.name} {second}"
    return f"Each holds a lock, but not the same one: {names}."


def _default(default: Default | None) -> str:
    if default is None:
        return ""
    name, function, kind = default.parameter, default.function, default.kind
    return f"`{name}` is a default argument of {function}(): one {kind} for all calls that do not give another one."


def _effect(facts: Facts) -> str:
    """Why the finding is harmful, or safe only by luck, on which interpreters."""
    if facts.reason:
        return f"Benign: {facts.reason}."
    if facts.kind is FindingKind.AWAIT_GAP and facts.confidence is Confidence.UNORDERED:
        return (
            f"Latent: in this run {facts.first.actor.name} was through with it when {facts.second.actor.name} began, "
            "which had been made before: only that its await did not let others run for long has kept them apart."
        )
    if facts.kind in (FindingKind.AWAIT_GAP, FindingKind.SPLIT_CRITICAL_SECTION):
        return ""
    if facts.advances:
        return "Who comes while the other one is inside gets ValueError: generator already executing."
    harmful = facts.gil_verdict is Verdict.HARMFUL
    if facts.kind in (FindingKind.LOST_UPDATE, FindingKind.CHECK_THEN_ACT, FindingKind.DOUBLE_INIT):
        what = "write back" if facts.kind is FindingKind.LOST_UPDATE else "act"
        begin = "read" if facts.kind is FindingKind.LOST_UPDATE else "test"
        if harmful:
            return f"Between the {begin} and the {what} other threads can run, on every interpreter."
        if not facts.gil:
            return (
                f"Between the {begin} and the {what} other threads can run: this interpreter has no GIL. With one it "
                "is latent, as CPython 3.10 and later then switches threads only at calls and loop ends, and there is "
                "none in between."
            )
        return (
            "Latent: CPython 3.10 and later with a GIL switches threads only at calls and loop ends, and there is none "
            f"between the {begin} and the {what} here; free-threaded builds, other interpreters and a small edit "
            "(a property, a function call) have no such luck."
        )
    if facts.kind is FindingKind.ITERATION_MUTATION:
        if facts.between_tasks and not harmful:
            return (
                "Latent: no await of the loop has let others run in this run. As soon as one does, the loop can raise "
                "RuntimeError, skip items or see some twice."
            )
        if harmful:
            return "The loop can raise RuntimeError, skip items or see some twice."
        if not facts.gil:
            return "The walk can fail, skip items or see some twice. Latent with a GIL, which makes it one step in C."
        return "Latent: the walk is one call into C, which a GIL makes one step; free-threaded builds do not."
    seen = "a stale value" if facts.alone else "a stale or half-published state"
    if not facts.gil:
        return f"A reader can see {seen}, with a GIL too, though each access is one step there."
    return f"Latent: with a GIL each access is one step, but a reader can see {seen}."


def fix(facts: Facts) -> str:
    """What to change, in one sentence."""
    if facts.default is not None:
        name, function, kind = facts.default.parameter, facts.default.function, facts.default.kind
        new = f"`if {name} is None: {name} = {facts.default.made}`"
        return f"Make the {kind} inside of {function}(), new for each call: `{name}=None` in its head, then {new}."
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
    told = _by_lock(facts, lock, usual)
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
    if facts.kind is FindingKind.READ_WRITE:
        handed = "hand it over through a queue or an Event"
        return f"Guard both accesses of {facts.variable} with {one}{as_there}, or {handed}."
    if facts.advances:
        return f"Hold one lock around each step of {facts.variable}, or let one thread step and put items into a queue."
    return f"Guard both writes of {facts.variable} with {one}{as_there}, or let one thread own it."


def _by_lock(facts: Facts, lock: str, usual: str) -> str:
    """What to change about the locks that are held; `lock` is held by one side alone. Empty where they tell nothing."""
    if facts.namesake:
        return (
            f"Guard {facts.variable} with one lock for all instances, a class attribute or one of the module: here "
            "each object has its own."
        )
    if facts.kind is FindingKind.ITERATION_MUTATION:
        lock = lock or usual
        where = f"holding {lock}" if lock else "under the lock that guards the changes"
        return f"Iterate over a copy made {where}, or hold that lock for the whole loop."
    if lock and facts.moments is not None and lock in _writer(facts).locks:
        return together.held(facts.moments, lock)
    if lock:
        return f"Hold {lock} on both sides: one side already does."
    return _common(facts) if facts.apart else ""


def _gap_fix(facts: Facts) -> str:
    if facts.echo:
        return f"Make {facts.variable} a contextvars.ContextVar, or hand on its value as an argument."
    held = [name for name in facts.first.locks if name in facts.second.locks]
    if held:
        return f"Look at {facts.variable} again once {held[0]} is held, or take it before the first look."
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
    return f", as {usual.function} does ({usual.file}:{usual.line})"


def _writer(facts: Facts) -> AccessSide:
    return facts.second if facts.first.operation in ("read", "iterate") else facts.first


def _common(facts: Facts) -> str:
    """Which of the locks of both sides to hold on both: the usual one, which one side lacks."""
    first, second = facts.first, facts.second
    usual = facts.usual.lock if facts.usual is not None else ""
    lock = usual if usual in {*first.locks, *second.locks} else first.locks[-1]
    lacking = second if lock in first.locks else first
    place = f"{lacking.file}:{lacking.line}"
    return f"Hold {lock} on both sides: {lacking.actor.name} holds only {' and '.join(lacking.locks)} at {place}."


def guard(first: AccessSide, second: AccessSide) -> str:
    """The lock that one side holds and the other does not, empty when both or neither hold one."""
    only = [
        *(name for name in first.locks if name not in second.locks),
        *(name for name in second.locks if name not in first.locks),
    ]
    return only[0] if only and not (first.locks and second.locks) else ""
