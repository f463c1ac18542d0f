"""The messages, in SQLite: a connection for each request, which the request closes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from flask import g

AUTHORS = 20


def create(path: Path, messages: int) -> None:
    """A database with so many messages."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE messages (number INTEGER PRIMARY KEY, author TEXT, title TEXT, text TEXT)")
        database.execute("CREATE INDEX by_author ON messages (author)")
        rows = [(f"author-{number % AUTHORS}", f"Title {number}", f"Text {number} " * 20) for number in range(messages)]
        database.executemany("INSERT INTO messages (author, title, text) VALUES (?, ?, ?)", rows)
        database.commit()


def connection(path: Path) -> sqlite3.Connection:
    """That of the present request."""
    found: sqlite3.Connection | None = g.get("database")
    if found is None:
        found = g.database = sqlite3.connect(path, timeout=30)
        found.row_factory = sqlite3.Row
        found.execute("PRAGMA synchronous = OFF")
    return found


def disconnect() -> None:
    """The request is over."""
    found = g.pop("database", None)
    if found is not None:
        found.close()
