"""The one named global of Raceway: the recorder that taps and sync models talk to, or None."""

from __future__ import annotations

from raceway.runtime.contract import Recorder

_recorder: Recorder | None = None


def recorder() -> Recorder | None:
    """The active recorder, None while Raceway is not running."""
    return _recorder


def activate(recorder: Recorder | None) -> None:
    """Make `recorder` the active one; None switches recording off."""
    global _recorder
    _recorder = recorder
