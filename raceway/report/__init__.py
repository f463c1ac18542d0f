"""Reports: a finished `Report` as text for people and in the forms that programs read. Renderers see values only."""

from __future__ import annotations

from importlib import import_module

from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.report.json import decode as decode_json
    from raceway.report.json import encode as encode_json
    from raceway.report.text import render as render_text
    from raceway.report.text import render_hang

__all__ = ["FILES", "decode_json", "encode_json", "render_hang", "render_text"]

FILES = ("json", "html", "sarif", "junit")
"""The forms that a run writes to a file of its own, each by the setting of that name."""

_HOMES = {
    "decode_json": ("raceway.report.json", "decode"),
    "encode_json": ("raceway.report.json", "encode"),
    "render_hang": ("raceway.report.text", "render_hang"),
    "render_text": ("raceway.report.text", "render"),
}


def __getattr__(name: str) -> Any:
    """Resolve the public names when they are first used: a run that writes no JSON does not import msgspec."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
