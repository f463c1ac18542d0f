"""Functions of C modules with something else called for them. Serves `sync` and `children`.

Where the core can, the function itself stays, for whoever has it already, as the attribute of a class, for `pickle` and
`inspect`: raceway/native/builtins.c changes the pointer in its definition. Elsewhere another takes its place, which
looks as much like it as an object of Python can.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import BuiltinFunctionType

from raceway.model.typing import Any

Make = Callable[[Any], Any]
"""Given a function that does as the real one did, makes what is to be called."""


class Native:
    """The module of the native core, when that is the one of the run."""

    module: Any = None


class Unbound(staticmethod):  # type: ignore[type-arg]  # it takes no subscript when it runs
    """A function of Python that wraps one of C, in the place of that: no method of a class that has it as an attribute,
    as the real one is none. `pickle` finds it by its name."""

    def __init__(self, function: Any, real: Any) -> None:
        function.__wrapped__ = real
        super().__init__(function)
        for name in ("__module__", "__name__", "__qualname__", "__doc__", "__text_signature__"):
            setattr(self, name, getattr(real, name, None))

    def __reduce__(self) -> str:
        return str(self.__name__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__.__wrapped__)  # type: ignore[attr-defined]


def called_for(function: Any, native: Any = None) -> Any:
    """What is called for a function now: what does as it does, whatever will be called for it later."""
    found = None if native is None else native.original(function)
    return function if found is None else found


def stand_in(
    owner: Any, name: str, make: Make, native: Any = None, also: tuple[Any, str] | None = None
) -> Callable[[], None]:
    """Have what `make` makes of the function `owner.name` called for it, until what is returned is called.

    What somebody else has put in its place since is theirs and stays. `also`: where it is under another name."""
    real = getattr(owner, name)
    undo = redirected(real, make, native)
    if undo is None:
        places = [(owner, name)] if also is None else [(owner, name), also]
        undo = _replaced(places, real, alike(real, make(real), native))
    return undo


def redirected(real: Any, make: Make, native: Any = None) -> Callable[[], None] | None:
    """The same for a function or a method of a type itself, wherever it is held. None, with nothing done, where that
    cannot be."""
    plain = None if native is None else native.original(real)
    if plain is None:
        return None
    ours = make(plain)
    native.redirect(real, ours)

    def undo() -> None:
        if native.original(real) is ours:
            native.redirect(real, plain)

    return undo


def alike(real: Any, function: Any, native: Any = None) -> Any:
    """What to put in the place of `real`, which stays beside it, so that `function` is called."""
    if type(real) not in (BuiltinFunctionType, Unbound):
        return function
    found = None if native is None else native.alike(real, function)
    return Unbound(function, real) if found is None else found


def _replaced(places: list[tuple[Any, str]], real: Any, standing: Any) -> Callable[[], None]:
    """In the modules that it is asked for in, and in the one that `pickle` looks into."""
    home = sys.modules.get(str(getattr(real, "__module__", None)))
    name = getattr(real, "__name__", "")
    if home is not None and home is not places[0][0] and vars(home).get(name) is real:
        places = [*places, (home, name)]
    for owner, each in places:
        setattr(owner, each, standing)

    def undo() -> None:
        for owner, each in places:
            if vars(owner).get(each) is standing:
                setattr(owner, each, real)

    return undo
