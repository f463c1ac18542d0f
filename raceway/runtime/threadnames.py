"""What threads are called. Serves both cores."""

from __future__ import annotations

import threading

from raceway.originals import get_ident


def thread_name() -> str:
    """What the program calls the calling thread; made up for threads that `threading` does not know."""
    ident = get_ident()
    known = getattr(threading, "_active", {}).get(ident)
    return str(known.name) if known is not None else f"thread {ident}"
