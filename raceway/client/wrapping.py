"""How decorators wrap what they decorate: functions, async functions, generators of both sorts, methods and classes.

The wrapper is of the same sort as what it wraps, with its name, signature and documentation. Around every activation
stands a block, made from its arguments; an exception's traceback does not show our frames.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager

from raceway.model.typing import Any
from raceway.sync.wrappers import hide_frame

Block = Callable[[tuple[Any, ...], dict[str, Any]], AbstractContextManager[Any]]
"""Arguments by position and by keyword -> what stands around the activation. Must not raise."""

Blocks = Callable[[Callable[..., Any]], Block]
"""What stands around the activations of one function."""


Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def wrapped(target: Any, blocks: Blocks, plain: Wrap | None = None) -> Any:
    """`target` with a block around each of its activations; what cannot be called is given back as it is.

    Functions that are neither async nor generators are wrapped by `plain`, if it is given.
    """
    if isinstance(target, (staticmethod, classmethod)):
        return type(target)(wrapped(target.__func__, blocks, plain))
    if isinstance(target, property):
        fget, fset, fdel = (part and wrapped(part, blocks, plain) for part in (target.fget, target.fset, target.fdel))
        return property(fget, fset, fdel, target.__doc__)
    if isinstance(target, type):
        return each_method(target, lambda method: wrapped(method, blocks, plain))
    if not callable(target):
        return target
    if inspect.isasyncgenfunction(target):
        return _async_generator(target, blocks(target))
    if inspect.iscoroutinefunction(target):
        return _coroutine(target, blocks(target))
    if inspect.isgeneratorfunction(target):
        return _generator(target, blocks(target))
    return _function(target, blocks(target)) if plain is None else plain(target)


def each_method(cls: type, change: Callable[[Any], Any]) -> type:
    """The class itself, its own public methods changed, `__init__` and `__call__` among them."""
    for name, value in list(vars(cls).items()):
        is_method = inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod))
        if is_method and (not name.startswith("_") or name in ("__init__", "__call__")):
            setattr(cls, name, change(value))
    return cls


def _function(function: Callable[..., Any], block: Block) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            with block(args, kwargs):
                return function(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


def _coroutine(function: Callable[..., Any], block: Block) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            with block(args, kwargs):
                return await function(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


def _generator(function: Callable[..., Any], block: Block) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        try:
            with block(args, kwargs):
                return (yield from function(*args, **kwargs))
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


def _async_generator(function: Callable[..., Any], block: Block) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        try:
            with block(args, kwargs):
                item = await _resumed(generator.__anext__())
                while item is not _ENDED:
                    try:
                        answer = yield item
                    except GeneratorExit:
                        await generator.aclose()
                        raise
                    except BaseException as error:
                        item = await _resumed(generator.athrow(error))
                    else:
                        item = await _resumed(generator.asend(answer))
        except BaseException as error:
            hide_frame(error)
            raise

    return wrapper


_ENDED = object()


async def _resumed(step: Any) -> Any:
    """What the generator yields next; `_ENDED` when it is over."""
    try:
        return await step
    except StopAsyncIteration:
        return _ENDED
