"""A program whose processes race, and a run of it under Raceway whose temporary directory is looked at afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import TIMEOUT_S, clean_environ

SHARED = """\
import threading


class Counter:
    def __init__(self):
        self.value = 0

    def up(self):
        seen = self.value
        self.check(seen)
        self.value = seen + 1

    def check(self, seen):
        return seen >= 0


counter = Counter()


def race():
    threads = [threading.Thread(target=counter.up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@dataclass(frozen=True)
class Followed:
    """What is left of a run: its status and output, its report, and the files in its temporary directory."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any]
    left: list[str]

    @property
    def races(self) -> list[tuple[str, str]]:
        """Kind and variable of every finding."""
        return [(finding["kind"], finding["variable"]) for finding in self.report["findings"]]

    @property
    def processes(self) -> list[dict[str, Any]]:
        """The processes that the program has started."""
        found = self.report["coverage"]["processes"]
        assert isinstance(found, list)
        return found


@dataclass(frozen=True)
class Place:
    """A directory with the program, and one for temporary files."""

    directory: Path
    temporary: Path

    def write(self, name: str, source: str) -> Path:
        """Write a file of the program."""
        path = self.directory / name
        path.write_text(source, encoding="utf-8")
        return path

    def run(self, *words: str) -> Followed:
        """Run a program to its end."""
        with self.serving(*words) as (_process, finish):
            return finish()

    @contextmanager
    def serving(self, *words: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], Followed]]]:
        """A program that runs, and what waits for its end."""
        report = self.temporary.parent / "report.json"
        process = subprocess.Popen(
            [sys.executable, "-m", "raceway.run", "--json", str(report), *words],
            cwd=self.directory,
            env=clean_environ() | {"TMPDIR": str(self.temporary), "HOME": str(self.temporary.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

        def kill() -> None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and its workers, who hold its pipes open

        def finish() -> Followed:
            out, err = process.communicate(timeout=TIMEOUT_S)
            found = json.loads(report.read_bytes())
            left = [name for name in os.listdir(self.temporary) if name.startswith("raceway-")]
            return Followed(process.returncode, out, err, found, left)

        watchdog = threading.Timer(TIMEOUT_S, kill)  # who waits for a line that never comes gets an end of file
        watchdog.start()
        try:
            yield process, finish
        finally:
            watchdog.cancel()
            kill()
            process.communicate()
