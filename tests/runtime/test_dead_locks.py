"""The places of dead locks: kept for a while, since what was done under them can still race, and then forgotten."""

from __future__ import annotations

import subprocess
import sys

from raceway.detector.syncs import REMEMBERED
from tests.conftest import TIMEOUT_S, clean_environ

_PROGRAM = """
import sys
from raceway.config import Config
from raceway.session import Session

session = Session(Config(core=sys.argv[1], children="ignore"), ())
session.start()
core, recorder = session._core, session._core.recorder
first, second = (recorder.new_sync("lock", "app.py", line) for line in (7, 8))
recorder.retire_sync(first)
recorder.current()  # the pure core takes in what was put
kept = core.names.lock_place(first)
for _ in range(int(sys.argv[2])):
    recorder.retire_sync(recorder.new_sync("lock", "app.py", 9))
places = kept, core.names.lock_place(first), core.names.lock_place(second)
session.stop()
assert places == (("app.py", 7), ("", 0), ("app.py", 8)), places
"""


def test_the_place_of_a_dead_lock_is_kept_for_a_while(core: str) -> None:
    command = [sys.executable, "-c", _PROGRAM, core, str(REMEMBERED)]
    ended = subprocess.run(
        command, env=clean_environ(), capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S, check=False
    )
    assert ended.returncode == 0, ended.stderr
