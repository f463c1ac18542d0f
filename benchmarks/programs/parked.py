"""A second thread that has taken part and then waits: from its start on, nothing may rest on there being one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Touched:
    """An object that both threads have used."""

    def __init__(self) -> None:
        self.value = 0


@contextmanager
def parked_thread(touch: Callable[[], object] = lambda: None) -> Iterator[None]:
    """A thread that touches something and is parked on a lock until the block ends."""
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

    try:
        yield
    finally:
        over.release()
        thread.join()
