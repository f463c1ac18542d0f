"""Outgoing HTTP calls that carry the trace by themselves: httpx, requests, urllib3 and aiohttp, when a client asks.

One function of each library through which all its calls go is replaced, once the program has imported it. Headers that
the caller gave win, and a library on top of another one adds them once. The collector gets none: the worker that speaks
to it is in no trace.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from raceway.client import context as contexts
from raceway.client.propagation import CLOCK, TRACEPARENT, outgoing
from raceway.model.typing import Any
from raceway.originals import allocate_lock
from raceway.sync.patching import Patches
from raceway.sync.wrappers import Failures, hide_frame

_hosts: dict[int, tuple[str, ...]] = {}
_ledgers: list[Patches] = []
_lock = allocate_lock()


def start(user: object, wanted: bool | Sequence[str]) -> None:
    """Have calls to these hosts carry the trace from now on, for this user: globs over host names, True for all."""
    if wanted is False:
        return
    with _lock:
        _hosts[id(user)] = ("*",) if wanted is True else tuple(host.lower() for host in wanted)
        if not _ledgers:
            _ledgers.append(Patches())
    follow()


def stop(user: object) -> None:
    """No more for this user; with the last one the libraries are as they were."""
    with _lock:
        _hosts.pop(id(user), None)
        while _ledgers and not _hosts:
            _ledgers.pop().undo()


def follow() -> None:
    """Replace the functions of the libraries that are there by now."""
    if not _ledgers:
        return
    with _lock:
        for module, owner, name, replacement in _PLACES:
            found: Any = getattr(sys.modules.get(module), owner, None)
            if found is not None and _ledgers and not hasattr(vars(found).get(name), _OURS):
                replaced = replacement(getattr(found, name))
                setattr(replaced, _OURS, True)
                _ledgers[-1].replace(found, name, replaced)


contexts.at_begin.append(follow)

_OURS = "_raceway_outgoing"


def _headers(url: Any, present: Iterable[Any]) -> dict[str, str]:
    """What a call to this address is to carry beside the headers that are present; never raises."""
    try:
        if contexts.inherited() is None:
            return {}
        host = (urlsplit(str(url)).hostname or "").lower()
        if not any(fnmatchcase(host, glob) for globs in list(_hosts.values()) for glob in globs):
            return {}
        if not {TRACEPARENT, CLOCK}.isdisjoint(_text(name).lower() for name in present):
            return {}
        context = contexts.current()
        return {} if context is None else outgoing(contexts.sent(context))
    except Exception:  # the call goes on without
        Failures.count += 1
        return {}


def _text(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def _add(url: Any, headers: Any) -> None:
    """Add them to headers that can be changed."""
    try:
        for name, value in _headers(url, list(headers)).items():
            headers.setdefault(name, value)
    except Exception:
        Failures.count += 1


def _sending(real: Callable[..., Any]) -> Callable[..., Any]:
    """`send` of a request that has an address and headers: requests, and httpx where it waits."""

    @functools.wraps(real)
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        _add(getattr(request, "url", ""), getattr(request, "headers", {}))
        try:
            return real(self, request, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return send


def _sending_async(real: Callable[..., Any]) -> Callable[..., Any]:
    """The same where it is awaited."""

    @functools.wraps(real)
    async def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        _add(getattr(request, "url", ""), getattr(request, "headers", {}))
        try:
            return await real(self, request, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return send


def _opening(real: Callable[..., Any]) -> Callable[..., Any]:
    """`urlopen(method, url, body, headers)` of a pool of urllib3, which knows the host."""

    @functools.wraps(real)
    def urlopen(
        self: Any, method: Any, url: Any, body: Any = None, headers: Any = None, *more: Any, **rest: Any
    ) -> Any:
        given = self.headers if headers is None else headers
        ours = _headers(f"//{getattr(self, 'host', '')}", list(given or ()))
        try:
            return real(self, method, url, body, {**(given or {}), **ours} if ours else headers, *more, **rest)
        except BaseException as error:
            hide_frame(error)
            raise

    return urlopen


def _requesting(real: Callable[..., Any]) -> Callable[..., Any]:
    """`_request(method, url, headers=...)` of a session of aiohttp."""

    @functools.wraps(real)
    async def request(self: Any, method: Any, url: Any, **kwargs: Any) -> Any:
        given: Any = kwargs.get("headers")
        pairs = list(given.items() if hasattr(given, "items") else given or ())
        more = _headers(_whole(self, url), [name for name, _ in pairs] + list(getattr(self, "headers", None) or ()))
        if more:
            kwargs["headers"] = [*pairs, *more.items()]
        try:
            return await real(self, method, url, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return request


def _whole(session: Any, url: Any) -> Any:
    """The address of a request, which a session may complete."""
    base = getattr(session, "_base_url", None)
    return base if base is not None and "://" not in str(url) else url


_PLACES: tuple[tuple[str, str, str, Callable[[Callable[..., Any]], Callable[..., Any]]], ...] = (
    ("httpx", "Client", "send", _sending),
    ("httpx", "AsyncClient", "send", _sending_async),
    ("requests.sessions", "Session", "send", _sending),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urlopen", _opening),
    ("aiohttp.client", "ClientSession", "_request", _requesting),
)
"""Module, class, method, and what goes in its place."""
