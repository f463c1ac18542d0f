"""What a committed site means: which locations its operand addresses, and which operations it does to them."""

from __future__ import annotations

import _thread
import types
from collections.abc import Callable, Hashable
from types import FrameType

from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.records import WHOLE, Access, Forget, Give, Head, Location, Take
from raceway.model.sites import Context, Site, SiteForm
from raceway.model.typing import Any
from raceway.runtime import contracts, making
from raceway.runtime.actors import Owner, ThreadState
from raceway.runtime.attributes import Attributes, Home, find, holds, stores_here, type_name
from raceway.runtime.contracts import Contract, Handover, KeyShape, Target
from raceway.runtime.gonekeys import KeysAsked, keys_in
from raceway.runtime.identity import SEVERAL
from raceway.runtime.keys import SCALARS, Keys
from raceway.runtime.log import Log
from raceway.runtime.recorder import PureRecorder
from raceway.runtime.stacks import capture


class Missing:
    """No key."""


_NEVER = SCALARS | {tuple, range, slice, super, type(...), type(NotImplemented)}

_OPERATIONS = {
    Context.LOAD: Operation.READ,
    Context.STORE: Operation.WRITE,
    Context.DELETE: Operation.DELETE,
    Context.AUGMENT: Operation.READ_MODIFY_WRITE,
}
_ADVANCING = frozenset({"__next__", "send", "throw", "close"})
"""Methods of generators that run code of theirs."""
_DUNDERS = {Context.LOAD: "__getitem__", Context.STORE: "__setitem__", Context.DELETE: "__delitem__"}


class Reach:
    """A committed site in the middle of its statement: the operands are known, the operation comes next.

    `owner` is what the base was just loaded from, if anything; `recorded` tells that something was no repetition.
    """

    __slots__ = ("base", "frame", "key", "owner", "recorded", "serial", "site", "state", "type")

    def __init__(
        self, serial: int, site: Site, state: ThreadState, frame: FrameType, base: Any, key: Any, owner: Owner | None
    ) -> None:
        self.serial = serial
        self.site = site
        self.state = state
        self.frame = frame
        self.base = base
        self.key = key
        self.owner = owner
        self.recorded = False
        self.type = type(base)


class Accesses:
    """Turns committed sites into recorded accesses."""

    def __init__(self, log: Log, recorder: PureRecorder) -> None:
        self.log = log
        self._recorder = recorder
        self._identity = log.identity
        self._attributes = Attributes(log.identity)
        self._keys = Keys(log.identity)
        self._puts: dict[int, int] = {}
        self._forms: dict[SiteForm, Callable[[Reach], None]] = {
            SiteForm.ATTRIBUTE: self._attribute,
            SiteForm.METHOD: self._method,
            SiteForm.ITEM: self._item,
            SiteForm.CONTAINS: self._contains,
            SiteForm.ITERATE: self._iterate,
            SiteForm.FUNCTION: self._function,
            SiteForm.GLOBAL: self._global,
            SiteForm.CELL: self._cell,
            SiteForm.IMPORT: self._import,
        }

    def reached(self, at: Reach) -> None:
        """Record what the site does to its operands."""
        if not at.site.given or not making.is_being_made(at):
            self._forms[at.site.form](at)
        elif at.site.form is SiteForm.ATTRIBUTE and not at.site.name:
            making.note(at)  # it is passed on

    def _record(
        self,
        at: Reach,
        operation: Operation,
        place: tuple[int, LocationKind, Hashable],
        variable: str,
        commute: Commute = Commute.NONE,
    ) -> None:
        if self.log.access(at.state, at.frame, operation, place, at.serial, variable, commute):
            at.recorded = True

    def _attribute(self, at: Reach) -> None:
        name = at.key if at.site.keyed else at.site.name
        at.state.owner = (at.type, id(at.base))
        if type(name) is str and name and at.type not in _NEVER:
            self._field(at, name, _OPERATIONS[at.site.context])

    def _field(self, at: Reach, name: str, operation: Operation) -> None:
        base, tp = at.base, at.type
        if issubclass(tp, types.ModuleType):
            at.state.accesses += 1
            namespace = object.__getattribute__(base, "__dict__")
            place = (self._identity.of(namespace).serial, LocationKind.GLOBAL, name)
            self._record(at, operation, place, _global_name(namespace, name))
        elif self._attributes.hooks(tp, operation.mutates) or issubclass(tp, _thread._local):
            self._hooked(at, name, operation)
        elif issubclass(tp, type):
            self._class_attribute(at, base, name, operation)
        else:
            self._instance_attribute(at, name, operation)

    def _hooked(self, at: Reach, name: str, operation: Operation) -> None:
        """An attribute of an object whose class has access of its own."""
        unseen = operation.mutates and not issubclass(at.type, _thread._local) and not at.site.made
        if unseen and self._attributes.stores_unseen(at.type) and stores_here(at.base, at.type, name):
            at.state.accesses += 1
            self._record(at, operation, self._field_of(at, name), _field_name(at, name))
        else:
            making.stored(at, operation)

    def _instance_attribute(self, at: Reach, name: str, operation: Operation) -> None:
        home, cls = self._attributes.home(at.type, name)
        if home is Home.SKIP:
            making.stored(at, operation)
            return
        if home is Home.CACHED:
            if operation is Operation.READ and (sync := self._identity.of(at.base).sync) != 0:
                at.state.due.append(sync)
            return
        if home is Home.CLASS and cls is not None and operation is Operation.READ and not holds(at.base, name):
            self._class_attribute(at, cls, name, operation)
            if at.site.is_head:  # what may be stored because of it is stored in the instance
                self._note_head(at, self._field_of(at, name), _field_name(at, name))
            return
        at.state.accesses += 1
        self._record(at, operation, self._field_of(at, name), _field_name(at, name))

    def _note_head(self, at: Reach, place: tuple[int, LocationKind, Hashable], variable: str) -> None:
        """A read found something elsewhere, and a write to this place may depend on it."""
        who = capture(at.frame), Commute.NONE, id(at.frame), at.state.task
        read = Access(at.state.actor, Operation.READ, Location(*place), at.serial, variable, *who)
        self.log.stream.put(Head(read))

    def _field_of(self, at: Reach, name: str) -> tuple[int, LocationKind, str]:
        return self._identity.of(at.base).serial, LocationKind.ATTRIBUTE, name

    def _class_attribute(self, at: Reach, cls: type, name: str, operation: Operation) -> None:
        """An attribute of a class object: it lives where the resolution order finds it, or where it is stored."""
        at.state.owner = (cls, id(cls))
        found = find(cls, name)
        if found is not None and operation is Operation.READ:
            cls = found[0]
            if find(type(found[1]), "__get__") is not None:
                return
        at.state.accesses += 1
        place = (self._identity.of(cls).serial, LocationKind.ATTRIBUTE, name)
        self._record(at, operation, place, f"{type_name(cls)}.{_readable(name)}")

    def _method(self, at: Reach) -> None:
        if at.type in _NEVER:
            return
        if at.type is types.GeneratorType:
            if at.site.name in _ADVANCING:
                self._advance(at)
        elif contracts.is_container(at.type):
            self._apply(at, contracts.lookup(at.type, at.site.name))
        elif not issubclass(at.type, (types.ModuleType, type)):
            # A call of something kept in the object, `self.callback()`, reads a field; so does one of a slot.
            known = find(at.type, at.site.name)
            if known is None or isinstance(known[1], types.MemberDescriptorType):
                self._field(at, at.site.name, Operation.READ)

    def _item(self, at: Reach) -> None:
        if at.site.context is not Context.AUGMENT:
            self._operator(at, _DUNDERS[at.site.context])
        elif all(contracts.operator(at.type, name) is not None for name in ("__getitem__", "__setitem__")):
            at.state.accesses += 1
            if at.key is Missing:  # of a slice: later items may move
                self._structure(at, Operation.STRUCTURAL_CHANGE)
            else:
                self._at_key(at, Operation.READ_MODIFY_WRITE)

    def _contains(self, at: Reach) -> None:
        self._operator(at, "__contains__")

    def _iterate(self, at: Reach) -> None:
        if at.type is types.GeneratorType:
            self._advance(at)
        else:
            self._operator(at, "__repr__" if contracts.whole(at.type, at.site.name) else "__iter__")

    def _advance(self, at: Reach) -> None:
        """A generator goes on: only one thread may be in its frame. A loop over it counts where it begins."""
        at.state.accesses += 1
        generator, label = self._container(at)
        self._record(at, Operation.STRUCTURAL_CHANGE, (generator, LocationKind.STRUCTURE, None), label)

    def _operator(self, at: Reach, name: str) -> None:
        if at.type in _NEVER or not contracts.is_container(at.type):
            return
        shape = KeyShape.SLICE if at.site.form is SiteForm.ITEM and not at.site.keyed else KeyShape.of(at.key)
        self._apply(at, contracts.operator(at.type, name, shape))

    def _function(self, at: Reach) -> None:
        """An argument of a builtin: `next` advances a generator, `len` and `bool` ask the structure, what copies it
        whole looks at it as `repr` does, all others walk over it: of a generator some take items at once, some later,
        so that they tell nothing of it.
        """
        if at.type is types.GeneratorType or at.site.name == "next":
            if at.type is types.GeneratorType and at.site.name == "next":
                self._advance(at)
            return
        counts = at.site.name in {"len", "bool"}
        whole = not counts and contracts.whole(at.type, at.site.name)
        self._operator(at, "__len__" if counts else "__repr__" if whole else "__iter__")

    def _global(self, at: Reach) -> None:
        at.state.accesses += 1
        namespace = at.frame.f_globals
        place = (self._identity.of(namespace).serial, LocationKind.GLOBAL, at.site.name)
        self._record(at, _OPERATIONS[at.site.context], place, _global_name(namespace, at.site.name))

    def _cell(self, at: Reach) -> None:
        at.state.accesses += 1
        place = (self._identity.of(at.base).serial, LocationKind.CELL, None)
        self._record(at, _OPERATIONS[at.site.context], place, at.site.label.replace(".<locals>", ""))

    def _import(self, _at: Reach) -> None:
        self._recorder.bodies.stated()

    def _apply(self, at: Reach, contract: Contract | None) -> None:
        """Record every effect that the contract row names; no row means code that is instrumented itself."""
        if contract is None:
            return
        if contract.through:
            at.base = contracts.behind(at.base)
        at.state.accesses += 1
        effects = contract.effects_when(self._has_key(at.base, at.key))
        if contract.handover in (Handover.RELEASE, Handover.ACQUIRE):
            self._hand_over(at, contract.handover)
        elif contract.handover is Handover.TAKE:
            self._take_out(at)
        for effect in effects:
            # Whether something is in a list is one question to it, whatever the answer costs.
            asked = effect.operation is Operation.ITERATE and at.site.form is SiteForm.CONTAINS
            operation = Operation.READ if asked else effect.operation
            if effect.target is Target.STRUCTURE:
                self._structure(at, operation, effect.commute)
            elif effect.target is Target.FIRST:
                at.key = 0
                self._at_key(at, operation, effect.commute)
            elif at.key is not Missing:
                self._at_key(at, operation, effect.commute)
        if any(effect.operation.mutates for effect in effects):
            entry, actor = self._identity.of(at.base), at.state.actor
            entry.giver = actor if entry.giver in (0, actor) else SEVERAL
            if contract.handover is Handover.GIVE and (at.recorded or at.serial not in self._puts):
                self._put_in(at, entry.handing)

    def _put_in(self, at: Reach, handing: bool) -> None:
        """What the thread does to an item that it has put in is not what it did before.

        To tell the two apart takes a new epoch. Containers that others take from are worth one each time; of all others
        it is not known whether they will be, so a site is given one the first time, the second, the fourth and so on.
        """
        count = 0
        if not handing:
            count = self._puts[at.serial] = self._puts.get(at.serial, 0) + 1
        if not count & (count - 1):
            self.log.edge(at.state, Give(at.state.actor))

    def _take_out(self, at: Reach) -> None:
        """Who takes an item out happens after those who put items in, as far as they did, but for attributes of the
        object that the container belongs to."""
        entry, state = self._identity.of(at.base), at.state
        if entry.giver in (0, state.actor) or self._has_key(at.base, at.key) is False or _is_empty(at.base):
            return
        entry.handing = True
        places: list[tuple[LocationKind, Hashable]] = [(LocationKind.STRUCTURE, WHOLE)]
        sequence = contracts.is_sequence(at.type)
        if sequence or at.key is Missing:
            places.append((LocationKind.STRUCTURE, None))
        if sequence or at.key is not Missing:
            key = _position(at.base, -1 if at.key is Missing else at.key)
            places.append((LocationKind.ITEM, self._keys.of(key)))
        owner = self._identity.serial_at(at.owner[1]) if at.site.through and at.owner is not None else 0
        for kind, key in places:
            self.log.stream.put(Take(state.actor, Location(entry.serial, kind, key), owner))

    def _hand_over(self, at: Reach, side: Handover) -> None:
        """Ends of a deque: what was put in by one thread and taken out by another is ordered with it.

        The taking happens after this tap, so the order is drawn at the thread's next record.
        """
        entry = self._identity.of(at.base)
        if entry.sync == 0:
            entry.sync = self._recorder.new_sync("deque")
        if side is Handover.RELEASE:
            self._recorder.release(entry.sync, merge=True)
        else:
            at.state.due.append(entry.sync)

    def _at_key(self, at: Reach, operation: Operation, commute: Commute = Commute.NONE) -> None:
        container, label = self._container(at)
        key = self._keys.of(_position(at.base, at.key))
        self._asked(at, key)
        place = (container, LocationKind.ITEM, key)
        self._record(at, operation, place, f"{label}[...]", commute)
        self._record(at, Operation.READ, (container, LocationKind.STRUCTURE, WHOLE), f"{label}[...]")

    def _asked(self, at: Reach, key: Hashable) -> None:
        """A key of a container is asked for; lets go of what was long ago done to keys that are gone."""
        entry = self._identity.of(at.base)
        if contracts.is_sequence(at.type):
            return
        asked = entry.asked = entry.asked or KeysAsked()
        if asked.add(key) and not asked.grow(_length(at.base)):
            keys = keys_in(at.base)
            gone = asked.gone(None if keys is None else [self._keys.of(found) for found in keys])
            if gone:
                self.log.stream.put(Forget(entry.serial, gone))

    def _structure(self, at: Reach, operation: Operation, commute: Commute = Commute.NONE) -> None:
        if operation is Operation.ITERATE and at.site.suspends and at.state.task and _is_empty(at.base):
            operation = Operation.READ  # the walk is over: its awaits are not reached
        container, label = self._container(at)
        self._record(at, operation, (container, LocationKind.STRUCTURE, None), label, commute)
        if operation.mutates and (commute is Commute.NONE or operation is Operation.DELETE):
            self._record(at, operation, (container, LocationKind.STRUCTURE, WHOLE), label, commute)

    def _container(self, at: Reach) -> tuple[int, str]:
        """The serial of a container and what people call it: by the attribute it came from, else by its variable."""
        entry, site = self._identity.of(at.base), at.site
        if site.through and at.owner is not None:
            entry.label = f"{type_name(at.owner[0])}.{_readable(site.through)}"
        elif site.base == "self":
            entry.label = type_name(at.type)
        elif not entry.label:
            label = site.label.replace(".<locals>", "")
            entry.label = _global_name(at.frame.f_globals, label[1:]) if label.startswith(":") else label
        return entry.serial, entry.label

    def _has_key(self, base: Any, key: Any) -> bool | None:
        """Whether a dictionary or set has the key; None where asking might call code of the program."""
        if key is Missing or not self._keys.is_plain(key):
            return None
        if issubclass(type(base), dict):
            return dict.__contains__(base, key)
        return set.__contains__(base, key) if issubclass(type(base), set) else None


def _is_empty(base: Any) -> bool:
    """Whether there is nothing to walk over, told without code of the program."""
    return any(issubclass(type(base), kind) and kind.__len__(base) == 0 for kind in (list, dict, set))


def _position(base: Any, key: Any) -> Any:
    """An index counted from the start; other keys as they are."""
    if type(key) is int and key < 0 and contracts.is_sequence(type(base)):
        return key + _length(base)
    return key


def _length(base: Any) -> int:
    found = find(type(base), "__len__")
    return int(found[1](base)) if found is not None and type(found[1]) is types.WrapperDescriptorType else 0


def _field_name(at: Reach, name: str) -> str:
    return f"{type_name(at.type)}.{_readable(name)}"


def _global_name(namespace: dict[str, Any], name: str) -> str:
    module = namespace.get("__name__")
    return name if type(module) is not str or module == "__main__" else f"{module}.{name}"


def _readable(name: str) -> str:
    """A private name without its class prefix."""
    if name.startswith("_") and not name.startswith("__") and "__" in name[1:]:
        return name[name.index("__", 1) :]
    return name
