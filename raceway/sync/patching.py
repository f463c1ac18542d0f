"""The ledger of patches: the only writer of other modules' attributes, and models beside attributes of instances.

`Watched` puts a model beside an instance attribute, for places where a primitive changes state under its own lock: no
frame of ours is on any exception path there. It does nothing but the real thing when no recorder is active.
"""

from __future__ import annotations

from collections.abc import Callable

from raceway.model.typing import Any, Final
from raceway.runtime import active
from raceway.standins import stand_in
from raceway.sync.wrappers import Failures, ahead, around, beside

ABSENT: Final = object()
"""Stands for an attribute that is not there."""


class Patches:
    """Attributes that were replaced, newest last; `undo` puts back exactly what was there."""

    def __init__(self) -> None:
        self.twins: dict[object, Any] = {}
        """What the native core has in place of a model: its like, or what puts it beside a function in C."""
        self.native: Any = None
        """The module of the native core, when its models are in place."""
        self._stood_in: list[tuple[Any, str, object]] = []
        self._done: list[tuple[Any, str, object, object]] = []
        self._actions: list[Callable[[], object]] = []

    def at_undo(self, action: Callable[[], object]) -> None:
        """Have `action` called when everything is taken back."""
        self._actions.append(action)

    def replace(self, owner: Any, name: str, new: object) -> None:
        """Set `owner.name` to `new`; nothing happens when it is there already."""
        before = vars(owner).get(name, ABSENT)
        if before is not new:
            setattr(owner, name, new)
            self._done.append((owner, name, before, new))

    def around(
        self,
        owner: Any,
        name: str,
        before: Callable[..., None] | None = None,
        after: Callable[..., None] | None = None,
    ) -> None:
        """Put models beside the function `owner.name`, which may be inherited."""
        self.replace(owner, name, self.with_models(getattr(owner, name), before, after))

    def with_models(
        self,
        real: Callable[..., Any],
        before: Callable[..., None] | None = None,
        after: Callable[..., None] | None = None,
    ) -> Callable[..., Any]:
        """`real`, a function written in Python, with models beside it, or with what stands for these."""
        if before in self.twins or after in self.twins:
            return beside(real, self.twins.get(before), self.twins.get(after))
        return around(real, before, after)

    def beside(
        self,
        owner: Any,
        name: str,
        before: Callable[..., None] | None = None,
        after: Callable[..., None] | None = None,
    ) -> None:
        """The same with models that ask for the recorder themselves, when they find that there is something to tell."""
        self.replace(owner, name, beside(getattr(owner, name), before, after))

    def ahead(self, owner: Any, name: str, model: Callable[..., None]) -> None:
        """Put a model ahead of the function `owner.name`, which is told all its arguments."""
        self.replace(owner, name, ahead(getattr(owner, name), model))

    def stand_in(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Have what `make` makes of the function `owner.name`, of a module written in C, called for it."""
        self._stood_in.append((owner, name, getattr(owner, name)))
        self.at_undo(stand_in(owner, name, make, self.native))

    def beside_builtin(self, real: Callable[..., Any], model: Callable[..., None], before: bool = False) -> Any:
        """`real`, which is written in C, with a model beside it, told ahead of it or after it."""
        if (twin := self.twins.get(model)) is not None:
            return twin(real)
        return around(real, model, None) if before else around(real, None, model)

    def watch(self, owner: Any, watched: Watched) -> None:
        """Watch an attribute of the instances of `owner`."""
        self.replace(owner, watched.name, self.twins.get(watched, watched))

    def undo(self) -> None:
        """Take everything back. What somebody else replaced after us is theirs and stays."""
        while self._actions:
            self._actions.pop()()
        self._stood_in.clear()
        while self._done:
            owner, name, before, new = self._done.pop()
            if vars(owner).get(name, ABSENT) is not new:
                continue
            if before is ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

    def names(self) -> tuple[str, ...]:
        """The dotted names of what is replaced, sorted."""
        places = [(owner, name) for owner, name, *_ in (*self._done, *self._stood_in)]
        return tuple(sorted(f"{_name_of(owner)}.{name}" for owner, name in places))

    def owners(self) -> list[Any]:
        """Everything that has a replaced attribute."""
        replaced = [owner for owner, *_ in self._done]
        replaced += [owner for owner, name, before in self._stood_in if vars(owner).get(name) is not before]
        return list({id(owner): owner for owner in replaced}.values())


def _name_of(owner: Any) -> str:
    module = getattr(owner, "__module__", None)
    name = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", type(owner).__name__)
    return f"{module}.{name}" if module else str(name)


class Watched:
    """A data descriptor that leaves the value where it was, in the instance's dictionary, and tells a model.

    `read(recorder, instance, value)` is told once a value was read, `write(recorder, instance, old, new)` just before
    one is stored, with `ABSENT` as `old` for the first. Instances made before or after the patch work with and without.
    """

    def __init__(
        self, name: str, read: Callable[..., None] | None = None, write: Callable[..., None] | None = None
    ) -> None:
        self.name = name
        self._read = read
        self._write = write
        self._current = active.recorder

    def __get__(self, instance: Any, owner: type) -> Any:
        """The value, as if there were no descriptor."""
        values: dict[str, Any] = {} if instance is None else instance.__dict__
        if self.name not in values:
            self._missing(f"type object {owner.__name__!r}" if instance is None else f"{owner.__name__!r} object")
        value = values[self.name]
        try:
            if self._read is not None and (recorder := self._current()) is not None:
                self._read(recorder, instance, value)
        except Exception:
            Failures.count += 1
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        """Store the value."""
        values = instance.__dict__
        try:
            if self._write is not None and (recorder := self._current()) is not None:
                self._write(recorder, instance, values.get(self.name, ABSENT), value)
        except Exception:
            Failures.count += 1
        values[self.name] = value

    def __delete__(self, instance: Any) -> None:
        """Remove the value."""
        if self.name not in instance.__dict__:
            self._missing(f"{type(instance).__name__!r} object")
        del instance.__dict__[self.name]

    def _missing(self, whose: str) -> None:
        raise AttributeError(f"{whose} has no attribute {self.name!r}")
