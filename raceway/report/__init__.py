"""Reports: a finished `Report` as text for people and as JSON for programs. Renderers see `raceway.model` only."""

from __future__ import annotations

from raceway.report.json import decode as decode_json
from raceway.report.json import encode as encode_json
from raceway.report.text import render as render_text

__all__ = ["decode_json", "encode_json", "render_text"]
