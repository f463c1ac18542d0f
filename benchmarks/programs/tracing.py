"""What else follows every access or line, to compare with: the work of a program run under it in the same process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

Work = Callable[[], object]


def settrace(work: Work) -> Work:
    """The work under `sys.settrace`, with an event for every opcode and a tracer that does nothing."""

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return opcode

    def opcode(_frame: FrameType, _event: str, _argument: object) -> Any:
        return opcode

    def traced() -> None:
        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(None)

    return traced


def coverage(work: Work) -> Work:
    """The work under coverage.py as it is by default, line by line; `COVERAGE_CORE` chooses its core."""
    measurement = importlib.import_module("coverage").Coverage(data_file=None, config_file=False, include=["*bm_*"])

    def covered() -> None:
        measurement.start()
        try:
            work()
        finally:
            measurement.stop()

    return covered


TOOLS: Mapping[str, Callable[[Work], Work]] = {"settrace": settrace, "coverage": coverage}
"""By the names of the command line."""
