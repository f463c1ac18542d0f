"""How a function of ours looks that stands for one of the standard library's. Serves what is patched in `os`."""

from __future__ import annotations

from raceway.model.typing import Any


def imitate(function: Any, real: Any) -> None:
    """Give it the module, text and signature of the real one, in whichever way they are asked for."""
    function.__module__ = real.__module__
    function.__doc__ = real.__doc__
    function.__text_signature__ = getattr(real, "__text_signature__", None)
    function.__wrapped__ = real
