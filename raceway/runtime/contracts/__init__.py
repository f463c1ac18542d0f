"""The contracts of built-in containers: what each of their operations reads and changes, and whether in one step.

Data, one file per family of types, and a tiny look-up. The recorder asks it what a method call, an operator or a
built-in function does to the container it is applied to; `docs/containers.md` shows the table.
"""

from __future__ import annotations

from raceway.runtime.contracts.calls import CALLS, FORMS, call
from raceway.runtime.contracts.ignored import IGNORED
from raceway.runtime.contracts.table import (
    CONTAINERS,
    SEQUENCES,
    TABLE,
    behind,
    is_container,
    is_sequence,
    lookup,
    operator,
)
from raceway.runtime.contracts.terms import CallContract, Contract, Effect, Handover, KeyShape, Presence, Target

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
]
