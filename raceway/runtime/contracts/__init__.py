"""The contracts of built-in containers: what each of their operations reads and changes, and whether in one step.

Data, one file per family of types, and a tiny look-up. The recorder asks it what a method call, an operator or a
built-in function does to the container it is applied to; `docs/containers.md` shows the table.
"""

from __future__ import annotations

from raceway.model.typing import TYPE_CHECKING
from raceway.runtime.contracts.table import (
    CONTAINERS,
    SEQUENCES,
    TABLE,
    behind,
    is_container,
    is_sequence,
    lookup,
    operator,
    whole,
)
from raceway.runtime.contracts.terms import CallContract, Contract, Effect, Handover, KeyShape, Presence, Target

if TYPE_CHECKING:
    from raceway.runtime.contracts.calls import CALLS as CALLS
    from raceway.runtime.contracts.calls import FORMS as FORMS
    from raceway.runtime.contracts.calls import call as call
    from raceway.runtime.contracts.ignored import IGNORED as IGNORED

__all__ = [
    "CALLS",
    "CONTAINERS",
    "FORMS",
    "IGNORED",
    "SEQUENCES",
    "TABLE",
    "CallContract",
    "Contract",
    "Effect",
    "Handover",
    "KeyShape",
    "Presence",
    "Target",
    "behind",
    "call",
    "is_container",
    "is_sequence",
    "lookup",
    "operator",
    "whole",
]


def __getattr__(name: str) -> object:
    """What is said of functions, and of what has no row: no core asks for it."""
    if name in ("CALLS", "FORMS", "call"):
        from raceway.runtime.contracts import calls

        return getattr(calls, name)
    if name == "IGNORED":
        from raceway.runtime.contracts.ignored import IGNORED

        return IGNORED
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
