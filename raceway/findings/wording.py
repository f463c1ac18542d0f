"""What a finding says: one sentence of what happened and why it matters. `remedies` says what to change."""

from __future__ import annotations

from raceway.findings import together
from raceway.findings.classwide import ClassWide
from raceway.findings.defaults import Default
from raceway.findings.facts import Facts, reader_first
from raceway.findings.locknames import UNKNOWN, of_objects
from raceway.findings.sides import unnumbered
from raceway.model.kinds import ActorKind, Confidence, FindingKind, RegionKind, Verdict


def message(facts: Facts) -> str:
    """What happened, why it is harmful or latent, and where."""
    alone = facts.moments is None or facts.early is not None or facts.replaced is not None
    told = "" if facts.moments is None or alone else together.what(facts.moments)
    parts = [_what(facts), told, _default(facts.default), _class_wide(facts.class_wide), _locks(facts), _effect(facts)]
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
    if facts.wake:
        looks, puts = (one.actor.name for one in reader_first(first, second))
        return (
            f"{looks} looks at {variable} and then clears {facts.wake}: what {puts} adds in between, and tells of by "
            "setting it, is not seen until somebody sets it again."
        )
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
        if facts.used:
            spoils = "set to None" if facts.used == "value" else "take out"
            return f"{one} tests {variable} and then uses it, which {other} can {spoils} in between."
        if facts.kind is FindingKind.CHECK_THEN_ACT:
            return f"{one} tests {variable} and then acts on the answer, which {other} can change in between."
        where = f" in {facts.line}" if facts.line else ""
        return f"{one} reads {variable} and writes it back{where}; what {other} writes in between is overwritten."
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
    reader, writer = reader_first(first, second)
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
    """Why the locks that both sides hold, or the semaphore, do not help."""
    if facts.semaphore and not facts.reason:
        return f"{facts.semaphore} keeps nobody out: it is a semaphore that lets several in at a time."
    if not facts.apart or facts.reason:
        return ""
    sides = (facts.first, facts.second)
    if facts.namesake:
        one, other = (next(lock for lock in side.locks if unnumbered(lock) == facts.namesake) for side in sides)
        names = f"{sides[0].actor.name} holds {one}, {sides[1].actor.name} {other}"
        new, several = facts.replaced, of_objects(facts.namesake) and facts.replaced is None
        own = "each that of an object of its own" if several else "not the same one"
        why = "" if new is None else f" {new.function} stores another one in its place ({new.file}:{new.line})."
        return f"Both hold {'a ' * facts.namesake.startswith(UNKNOWN)}{facts.namesake}, but {own}: {names}.{why}"
    first, second = (" and ".join(side.locks) for side in sides)
    names = f"{sides[0].actor.name} holds {first}, {sides[1].actor.name} {second}"
    return f"Each holds a lock, but not the same one: {names}."


def _default(default: Default | None) -> str:
    if default is None:
        return ""
    name, function, kind = default.parameter, default.function, default.kind
    return f"`{name}` is a default argument of {function}(): one {kind} for all calls that do not give another one."


def _class_wide(found: ClassWide | None) -> str:
    if found is None:
        return ""
    return f"`{found.attribute}` is made in the body of {found.cls}: one {found.kind} for all instances."


def _effect(facts: Facts) -> str:
    """Why the finding is harmful, or safe only by luck, on which interpreters."""
    if facts.reason:
        return f"Benign: {facts.reason}."
    if facts.kind is FindingKind.AWAIT_GAP and facts.confidence is Confidence.UNORDERED:
        return (
            f"Latent: in this run {facts.first.actor.name} was through with it when {facts.second.actor.name} began, "
            "which had been made before: only that its await did not let others run for long has kept them apart."
        )
    if facts.wake or facts.kind in (FindingKind.AWAIT_GAP, FindingKind.SPLIT_CRITICAL_SECTION):
        return ""
    if facts.advances:
        return "Who comes while the other one is inside gets ValueError: generator already executing."
    harmful = facts.gil_verdict is Verdict.HARMFUL
    if facts.kind in (FindingKind.LOST_UPDATE, FindingKind.CHECK_THEN_ACT, FindingKind.DOUBLE_INIT):
        what = "write back" if facts.kind is FindingKind.LOST_UPDATE else "use" if facts.used else "act"
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
    return _luck(facts)


def _luck(facts: Facts) -> str:
    """What two accesses that are one step each, in either order, can do."""
    if facts.back:
        return "On every interpreter, who stores its own value there and reads it back can get that of the other one."
    reader, writer = reader_first(facts.first, facts.second)
    if facts.replaced is not None and not facts.namesake:
        return (
            "It is a lock, replaced while others take it: on every interpreter who has found the old one holds that, "
            "others the new one, and they do not keep each other out."
        )
    if facts.early is not None and facts.early.flag:
        flag = facts.variable.rpartition(".")[0] + f".{facts.early.name}"
        return (
            f"{flag} is set before it, in line {facts.early.line}: on every interpreter {reader.actor.name} can find "
            "that set, and this as it was."
        )
    if facts.early is not None and facts.early.starter:
        return (
            f"{facts.early.starter} has started a thread with the object before it, in line {facts.early.line}: on "
            f"every interpreter {reader.actor.name} can look for it when it is not there yet."
        )
    if facts.early is not None:
        return (
            f"`{facts.early.name}` is handed out before it, in line {facts.early.line}: on every interpreter "
            f"{reader.actor.name} can find the object when it is not complete."
        )
    if facts.changed:
        return (
            f"On every interpreter, {writer.actor.name} looks at the old one before it stores another, and what "
            f"{reader.actor.name} changes by {facts.changed}() in between is lost with it."
        )
    if facts.kind is FindingKind.WRITE_WRITE:
        return "Each write is one step, but on every interpreter who reads it can get the value of either."
    found = "the old value or the new one" if facts.alone else "the old value, the new one or a half-published state"
    if writer.operation in ("structural-change", "delete"):
        found = "it as it was before or as it is after"
    return f"Each access is one step, but on every interpreter {reader.actor.name} can find {found}."
