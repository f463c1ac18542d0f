"""Methods of types that extension modules define. Such a type refuses to have attributes set, though nothing depends on
that: its table of attributes is a dictionary like any other, if the interpreter is told of the change."""

from __future__ import annotations

import functools
import gc
import importlib
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.standins import redirected
from raceway.sync.patching import Patches


def stand_in(patches: Patches, owner: type, name: str, make: Callable[[Any], Any]) -> None:
    """Have what `make` makes of the method `owner.name` called for it, until `patches` are undone."""
    undo = redirected(vars(owner).get(name), make, patches.native)
    if undo is None:
        replace_in_type(patches, owner, name, make(getattr(owner, name)))
    else:
        patches.at_undo(undo)


def replace_in_type(patches: Patches, owner: type, name: str, new: object) -> None:
    """Put `new` in the place of `owner.name`, which is there, until `patches` are undone."""
    before = vars(owner)[name]
    _set(owner, name, new)
    patches.at_undo(functools.partial(_put_back, owner, name, before, new))


def _put_back(owner: type, name: str, before: object, new: object) -> None:
    if vars(owner).get(name) is new:
        _set(owner, name, before)


def _set(owner: type, name: str, value: object) -> None:
    try:
        setattr(owner, name, value)
    except TypeError:
        ctypes = importlib.import_module("ctypes")
        gc.get_referents(vars(owner))[0][name] = value
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))
