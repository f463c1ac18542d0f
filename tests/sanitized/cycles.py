"""Runs of the native core one after the other in one process, with instrumented code in each. Prints `done`."""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from pathlib import Path

SOURCE = """
import queue
import threading

class Box:
    def __init__(self):
        self.value = 0
        self.items = {}
        self.lock = threading.Lock()

box = Box()
total = 0

def work():
    global total
    kept = 0
    for turn in range(5):
        box.value += 1
        box.items[turn] = box.items.get(turn, 0) + 1
        total += 1
        with box.lock:
            box.value = turn
        def inner():
            nonlocal kept
            kept += 1
        inner()

jobs = queue.Queue()
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
jobs.put(box)
jobs.get().value
"""


def tell() -> None:
    """What there is in this process, but for the cache of attributes by name, which 3.13 fills with new strings."""
    gc.collect()
    getattr(sys, "_clear_internal_caches", sys._clear_type_cache)()
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if sys.platform == "linux" else 0
    counts = {"kib": pages * 4, "tracked": len(gc.get_objects()), "blocks": sys.getallocatedblocks()}
    print(json.dumps(counts))


def main(cycles: int) -> None:
    """So many runs."""
    import raceway

    os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp())
    folder = tempfile.mkdtemp()
    Path(folder, "cycled.py").write_text(SOURCE)
    sys.path.insert(0, folder)
    for cycle in range(1, cycles + 1):
        handle = raceway.autoinstrument.install(include=["cycled"], core="native", quiet=True)
        import cycled  # type: ignore[import-not-found]  # made above

        handle.uninstall()
        assert handle.findings()
        del sys.modules["cycled"], cycled
        del handle
        if cycle in (cycles // 10, cycles):
            tell()
    print("done")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
