"""The forms a function can take that stands for another with a model beside it. No frame of ours shows in a traceback.

`around` puts a model beside a function: the model is told before or after, the real one does the work, and the frame of
the wrapper is taken out of any traceback that passes through it. `beside` is the same for models that ask for the
recorder themselves. All do nothing but the real thing when no recorder is active, and then need no global name, so that
they also work while the interpreter takes its modules apart.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from raceway.model.typing import Any, ClassVar, Final
from raceway.runtime import active

_OPEN_ENDED: Final = 0x04 | 0x08
"""CO_VARARGS and CO_VARKEYWORDS of `inspect`, which is not worth an import."""


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
