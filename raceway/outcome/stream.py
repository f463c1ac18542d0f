"""Lines to a stream that is the program's, too, and may be closed or missing. Serves what a session tells."""

from __future__ import annotations

import contextlib

from raceway.model.typing import TextIO


def say(line: str, stream: TextIO | None) -> None:
    """One line, if the stream takes it."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(line + "\n")
