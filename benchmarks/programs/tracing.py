"""What else follows every opcode or line, to compare with: each tool is started, and what is given ends it.

What runs in frames that begin after the start is traced.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

Stop = Callable[[], None]


def settrace() -> Stop:
    """`sys.settrace` with an event for every opcode and a tracer that does nothing."""

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return opcode

    def opcode(_frame: FrameType, _event: str, _argument: object) -> Any:
        return opcode

    sys.settrace(trace)
    return lambda: sys.settrace(None)


def coverage() -> Stop:
    """coverage.py as it is by default, line by line; `COVERAGE_CORE` chooses its core."""
    measurement = importlib.import_module("coverage").Coverage(data_file=None, config_file=False, include=["*bm_*"])
    measurement.start()
    stop: Stop = measurement.stop
    return stop


TOOLS: Mapping[str, Callable[[], Stop]] = {"settrace": settrace, "coverage": coverage}
"""By the names of the command line."""
