"""A second thread that has taken part and then waits: from its start on, nothing may rest on there being one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Touched:
    """An object that both threads have used."""

    def __init__(self) -> None:
        self.value = 0


def park(touch: Callable[[], object] = lambda: None) -> Callable[[], None]:
    """Start a thread that touches something and parks on a lock; gives what ends it."""
    seen = Touched()
    begun, over = threading.Lock(), threading.Lock()
    begun.acquire()
    over.acquire()

    def wait() -> None:
        seen.value += 1
        touch()
        begun.release()
        with over:
            seen.value += 1

    thread = threading.Thread(target=wait, name="parked")
    thread.start()
    begun.acquire()
    seen.value += 1

    def end() -> None:
        over.release()
        thread.join()

    return end
