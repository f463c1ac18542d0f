"""functools: a value that `lru_cache` or `cache` computed -> every later call of that cache; a value that a
`cached_property` computed -> whoever reads it off the object, with or without the lock that it had until 3.12.

Both are documented as safe to share, and what one thread computed is what others are given. Simple model: one clock per
cache, and one per object with cached properties. A cache that was made before the run orders nothing, and neither does
the one in which a connection of `sqlite3` keeps its statements: no program shares anything by that.

The native core observes the type of caches. Here a class of ours stands for it, which adds a frame to the stack; none
is shown in a traceback.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import MethodType

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.serials import Serial, Serials, of_run
from raceway.sync.wrappers import Failures, hide_frame

serials: Serials = of_run(Serials("cache"))

_RealCache: Any = functools._lru_cache_wrapper


class _CacheType(type):
    """Counts real caches as instances."""

    def __instancecheck__(cls, instance: object) -> bool:
        return issubclass(type(instance), (_RealCache, Cache))


class Cache(metaclass=_CacheType):
    """Stands for the type of what `lru_cache` makes, which may not be derived from: one of these has a real one."""

    _recorder = staticmethod(active.recorder)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            self._raceway_real = real = _RealCache(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if args and _is_connection(args[0]):
                self._recorder = _nobody
        except Exception:
            Failures.count += 1
        self.cache_info = real.cache_info
        self.cache_clear = real.cache_clear

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """The value, computed or not."""
        try:
            before = self.cache_info().misses
            result = self._raceway_real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := self._recorder()) is not None:
                called(recorder, self, self.cache_info().misses != before)
        except Exception:
            Failures.count += 1
        return result

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _memo: Any) -> Any:
        return self

    def __reduce__(self) -> str:
        return str(vars(self)["__qualname__"])


def _is_connection(function: object) -> bool:
    return issubclass(type(function), getattr(sys.modules.get("sqlite3"), "Connection", ()))


def _nobody() -> None:
    return None


Cache.__name__ = Cache.__qualname__ = "_lru_cache_wrapper"
Cache.__module__ = "functools"
Cache.__doc__ = _RealCache.__doc__


def called(recorder: Recorder, cache: object, computed: bool) -> None:
    """The current actor was given a value, which it may have computed."""
    serial: Serial = serials.serial(recorder, cache)
    recorder.acquire(serial.number)
    if computed:
        recorder.release(serial.number)


class Computing:
    """Stands for a cached property while it computes: its function publishes the value before it is stored."""

    __slots__ = ("_function", "_property")

    def __init__(self, cached: Any) -> None:
        self._property = cached
        self._function = cached.func

    def __getattr__(self, name: str) -> Any:
        return getattr(self._property, name)

    def func(self, instance: Any) -> Any:
        """Compute the value."""
        try:
            value = self._function(instance)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := active.recorder()) is not None:
                recorder.release(recorder.new_sync("cached property", of=instance))
        except Exception:
            Failures.count += 1
        return value


def publishing(real: Callable[..., Any]) -> Callable[..., Any]:
    """`cached_property.__get__`, which is called as long as there is no value."""

    @functools.wraps(real)
    def get(self: Any, instance: Any, owner: Any = None) -> Any:
        try:
            seen = self if instance is None or active.recorder() is None else Computing(self)
            return real(seen, instance, owner)
        except BaseException as error:
            hide_frame(error)
            raise

    return get


def patch(patches: Patches, native: Any = None) -> None:
    """Put the models in; that of caches is in C if `native` is the core with it."""
    patches.replace(functools.cached_property, "__get__", publishing(vars(functools.cached_property)["__get__"]))
    if native is not None and native.caches_install(_RealCache, functools.cached_property):
        patches.at_undo(native.caches_uninstall)
    else:
        patches.replace(functools, "_lru_cache_wrapper", Cache)
