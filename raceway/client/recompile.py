"""Decorated functions, compiled once more with taps: for modules that are not instrumented.

While a session watches the process its own taps are put in, as in any module it instruments. Otherwise taps of ours
stand at the accesses that are asked for: they give back a stand-in for the object, which does the access itself, in the
order of the program, and tells what was read or written. Everything else in the function is as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType

from raceway.autoinstrument.inplace import counterpart
from raceway.autoinstrument.source import Source
from raceway.client import marks
from raceway.client.default import get_client
from raceway.client.keeping import keep
from raceway.client.warning import warn
from raceway.errors import RecompileWarning
from raceway.model import placeholders
from raceway.model.sites import Context, Role, Site, SiteForm
from raceway.model.typing import Any
from raceway.sync.wrappers import hide_frame

Wanted = Callable[[Site], str]
"""The name under which accesses of a site are told; empty for none."""

Gate = Callable[[], bool]
"""Whether accesses are told now."""

_CONSTANTS = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, type(...), CodeType)


def recompile(function: Any, wanted: Wanted, gate: Gate = lambda: True) -> bool:
    """Give the function code that tells of the accesses that are wanted; whether there is such code.

    Where it cannot be had the function stays as it is, with one warning. Never raises.
    """
    if not isinstance(function, FunctionType):
        return False
    if any(type(one) not in _CONSTANTS for one in function.__code__.co_consts):
        return False  # what is no constant is a tap: it is instrumented
    name = function.__qualname__
    try:
        code = _made(function, wanted, gate)
        if code is not None:
            function.__code__ = code
            return True
        why = "its source is not the one that runs"
    except Exception as error:  # no source, or one that we cannot rewrite: the program runs on
        why = f"{type(error).__name__}: {error}"
    warn(RecompileWarning(f"{name} is not tracked: {why}"))
    return False


def _made(function: FunctionType, wanted: Wanted, gate: Gate) -> CodeType | None:
    from raceway.session import running

    file = function.__code__.co_filename
    session = running()
    if session is not None:
        source = Source(lambda: _content(file), file)
        return counterpart(function.__code__, session.compile(source, file, str(function.__module__)))
    from raceway.transform import instrument

    made = instrument(_content(file), file, "")
    code = counterpart(function.__code__, made.code)
    return None if code is None else _bound(code, made.sites, made.marker, wanted, gate)


def _content(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def _bound(code: CodeType, sites: tuple[Site, ...], marker: bytes, wanted: Wanted, gate: Gate) -> CodeType:
    """The code with our taps in place of its placeholders."""
    constants: list[Any] = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constants.append(_bound(constant, sites, marker, wanted, gate))
        elif (placeholder := placeholders.parse(marker, constant)) is not None:
            index, role = placeholder
            site = sites[index]
            constants.append(_tap(site, role, wanted(site), f"{code.co_filename}:{site.line}", gate))
        else:
            constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def _tap(site: Site, role: Role, name: str, place: str, gate: Gate) -> Tap:
    if name and site.form is SiteForm.ATTRIBUTE and role is Role.BASE:
        return AttributeTap(name, place, gate)
    is_value = site.form is SiteForm.GLOBAL and role in (Role.BASE, Role.VALUE)
    if name and is_value and site.context in (Context.LOAD, Context.STORE):
        return ValueTap(name, place, gate, "Read" if site.context is Context.LOAD else "Write")
    return Tap()


class Tap:
    """A tap that tells nothing."""

    __slots__ = ()

    def __getitem__(self, operand: Any) -> Any:
        """The operand."""
        return operand

    def __matmul__(self, operand: Any) -> Any:
        """The operand; the tap itself where a lambda tells a captured variable."""
        is_cell = type(operand) is FunctionType and operand.__name__ == "<lambda>"
        return self if is_cell else operand


class AttributeTap(Tap):
    """A tap on the object whose attribute is accessed next."""

    __slots__ = ("_gate", "_name", "_place")

    def __init__(self, name: str, place: str, gate: Gate) -> None:
        self._name = name
        self._place = place
        self._gate = gate

    def __getitem__(self, operand: Any) -> Any:
        """A stand-in for the object, good for one access."""
        return StandIn(operand, self.tell) if self._gate() else operand

    __matmul__ = __getitem__

    def tell(self, old: Any, new: Any, access_type: str) -> None:
        """An access was made."""
        tell(self._name, self._place, old, new, access_type)


class ValueTap(AttributeTap):
    """A tap on a value that was read, or is about to be stored."""

    __slots__ = ("_access_type",)

    def __init__(self, name: str, place: str, gate: Gate, access_type: str) -> None:
        super().__init__(name, place, gate)
        self._access_type = access_type

    def __getitem__(self, operand: Any) -> Any:
        """The operand."""
        if self._gate():
            self.tell(None, operand, self._access_type)
        return operand

    __matmul__ = __getitem__


class StandIn:
    """Does one access for the program, and tells of it."""

    __slots__ = ("_base", "_tell")

    def __init__(self, base: Any, tell: Callable[[Any, Any, str], None]) -> None:
        object.__setattr__(self, "_base", base)
        object.__setattr__(self, "_tell", tell)

    def __getattribute__(self, name: str) -> Any:
        base, told = object.__getattribute__(self, "_base"), object.__getattribute__(self, "_tell")
        try:
            value = getattr(base, name)
        except BaseException as error:
            hide_frame(error)
            raise
        told(None, value, "Read")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        base, told = object.__getattribute__(self, "_base"), object.__getattribute__(self, "_tell")
        old = own_value(base, name)
        try:
            setattr(base, name, value)
        except BaseException as error:
            hide_frame(error)
            raise
        told(old, value, "Write")

    def __delattr__(self, name: str) -> None:
        base, told = object.__getattribute__(self, "_base"), object.__getattribute__(self, "_tell")
        old = own_value(base, name)
        try:
            delattr(base, name)
        except BaseException as error:
            hide_frame(error)
            raise
        told(old, None, "Write")


def own_value(base: Any, name: str) -> Any:
    """What the object's own dictionary holds under the name; no code of the program is run for it."""
    try:
        return object.__getattribute__(base, "__dict__").get(name)
    except (AttributeError, TypeError):
        return None


def tell(name: str, place: str, old: Any, new: Any, access_type: str, given: Any = None) -> None:
    """Tell of an access that was made; without a client or a trace nothing happens. Never raises."""
    try:
        client = given or get_client()
        if client is not None:
            values = (name, keep(old, client.lossy), keep(new, client.lossy), access_type)
            client.note(marks.state_change, place, values)
    except Exception:  # a fault of ours costs the event
        return
