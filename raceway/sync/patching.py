"""The ledger of patches: the only writer of other modules' attributes, and the forms a patch of a method can take.

`around` puts a model beside a function: the model is told before or after, the real one does the work, and the frame of
the wrapper is taken out of any traceback that passes through it. `beside` is the same for models that ask for the
recorder themselves. `Watched` puts a model beside an instance attribute, for places where a primitive changes state
under its own lock: no frame of ours is on any exception path there. All do nothing but the real thing when no recorder
is active, and then need no global name, so that they also work while the interpreter takes its modules apart.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from raceway.model.typing import Any, ClassVar, Final
from raceway.runtime import active

ABSENT: Final = object()
"""Stands for an attribute that is not there."""

_OPEN_ENDED: Final = 0x04 | 0x08
"""CO_VARARGS and CO_VARKEYWORDS of `inspect`, which is not worth an import."""


class Patches:
    """Attributes that were replaced, newest last; `undo` puts back exactly what was there."""

    def __init__(self) -> None:
        self.twins: dict[object, Any] = {}
        """What the native core has in place of a model: its like, or what puts it beside a function in C."""
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

    def around_builtin(self, owner: Any, name: str, model: Callable[..., None], before: bool = False) -> None:
        """Put a model beside the function `owner.name`, which is written in C, or after it."""
        self.replace(owner, name, self.beside_builtin(getattr(owner, name), model, before))

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
        return tuple(sorted(f"{_name_of(owner)}.{name}" for owner, name, _before, _new in self._done))

    def owners(self) -> list[Any]:
        """Everything that has a replaced attribute."""
        return list({id(owner): owner for owner, _name, _before, _new in self._done}.values())


def _name_of(owner: Any) -> str:
    module = getattr(owner, "__module__", None)
    name = getattr(owner, "__qualname__", None) or getattr(owner, "__name__", type(owner).__name__)
    return f"{module}.{name}" if module else str(name)


def hide_frame(error: BaseException) -> None:
    """Take the newest frame, the one that caught `error`, out of its traceback. A bare `raise` does not put it back."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


class Failures:
    """Counts what went wrong in a model. It costs an edge, never the program: every call of a model is guarded.

    The guard is in the frame that the program called, since near the recursion limit the next call may already fail.
    """

    count: ClassVar[int] = 0


def around(
    real: Callable[..., Any],
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> Callable[..., Any]:
    """`real` with `before(recorder, self)` told ahead of it and `after(recorder, self, result)` once it returned.

    `self` is the first argument. Seen from a model, the frame that called the wrapper is the third: itself, the
    wrapper, the caller.
    """
    if _takes_self_only(real):
        return _around_method(real, before, after)
    current = active.recorder

    @functools.wraps(real)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                if before is not None and (recorder := current()) is not None:
                    before(recorder, self)
            except Exception:
                Failures.count += 1
            try:
                result = real(self, *args, **kwargs)
            except BaseException as error:
                hide_frame(error)
                raise
            try:  # the recorder is asked for again: the run may have ended while the real one waited
                if after is not None and (recorder := current()) is not None:
                    after(recorder, self, result)
            except Exception:
                Failures.count += 1
            return result
        finally:  # frames of the program may keep this one, and nothing may live longer for that
            self = args = kwargs = result = None  # type: ignore[assignment]

    return wrapper


def _takes_self_only(real: Callable[..., Any]) -> bool:
    return _takes(real, 1) and real.__code__.co_varnames[:1] == ("self",)


def _takes_option(real: Callable[..., Any]) -> bool:
    """Whether `real` is called with one argument or two, as a method with an option is."""
    return _takes(real, 2) and len(getattr(real, "__defaults__", None) or ()) == 1


def _takes(real: Callable[..., Any], count: int) -> bool:
    code = getattr(real, "__code__", None)
    return (
        code is not None
        and (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount) == (count, 0, 0)
        and not code.co_flags & _OPEN_ENDED
    )


def _called_as(wrapper: Any, real: Any) -> Callable[..., Any]:
    """`wrapper` with the names and defaults of the parameters of `real`, and with code that is its own: the interpreter
    notes in it what is called where, and wrappers that shared it would spoil that for each other."""
    code = wrapper.__code__
    names = real.__code__.co_varnames[: code.co_argcount]
    wrapper.__code__ = code.replace(co_varnames=names + code.co_varnames[code.co_argcount :])
    wrapper.__defaults__ = real.__defaults__
    return wrapper  # type: ignore[no-any-return]


def _around_method(
    real: Callable[..., Any],
    before: Callable[..., None] | None,
    after: Callable[..., None] | None,
) -> Callable[..., Any]:
    """The same for a method without arguments: neither call packs any, which is most of what the other costs."""
    current = active.recorder

    @functools.wraps(real)
    def wrapper(self: Any) -> Any:
        try:
            if before is not None and (recorder := current()) is not None:
                before(recorder, self)
        except Exception:
            Failures.count += 1
        try:
            result = real(self)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if after is not None and (recorder := current()) is not None:
                after(recorder, self, result)
        except Exception:
            Failures.count += 1
        return result

    return _called_as(wrapper, real)


def ahead(real: Callable[..., Any], model: Callable[..., None]) -> Callable[..., Any]:
    """`real` with `model(recorder, ...)` told ahead of it, with the arguments of the call. The frames are as with
    `around`."""
    current = active.recorder

    @functools.wraps(real)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            try:
                if (recorder := current()) is not None:
                    model(recorder, *args, **kwargs)
            except Exception:
                Failures.count += 1
            try:
                return real(*args, **kwargs)
            except BaseException as error:
                hide_frame(error)
                raise
        finally:
            args = kwargs = None  # type: ignore[assignment]

    return wrapper


def beside(
    real: Callable[..., Any],
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> Callable[..., Any]:
    """`real` with `before(self)` and `after(self, result)`, which ask for the recorder themselves: models in C do, and
    those that mostly find nothing to tell. Seen from a model in Python, the frames are as with `around`."""
    if _takes_self_only(real):
        return _beside_method(real, before, after)
    if _takes_option(real):
        return _beside_option(real, before, after)

    @functools.wraps(real)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            try:
                if before is not None:
                    before(self)
            except Exception:
                Failures.count += 1
            try:
                result = real(self, *args, **kwargs)
            except BaseException as error:
                hide_frame(error)
                raise
            try:
                if after is not None:
                    after(self, result)
            except Exception:
                Failures.count += 1
            return result
        finally:
            self = args = kwargs = result = None  # type: ignore[assignment]

    return wrapper


def _beside_method(
    real: Callable[..., Any],
    before: Callable[..., None] | None,
    after: Callable[..., None] | None,
) -> Callable[..., Any]:
    @functools.wraps(real)
    def wrapper(self: Any) -> Any:
        try:
            if before is not None:
                before(self)
        except Exception:
            Failures.count += 1
        try:
            result = real(self)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if after is not None:
                after(self, result)
        except Exception:
            Failures.count += 1
        return result

    return _called_as(wrapper, real)


def _beside_option(
    real: Callable[..., Any],
    before: Callable[..., None] | None,
    after: Callable[..., None] | None,
) -> Callable[..., Any]:
    """The same for a method with one argument that may be left out."""

    @functools.wraps(real)
    def wrapper(self: Any, option: Any = None) -> Any:
        try:
            try:
                if before is not None:
                    before(self)
            except Exception:
                Failures.count += 1
            try:
                result = real(self, option)
            except BaseException as error:
                hide_frame(error)
                raise
            try:
                if after is not None:
                    after(self, result)
            except Exception:
                Failures.count += 1
            return result
        finally:
            self = option = result = None

    return _called_as(wrapper, real)


def bound(
    real: Callable[..., Any],
    subject: Any,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> Callable[..., Any]:
    """The same for a bound method `real`: `before(recorder, subject)`, `after(recorder, subject, result)`."""
    current = active.recorder

    @functools.wraps(real)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            if before is not None and (recorder := current()) is not None:
                before(recorder, subject)
        except Exception:
            Failures.count += 1
        try:
            result = real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if after is not None and (recorder := current()) is not None:
                after(recorder, subject, result)
        except Exception:
            Failures.count += 1
        return result

    return wrapper


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
