"""The board's server: `python -m benchmarks.programs.board.app` prints its port and serves until its input ends."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from benchmarks.programs.board.database import create
from benchmarks.programs.board.pages import add_pages
from benchmarks.programs.board.readers import Readers
from benchmarks.programs.serving import serve

MESSAGES = 500


def make(folder: str) -> tuple[Flask, Callable[[], int]]:
    """A board with some messages."""
    path = Path(folder) / "board.sqlite"
    create(path, MESSAGES)
    readers = Readers()
    app = Flask("board", root_path=str(Path(__file__).parent))
    add_pages(app, path, readers)
    return app, readers.requests


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        serve(__doc__, lambda: make(folder))
