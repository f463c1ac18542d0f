"""Reports: a finished `Report` as text for people and as JSON for programs. Renderers see `raceway.model` only."""

from __future__ import annotations

from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.report.json import decode as decode_json
    from raceway.report.json import encode as encode_json
    from raceway.report.text import render as render_text
    from raceway.report.text import render_hang

__all__ = ["decode_json", "encode_json", "render_hang", "render_text"]


def __getattr__(name: str) -> Any:
    """Resolve the public names when they are first used: a run that writes no JSON does not import msgspec."""
    if name in ("decode_json", "encode_json"):
        from raceway.report import json

        return json.decode if name == "decode_json" else json.encode
    if name in ("render_text", "render_hang"):
        from raceway.report import text

        return text.render if name == "render_text" else text.render_hang
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
