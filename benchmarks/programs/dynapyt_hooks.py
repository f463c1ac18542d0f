"""The analysis that DynaPyt runs in the comparison: hooks for reads of attributes and items that do nothing."""

from __future__ import annotations


class EmptyHooks:
    """A hook that gives None leaves the value as it is. DynaPyt finds hooks by their names and parameters."""

    def __init__(self, output_dir: str = "") -> None:
        del output_dir

    def read_attribute(self, dyn_ast: str, iid: int, base: object, name: str, val: object) -> None:
        """`base.name` was read."""

    def read_subscript(self, dyn_ast: str, iid: int, base: object, sl: list[object], val: object) -> None:
        """`base[sl]` was read."""
