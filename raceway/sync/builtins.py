"""Functions of modules that are written in C, with something else called for them.

Where the core can, the function itself stays, for whoever has it already, as the attribute of a class, for `pickle` and
`inspect`: raceway/native/builtins.c changes the pointer in its definition. Elsewhere another takes its place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.sync.patching import Patches


def stand_in(patches: Patches, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Have what `make` makes of the function `owner.name` called for it."""
    real = getattr(owner, name)
    native = patches.native
    plain = None if native is None else native.original(real)
    if plain is None:
        patches.replace(owner, name, make(real))
        return
    native.redirect(real, make(plain))
    patches.at_undo(functools.partial(native.redirect, real, plain))
    patches.redirected.append((owner, name))
