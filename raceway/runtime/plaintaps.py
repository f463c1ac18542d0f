"""What a tap becomes in another process or in a copy, on both cores: it gives back its operand and notes nothing."""

from __future__ import annotations

from raceway.model.typing import Any


class PlainTap:
    """A tap without a run."""

    def __getitem__(self, operand: Any) -> Any:
        """The operand."""
        return operand

    def __matmul__(self, operand: Any) -> Any:
        """The operand; the tap itself where a lambda tells a captured variable."""
        return self if callable(operand) else operand


def plain_tap() -> PlainTap:
    """What pickled taps are made of again."""
    return PlainTap()
