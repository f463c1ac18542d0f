"""Dataflow inside one activation: which earlier reads a write depends on, and what lies between them.

The model: reads flow through locals (`env`), tests guard what follows them (`tests`), and a counter numbers the
segments, the stretches without a switch point. A write depends on a read of the same access path when the read flows
into the written value or guards the write. Paths only preselect: the detector asks for the same location, actor
and activation before it speaks of a region.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import libcst as cst

from raceway.model.kinds import RegionKind
from raceway.model.sites import Context, SiteForm
from raceway.transform.links import Links
from raceway.transform.plan import Draft
from raceway.transform.source import literal
from raceway.transform.ways import Ways
from raceway.transform.works import Works

Taint = frozenset[Draft]
"""The reads that a value depends on."""

CLEAN: Taint = frozenset()

_FLAGS = frozenset({"None", "True", "False"})
"""Stores of these mark something; they initialise nothing."""

_PUTTING = frozenset({"append", "appendleft", "extend", "extendleft", "add", "insert"})

STRUCTURE = "~"
"""Path suffix of a container's structure."""


def _joined(parts: list[str]) -> str:
    """The spelling of what has these parts; empty where one has none."""
    return f"({', '.join(parts)},)" if all(parts) else ""


@dataclass(frozen=True, slots=True)
class Guard:
    """A test in force: the reads it used, and those it found absent (None, false, missing) on this branch; `present`:
    those that the last test of a loop that is over has found true. `refuses`: what follows runs as it did not raise.
    `open`: the reads that either outcome may have had on this branch, as in `if not x and y: return`. `loops`: the
    condition of a loop, in its body. `since`: when the newest of the locals that it names was given by a call."""

    reads: Taint
    absent: Taint
    present: Taint = frozenset()
    over: bool = False
    refuses: bool = False
    open: Taint = CLEAN
    loops: bool = False
    since: int = 0

    def found(self, literal: str) -> Taint:
        """The reads that were found as `literal` says when the loop ended."""
        if not self.over:
            return CLEAN
        return {"False": self.absent, "True": self.present}.get(literal, CLEAN)


@dataclass(frozen=True, slots=True)
class Wait:
    """The reads in the test of an `if` that has waited for a condition, the `with` blocks around it, and when."""

    reads: Taint
    blocks: tuple[int, ...]
    clock: int


@dataclass(eq=False, slots=True)
class Flow:
    """The state of one activation while its body is walked in evaluation order.

    `asked` are reads that were tested for being there at all, `told` those that what is returned depends on. `blind`
    are writes before which nothing tests their place. `answers` has, of locals that are what a comparison said, the
    number of that binding and the reads that are absent if it is true, and if it is false. `matched` are reads that
    were compared for equality with what is no literal: whoever it names is the one that may go on, as with a turn.
    `equated` are those that were compared for equality with whatever. `measured` are reads that were added to or taken
    from something, or compared by order with what is no small number. `awaited` are answers of calls that were awaited.
    `waits` are waits for conditions under a test that is over; `tried` counts the `try` statements around that have
    handlers; `bound` has when each local got its value, `given` when one was given it by a call.
    `is_async`: it is that of a coroutine or an asynchronous generator, so that what drives it may await at a `yield`.
    """

    is_async: bool = False
    env: dict[str, Taint] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    segment: int = 0
    awaits: int = 0
    blocks: tuple[int, ...] = ()
    ways: Ways = field(default_factory=Ways)
    clock: int = 0
    reads: list[Draft] = field(default_factory=list)
    returns: list[tuple[int, Taint]] = field(default_factory=list)
    breaks: int = 0
    asked: set[Draft] = field(default_factory=set)
    lazy: list[tuple[Draft, Draft, bool, bool]] = field(default_factory=list)
    told: set[Draft] = field(default_factory=set)
    blind: list[Draft] = field(default_factory=list)
    written: list[tuple[Draft, tuple[Guard, ...]]] = field(default_factory=list)
    answers: dict[str, tuple[int, tuple[Taint, Taint]]] = field(default_factory=dict)
    matched: set[Draft] = field(default_factory=set)
    equated: set[Draft] = field(default_factory=set)
    measured: set[Draft] = field(default_factory=set)
    links: Links = field(default_factory=Links)
    awaited: set[Draft] = field(default_factory=set)
    waits: list[Wait] = field(default_factory=list)
    tried: int = 0
    bound: dict[str, int] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    works: Works = field(default_factory=Works)

    def __post_init__(self) -> None:
        self.links.are_kept = self.is_async

    def switch(self) -> None:
        """A switch point: call, loop back-edge, await."""
        self.segment += 1

    def suspend(self) -> None:
        """An await: other tasks may run."""
        self.awaits += 1
        self.segment += 1
        self.ways.suspend()

    @contextlib.contextmanager
    def block(self) -> Iterator[None]:
        """The body of a `with` statement."""
        outer, self.clock = self.blocks, self.clock + 1
        self.blocks = (*outer, self.clock)
        yield
        self.blocks = outer

    def give(self) -> None:
        """A yield: whoever drives the generator runs, and awaits only where it can be a coroutine."""
        if self.is_async:
            self.suspend()
        else:
            self.switch()

    def bind(self, name: str, taint: Taint) -> None:
        """A local gets a new value."""
        self.env[name] = taint
        self.versions[name] = self.versions.get(name, 0) + 1
        self.bound[name] = self.clock

    def branch(self, before: dict[str, Taint]) -> None:
        """Join the two ways to here: through what was walked since `before`, and past it."""
        names = before.keys() | self.env.keys()
        self.env = {name: before.get(name, CLEAN) | self.env.get(name, CLEAN) for name in names}

    def path(self, node: cst.CSTNode) -> str:
        """The access path of an expression, empty when it has none; locals carry the number of their binding."""
        if isinstance(node, cst.Name):
            return f"{node.value}#{self.versions.get(node.value, 0)}"
        if isinstance(node, cst.Attribute):
            base = self.path(node.value)
            return base and f"{base}.{node.attr.value}"
        if isinstance(node, cst.Subscript):
            keys = [self._spelled(element.slice) for element in node.slice]
            several = len(keys) > 1 or isinstance(node.slice[0].comma, cst.Comma)
            return self._item(node.value, _joined(keys) if several else keys[0])
        return ""

    def item_path(self, container: cst.CSTNode, key: cst.CSTNode) -> str:
        """The access path of one item, or of an attribute by the value that is its name."""
        return self._item(container, self._spelled(key))

    def _item(self, container: cst.CSTNode, spelled: str) -> str:
        base = self.path(container)
        return f"{base}[{spelled}]" if base and spelled else ""

    def _spelled(self, key: cst.CSTNode) -> str:
        """A key whose parts are literals and paths, in one spelling; empty for any other."""
        if isinstance(key, (cst.Index, cst.Arg)):
            return "" if key.star else self._spelled(key.value)
        if isinstance(key, cst.Tuple):
            return _joined([self._spelled(one.value) if isinstance(one, cst.Element) else "" for one in key.elements])
        if isinstance(key, cst.BinaryOperation):
            left, right = self._spelled(key.left), self._spelled(key.right)
            return f"({left} {type(key.operator).__name__} {right})" if left and right else ""
        if isinstance(key, cst.FormattedString):
            return _joined(["f", *map(self._part, key.parts)])
        return literal(key) or self.path(key)

    def _part(self, part: cst.BaseFormattedStringContent) -> str:
        """A part of a key that is a formatted string."""
        if isinstance(part, cst.FormattedStringText):
            return repr(part.value)
        if isinstance(part, cst.FormattedStringExpression) and not part.format_spec and not part.conversion:
            return self._spelled(part.expression)
        return ""

    def stamp(self, draft: Draft, paths: tuple[str, ...]) -> None:
        """Note when `draft` is reached and where it goes."""
        self.clock += 1
        draft.order, draft.segment, draft.awaits = self.clock, self.segment, self.awaits
        draft.blocks = self.blocks
        draft.paths = tuple(path for path in paths if path)

    def read(self, draft: Draft, *paths: str) -> Taint:
        """A read is reached."""
        self.stamp(draft, paths)
        self.reads.append(draft)
        return frozenset((draft,))

    def write(self, draft: Draft, value: Taint, *paths: str) -> None:
        """A write is reached: link it to the reads it depends on."""
        self.stamp(draft, paths)
        self.links.note(draft.anchor, self.guards, value)
        for read in sorted(value, key=_order):
            if self._same(read, draft):
                draft.add_region(read, RegionKind.VALUE, *self._between(read), self._splits(read, value))
        if self._repeats(draft):
            return
        self._find_guard(draft)
        if all(region.kind is RegionKind.VALUE for region in draft.regions):
            self.blind.append(draft)
        self._note_sure(draft, value)
        if self.waits and not self.tried:
            self._find_wait(draft)
        if draft.regions:
            self.written.append((draft, tuple(self.guards)))

    def _note_sure(self, draft: Draft, value: Taint) -> None:
        """Note the heads of a write that stores what was awaited for since, on all ways from there to here."""
        heads = {region.head for region in draft.regions if region.awaits}
        for read in (read for read in self.reads if read.index in heads):
            stored = any(one in self.awaited and one.order > read.order for one in value)
            if stored and self.ways.suspend_always(read.awaits):
                draft.sure.add(read.index)

    def _repeats(self, draft: Draft) -> bool:
        """Whether a flag is stored as the end of a loop has found it, or another way out of the loop would: `while
        self.alive: ...` and then `self.alive = False`. Nothing relies on what was found."""
        if draft.context is not Context.STORE or draft.literal not in _FLAGS:
            return False
        return any(self._same(read, draft) for guard in self.guards for read in guard.found(draft.literal))

    def _find_guard(self, draft: Draft) -> None:
        """The innermost guard counts: it tests again what an outer one asked (double-checked locking)."""
        found = False
        for guard in reversed(self.guards):
            tested = _newest(read for read in sorted(guard.reads, key=_order) if self._same(read, draft))
            if tested and found:
                draft.rechecked = True
                for read, _instead in tested:
                    read.double_checked = True
                return
            for read, instead in tested:
                found = True
                self._guarded(draft, read, read in guard.absent, instead)

    def _guarded(self, draft: Draft, read: Draft, absent: bool, instead: bool) -> None:
        spans, awaits = self._between(read)
        acted = draft.context is Context.AUGMENT and spans and self._acted(read)
        if acted and self._acted(read, at_once=True):
            awaits = False
        brings = self._brings(draft, read) and self._splits(read, takes=True)
        if absent and initialises(draft) and not brings:
            draft.add_region(read, RegionKind.LAZY_INIT, spans, awaits, instead=instead)
        else:
            if absent and draft.form is SiteForm.ITEM and _stores(draft) and not brings:
                self.lazy.append((draft, read, spans, awaits))
            takes, fills = draft.takes and not self.tried, fills_up(draft, read, read in self.measured)
            adds = (draft.context is Context.AUGMENT or takes or brings or fills) and read not in self.matched
            splits = adds and not self._acted_inside(read) and (brings or self._splits(read, takes=takes or fills))
            how = fills, brings and splits and not fills, draft.fails and not absent
            draft.add_region(read, RegionKind.TEST, spans, awaits, splits, acted, instead, *how)

    def _find_wait(self, draft: Draft) -> None:
        """What was waited for under an `if` may be gone when the wait is over, as others may have come first."""
        deletes = draft.context is Context.DELETE and draft.form is SiteForm.ITEM
        marks = draft.context is Context.STORE and draft.literal in _FLAGS
        if not (draft.takes or deletes or marks or draft.context is Context.AUGMENT):
            return
        looks = [
            (read, read in guard.open)
            for guard in self.guards
            for read in guard.reads
            if not read.passed_by and (self._same(read, draft) or read.form is SiteForm.METHOD)
        ]
        for wait in self.waits:
            later = [(read, vain) for read, vain in looks if read.order > wait.clock]
            if all(vain for _read, vain in later) and self.blocks[: len(wait.blocks)] == wait.blocks:
                for read in sorted(wait.reads, key=_order):
                    if self._same(read, draft) and read not in self.matched:
                        draft.rely_on_wait(read, [look for look, _vain in later])

    def _splits(self, read: Draft, value: Taint = CLEAN, takes: bool = False) -> bool:
        """Whether the read was made in a `with` block that was left since, and the write is made in another one, in
        which it looks at nothing anew: neither what it tests there nor what it writes tells of a change in between.

        Not so if it was asked whether there is a value at all: who makes it outside of locks and stores it later, as
        caches do, makes it twice at most. Who `takes` what is there, or makes the new value of it, relies on that.
        """
        inside, anew = set(self.blocks), [*value, *(tested for guard in self.guards for tested in guard.reads)]
        splits = bool(inside) and is_split(self, read, value, takes)
        return splits and not any(inside & set(other.blocks) for other in anew)

    def _brings(self, draft: Draft, read: Draft) -> bool:
        """Whether what is stored was there before the read."""
        return bool(draft.brought) and self.bound.get(draft.brought, 0) < read.order

    def _acted_inside(self, read: Draft) -> bool:
        """Whether a write has acted on the test in its own `with` block: what gives back later does not rely on it."""
        return any(set(write.blocks) & set(read.blocks) and self._same(read, write) for write, _guards in self.written)

    def _acted(self, read: Draft, at_once: bool = False) -> bool:
        """Whether, on the way to here, a write has acted on the test, `at_once`: before any await.

        What adds to or takes from the value of the time later, as a place that was taken is given back, does not rely
        on the test any more.
        """
        return any(
            (write.awaits == read.awaits or not at_once)
            and write.order > read.order
            and self._same(read, write)
            and all(ours is theirs for ours, theirs in zip(self.guards, guards, strict=False))
            and len(guards) <= len(self.guards)
            for write, guards in self.written
        )

    def _between(self, read: Draft) -> tuple[bool, bool]:
        return read.segment != self.segment, read.awaits != self.awaits

    @staticmethod
    def _same(read: Draft, write: Draft) -> bool:
        return any(path in write.paths for path in read.paths)

    def finish(self) -> None:
        """At the end of the activation: an item stored because it was missing, and used afterwards, is a lazy cache.
        And it is known which places were read by one site only."""
        counts = Counter(path for read in self.reads for path in read.paths)
        asking = self.links.asking()
        for read in self.reads:
            read.answers, read.asks = read in self.told, read.anchor in asking
            read.once = all(counts[path] == 1 for path in read.paths)
        for write, head, spans, awaits in self.lazy:
            used = any(read.order > write.order and self._same(read, write) for read in self.reads)
            returned = any(order > write.order and head in taint for order, taint in self.returns)
            if used or returned:
                write.regions = [region for region in write.regions if region.head != head.index]
                write.add_region(head, RegionKind.LAZY_INIT, spans, awaits)


def initialises(write: Draft) -> bool:
    """Whether a write, if what it stores was missing, makes the value of a variable."""
    return write.form in (SiteForm.ATTRIBUTE, SiteForm.GLOBAL, SiteForm.CELL) and _stores(write)


def _stores(write: Draft) -> bool:
    return write.context is Context.STORE and write.literal not in _FLAGS


def hold(flow: Flow, name: str) -> None:
    """`acquire()` or `release()` is called: what lies between the two is a block, as a `with` statement has one."""
    if name == "acquire":
        flow.clock += 1
        flow.blocks = (*flow.blocks, flow.clock)
    elif name == "release":
        flow.blocks = flow.blocks[:-1]


def fills_up(write: Draft, read: Draft, measured: bool) -> bool:
    """Whether a write puts something into what a read, that was measured or not, has asked for how full it is."""
    puts = write.name in _PUTTING if write.form is SiteForm.METHOD else write.context is Context.STORE
    return measured and puts and bool(read.paths) and all(path.endswith(STRUCTURE) for path in read.paths)


def is_split(flow: Flow, read: Draft, value: Taint = CLEAN, takes: bool = False) -> bool:
    """Whether the read was made in `with` blocks that were left since, and is relied on by what locks anew; for
    what was asked whether it is there at all see `Flow._splits`."""
    left = bool(read.blocks) and set(read.blocks).isdisjoint(flow.blocks)
    return left and (takes or read not in flow.asked or flow.works.made(value, read))


def _newest(reads: Iterable[Draft]) -> list[tuple[Draft, bool]]:
    """Of reads of one place, in order, the last: a test that compares it with an older one looks at it anew. Where a
    short circuit may pass it by, the one before it stands in for it, and is marked so."""
    places: dict[tuple[str, ...], list[Draft]] = {}
    for read in reads:
        known = places.setdefault(read.paths, [])
        if not read.passed_by:
            known.clear()
        known.insert(0, read)
    return [(read, read is not known[0]) for known in places.values() for read in known]


def _order(draft: Draft) -> int:
    return draft.order
