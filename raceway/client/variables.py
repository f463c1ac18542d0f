"""Decorators that tell of variables: `track_state`, `track_attrs`, `track`, and the block `track_variables`.

"account.balance" is the attribute `balance` of what the function calls `account`. A name without a dot is a global.
"""

from __future__ import annotations

import functools
import gc
import inspect
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from types import CodeType, FunctionType, TracebackType

from raceway.client.recompile import Wanted, own_value, recompile, tell
from raceway.client.tracking import Tracking
from raceway.client.wrapping import each_method
from raceway.model.sites import Site, SiteForm
from raceway.model.typing import Any, TypeVar, overload
from raceway.pipeline.complaints import to_standard_error
from raceway.sync.wrappers import hide_frame

_Target = TypeVar("_Target")


def track_state(*names: Any, variable: str = "", client: Any = None) -> Callable[[_Target], _Target]:
    """On `__setattr__`: tell of every write of the attribute `variable`. On another function: the same as
    `track_attrs`. Takes a client as its first value, too."""
    given = list(names)
    if given and isinstance(given[0], Tracking):
        client = given.pop(0)
    wanted = [name for name in (*given, variable) if isinstance(name, str) and name]

    def decorate(target: Any) -> Any:
        if getattr(target, "__name__", "") == "__setattr__":
            return _setattr(target, frozenset(wanted), client)
        return _recompiled(target, _named(wanted))

    return decorate


def track_attrs(*names: str) -> Callable[[_Target], _Target]:
    """Tell of every access to these attributes in the function: `@track_attrs("user.balance", "user.name")`."""
    return lambda target: _recompiled(target, _named(names))


@overload
def track(target: None = None, *, exclude: Iterable[str] = ()) -> Callable[[_Target], _Target]: ...


@overload
def track(target: _Target) -> _Target: ...


def track(target: Any = None, *, exclude: Iterable[str] = ()) -> Any:
    """Tell of every access to attributes and globals in the function or class, but for those named in `exclude`."""
    left_out = frozenset([exclude] if isinstance(exclude, str) else exclude)

    def wanted(site: Site) -> str:
        base = site.base if site.form is SiteForm.ATTRIBUTE else ""
        name = f"{base}.{site.name}" if base else site.name
        return "" if not left_out.isdisjoint({name, site.name, base, base.partition(".")[0]}) else name

    def decorate(decorated: Any) -> Any:
        return _recompiled(decorated, wanted)

    return decorate if target is None else decorate(target)


def _named(names: Iterable[Any]) -> Wanted:
    pairs = {name.rpartition(".")[::2]: name for name in names if isinstance(name, str)}

    def wanted(site: Site) -> str:
        if site.form is SiteForm.GLOBAL:
            return pairs.get(("", site.name), "")
        return pairs.get((site.base, site.name), "") if site.form is SiteForm.ATTRIBUTE else ""

    return wanted


def _recompiled(target: Any, wanted: Wanted) -> Any:
    """The function itself, with other code; of a class, its methods."""
    if isinstance(target, type):
        return each_method(target, lambda method: _recompiled(method, wanted))
    if isinstance(target, (staticmethod, classmethod)):
        recompile(inspect.unwrap(target.__func__), wanted)
    elif callable(target):
        recompile(inspect.unwrap(target), wanted)
    return target


def _setattr(real: Callable[..., Any], wanted: frozenset[str], client: Any) -> Callable[..., Any]:
    attributes = {name.rpartition(".")[2]: name for name in wanted}

    @functools.wraps(real)
    def wrapper(self: Any, name: str, value: Any) -> None:
        told = attributes.get(name) if type(name) is str else None
        old = own_value(self, name) if told else None
        try:
            real(self, name, value)
        except BaseException as error:
            hide_frame(error)
            raise
        if told:
            frame = sys._getframe(1)
            tell(told, f"{frame.f_code.co_filename}:{frame.f_lineno}", old, value, "Write", client)

    return wrapper


_inside: ContextVar[frozenset[int]] = ContextVar("raceway_variables", default=frozenset())

_blocks: dict[CodeType, bool] = {}
"""Functions with such blocks, by the code they had and the code they were given."""


class track_variables:  # noqa: N801  # a block reads like a function
    """Tell of accesses to these variables in the block: `with track_variables(["account.balance"]):`.

    The function around it is compiled once more, for its next call: the first one is not told of, and says so.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = (names,) if isinstance(names, str) else tuple(names)
        self._tokens: list[Token[frozenset[int]]] = []

    def __enter__(self) -> None:
        code = sys._getframe(1).f_code
        try:
            if code not in _blocks:
                self._prepare(code)
        except Exception:  # the block runs untold
            _blocks[code] = False
        self._tokens.append(_inside.set(_inside.get() | {id(code)}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._tokens:
            try:
                _inside.reset(self._tokens.pop())
            except ValueError:  # the block was left in another task
                _inside.set(frozenset())

    def _prepare(self, code: CodeType) -> None:
        _blocks[code] = True
        function = next((one for one in gc.get_referrers(code) if type(one) is FunctionType), None)
        if function is None:
            to_standard_error(f"track_variables: {code.co_qualname} is not told of: it is no function")
            return
        if recompile(function, _named(self._names), lambda: id(function.__code__) in _inside.get()):
            _blocks[function.__code__] = True
            to_standard_error(f"track_variables: {code.co_qualname} is told of from its next call on")
