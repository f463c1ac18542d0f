"""What random programs work with: objects whose every operation is an effect, written down, at which it may fail.

The objects are not instrumented, their operations are those of the programs. One run at a time; `begin` starts it.
"""

from __future__ import annotations

import collections
import functools
import itertools
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

ENOUGH = 400
"""Effects after which a run is ended."""

log: list[str] = []
_left = [0]
_made = [0]
_rounds = [0]


class Boom(Exception):  # noqa: N818 - what programs call it
    """What an effect fails with."""


class EnoughError(BaseException):
    """Ends a run that goes on and on."""


def begin(fuse: int) -> None:
    """Start a run whose effect number `fuse` fails; 0 for none."""
    log.clear()
    _left[0] = fuse
    _made[0] = 0
    _rounds[0] = 0


def spark(*what: object) -> bool:
    """An effect."""
    log.append(" ".join(map(kind, what)))
    _left[0] -= 1
    if _left[0] == 0:
        raise Boom(log[-1])
    if len(log) > ENOUGH:
        raise EnoughError
    return len(log) % 3 > 0


def kind(value: object) -> str:
    """A value as it is written down: never by asking it."""
    if type(value) is Logged:
        return _name_of(value)
    if type(value) in (int, str, bool, type(None), float, bytes):
        return repr(value)
    if type(value) in (list, tuple):
        assert isinstance(value, (list, tuple))
        return f"{type(value).__name__}({', '.join(map(kind, itertools.islice(value, 4)))})"
    if type(value) is dict:
        return f"dict({', '.join(f'{kind(key)}: {kind(value[key])}' for key in itertools.islice(value, 4))})"
    return type.__dict__["__qualname__"].__get__(type(value))  # type: ignore[no-any-return]


def note(failure: BaseException) -> None:
    """Write down an exception: its type, arguments, frames, positions, and what it came from.

    A run is followed up to the recursion limit: what dies as it unwinds from there does so in an order of its own.
    """
    if isinstance(failure, RecursionError):
        raise EnoughError
    log.append(_told(failure))


def unraisable(failure: BaseException | None) -> None:
    """The same for an exception that nobody can be given, as one of a destructor."""
    log.append(f"ignored {_told(failure)}")


def _told(failure: BaseException | None, depth: int = 3) -> str:
    if failure is None or depth == 0:
        return "-"
    places = "" if _is_fused(failure) else _frames(failure.__traceback__)
    told = f"{type(failure).__name__}({', '.join(map(kind, failure.args))}) {places}"
    if isinstance(failure, BaseExceptionGroup):
        told += f" [{'; '.join(_told(one, depth - 1) for one in failure.exceptions)}]"
    cause, context = failure.__cause__, failure.__context__
    if cause is not None or context is not None:
        told += f" from {_told(cause, depth - 1)} in {_told(context, depth - 1)} {failure.__suppress_context__}"
    return told


def _is_fused(failure: BaseException) -> bool:
    """Where 3.11 has fused the load of a constant with that of a local, an unbound local has the constant's place."""
    return sys.version_info < (3, 12) and isinstance(failure, UnboundLocalError)


def _frames(trace: TracebackType | None) -> str:
    told = []
    while trace is not None:
        code = trace.tb_frame.f_code
        place = next(itertools.islice(code.co_positions(), trace.tb_lasti // 2, None)) if trace.tb_lasti >= 0 else ()
        told.append(f"{code.co_name}:{trace.tb_lineno}{place}")
        trace = trace.tb_next
    return " ".join(told)


def uncaught(failure: BaseException) -> None:
    """The same for what ends a program, with the text that Python would print."""
    if isinstance(failure, (EnoughError, RecursionError)):
        log[ENOUGH:] = []
        log[:] = [line for line in log if not line.startswith("gone ")]
        return
    note(failure)
    trace = failure.__traceback__
    if trace is not None and not _is_fused(failure):
        log.append("".join(traceback.format_exception(failure.with_traceback(trace.tb_next))))


class Logged:
    """Every operation is an effect."""

    __slots__ = ("__weakref__", "fields", "name")

    name: Any
    fields: dict[str, Any]

    def __new__(cls, *_arguments: object) -> Logged:
        _made[0] += 1
        self = object.__new__(cls)
        object.__setattr__(self, "name", f"L{_made[0]}")
        object.__setattr__(self, "fields", {})
        return self

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__" and name[-2:] == "__":
            raise AttributeError(name)
        spark(self, "get", name)
        if name not in self.fields:
            self.fields[name] = made(name)
        return self.fields[name]

    def __setattr__(self, name: str, value: object) -> None:
        spark(self, "set", name, value)
        self.fields[name] = value

    def __delattr__(self, name: str) -> None:
        spark(self, "del", name)
        self.fields.pop(name, None)

    def __getitem__(self, key: object) -> Any:
        spark(self, "[]", key)
        return self.fields.setdefault("item", Logged())

    def __setitem__(self, key: object, value: object) -> None:
        spark(self, "[]=", key, value)
        self.fields["item"] = value

    def __delitem__(self, key: object) -> None:
        spark(self, "del[]", key)
        self.fields.pop("item", None)

    def __call__(self, *arguments: object, **named: object) -> Any:
        spark(self, "()", *arguments, *named)
        return arguments[0] if arguments and type(arguments[0]) is types.FunctionType else Logged()

    def __iter__(self) -> Iterator[object]:
        spark(self, "iter")
        yield Logged()
        spark(self, "next")
        yield 1

    def __contains__(self, item: object) -> bool:
        return spark(self, "in", item)

    def __bool__(self) -> bool:
        return spark(self, "bool")

    def __len__(self) -> int:
        spark(self, "len")
        return 2

    def __eq__(self, other: object) -> bool:
        spark(self, "==", other)
        return self is other

    def __hash__(self) -> int:
        spark(self, "hash")
        return 1

    def __format__(self, spec: str) -> str:
        spark(self, "format", spec)
        return "text"

    def __repr__(self) -> str:
        spark(self, "repr")
        return kind(self)

    def __enter__(self) -> Logged:
        spark(self, "enter")
        return Logged()

    def __exit__(self, *failure: object) -> bool:
        return spark(self, "exit", failure[0]) and len(log) % 2 == 0

    def __await__(self) -> Iterator[None]:
        spark(self, "await")
        yield
        return Logged()  # type: ignore[return-value]

    def __aiter__(self) -> Logged:
        spark(self, "aiter")
        self.fields["left"] = 2
        return self

    async def __anext__(self) -> Logged:
        spark(self, "anext")
        self.fields["left"] -= 1
        if self.fields["left"] < 0:
            raise StopAsyncIteration
        return Logged()

    async def __aenter__(self) -> Logged:
        spark(self, "aenter")
        return Logged()

    async def __aexit__(self, *failure: object) -> bool:
        return spark(self, "aexit", failure[0]) and False

    def __del__(self) -> None:
        log.append(f"gone {kind(self)}")

    def __index__(self) -> int:
        spark(self, "index")
        return 0

    def keys(self) -> list[str]:
        """Lets it be unpacked into a dictionary."""
        spark(self, "keys")
        return ["k"]


def _operator(name: str) -> Callable[[Logged, object], Any]:
    def operator(self: Logged, other: object) -> Any:
        spark(self, name, other)
        return self if name[:3] == "__i" and len(log) % 2 else Logged()

    return operator


_BINARY = "add sub mul matmul truediv floordiv mod and or xor lshift rshift"
for _name in _BINARY.split():
    for _prefix in ("", "r", "i"):
        setattr(Logged, f"__{_prefix}{_name}__", _operator(f"__{_prefix}{_name}__"))
for _name in "lt le gt ge".split():
    setattr(Logged, f"__{_name}__", lambda self, other, name=_name: spark(self, name, other))


_name_of: Callable[[Logged], str] = vars(Logged)["name"].__get__


class Numbered:
    """Hash and text tell no address, so that sets have the same order in every run."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return type(self).__name__


class Box(Numbered):
    """An ordinary object: its attributes are where attributes are."""

    shared = 1
    items: Any

    def __init__(self) -> None:
        self.x = Logged()
        self.y = 1
        self.items = [Logged(), 2]

    def method(self, *arguments: Any) -> Any:
        """A method."""
        spark("method", *arguments)
        return self.x

    @property
    def computed(self) -> Any:
        """A property with an effect."""
        spark("computed")
        return self.y

    @computed.setter
    def computed(self, value: object) -> None:
        spark("computed=", value)


class Slotted(Numbered):
    """An object with slots, one of them empty."""

    __slots__ = ("empty", "items", "x", "y")

    def __init__(self) -> None:
        self.x = Logged()
        self.y = 2
        self.items = {"k": Logged(), 1: 2}


_MAKERS: dict[str, Callable[[], Any]] = {
    "items": lambda: [Logged(), 1, Logged()],
    "table": lambda: {"k": Logged(), 1: Box()},
    "group": lambda: {1, "k"},
    "line": lambda: collections.deque([1, Logged()], 4),
    "missing": lambda: collections.defaultdict(Logged, {"k": 1}),
    "ordered": lambda: collections.OrderedDict(k=Logged()),
    "counts": lambda: collections.Counter("kk"),
    "data": lambda: bytearray(b"ab"),
    "box": Box,
    "slotted": Slotted,
    "part": lambda: functools.partial(spark, "part"),
}

MAKERS = tuple(_MAKERS)
"""What there is of each sort; a field of a `Logged` that has such a name holds one."""


def made(sort: str) -> Any:
    """A new object of a sort; a `Logged` for other names."""
    return _MAKERS.get(sort, Logged)()


def again() -> bool:
    """Nine rounds at most, of all loops of a run together."""
    _rounds[0] += 1
    return _rounds[0] % 9 > 0


def tick(clock: Any) -> None:
    """Count what a loop waits for, unknown to the module that has the loop."""
    spark("tick")
    clock.ticks += 1
    clock.stopped = clock.ticks > 2


def complete(coroutine: Any) -> Any:
    """Run a coroutine to its end."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as end:
        return end.value


def drive(generator: Any) -> None:
    """Have a generator go through its steps: values, an exception, the end."""
    try:
        spark("first", next(generator))
        spark("sent", generator.send(Logged()))
        spark("thrown", generator.throw(Boom("thrown")))
    finally:
        generator.close()


NAMES: dict[str, Any] = {
    "L": Logged, "Boom": Boom, "spark": spark, "kind": kind, "note": note, "again": again, "complete": complete,
    "drive": drive, "made": made, "Box": Box, "Slotted": Slotted, "tick": tick,
}  # fmt: skip
"""What a program finds among its globals."""
