"""Databases in a file: who commits -> the transaction that begins later, by any connection of this process to it.

SQLite lets one transaction change a file at a time, so programs use one as a lock; and who looks into a database finds
what was committed before. A commit is told before it is made, and heard of once the first statement of a transaction
has been done: the later ones look at the same state. A connection is known by the path that `sqlite3.connect()` was
given; one to memory, and one that was made before the run, order nothing. Put in when the program has imported
`sqlite3`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable

from raceway.model.typing import Any
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.extensiontypes import replace_in_type
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, of_run
from raceway.sync.spellings import spelled_alike
from raceway.sync.wrappers import Failures, hide_frame

files: Kept[bytes, Serial] = of_run(Kept())
"""What was committed, by the path of the file."""

connections: Kept[int, Serial] = of_run(Kept())
"""The same by the identity of a connection, which takes no weak reference: who has its address later is told anew."""

begun: Kept[int, bool] = of_run(Kept())
"""By connection: it has begun a transaction, and looked at nothing yet."""

_WORD = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*([a-zA-Z]+)(?:\s+([a-zA-Z]+))?", re.DOTALL)
_CHANGING = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_ENDING = frozenset({"COMMIT", "END", "RELEASE"})
_NEUTRAL = frozenset({"ATTACH", "DETACH", "EXPLAIN", "PRAGMA", "ROLLBACK", "SAVEPOINT"})
_LOOKING = frozenset({"SELECT", "VALUES", "WITH"})
_SILENT = _LOOKING | _NEUTRAL | {"BEGIN"}
"""What commits nothing outside of a transaction."""


def opened(recorder: Recorder, connection: Any, database: object) -> None:
    """The connection was made."""
    connections.pop(id(connection), None)
    begun.pop(id(connection), None)
    name = os.fsencode(database) if isinstance(database, (str, bytes, os.PathLike)) else b""
    if name and name != b":memory:" and not name.startswith(b"file:"):
        path = spelled_alike(name)
        connections.keep(id(connection), files.get(path) or files.keep(path, Serial(recorder, "database")))


@functools.lru_cache(256)
def begins(sql: str) -> tuple[str, str]:
    """The first two words of a statement, as far as there are any. A program repeats its statements."""
    found = _WORD.match(sql)
    first, second = (text.upper() for text in found.groups("")) if found is not None else ("", "")
    return first, second


class Statement:
    """What a connection to a file is about to do: one statement, or a script, which commits before."""

    def __init__(self, connection: Any, serial: Serial, sql: str, script: bool) -> None:
        self._serial = serial
        self._connection = connection
        self._word, self._mode = begins(sql) if type(sql) is str else begins.__wrapped__(sql)
        self._inside = connection.in_transaction and not script
        self._script = script

    def ahead(self, recorder: Recorder) -> None:
        """Tell what it commits, by itself or at the end of a transaction."""
        if self._inside:
            commits = self._word in _ENDING
        else:
            by_itself = self._connection.isolation_level is None or self._word not in _CHANGING
            commits = by_itself and self._word not in _SILENT
        if commits or self._script:
            recorder.release(self._serial.number)

    def done(self, recorder: Recorder) -> None:
        """Hear of what was committed before, if it is the first one of its transaction."""
        is_first = begun.pop(id(self._connection), False) if self._inside else self._word not in _NEUTRAL
        if self._word == "BEGIN" and self._mode not in ("IMMEDIATE", "EXCLUSIVE"):
            begun.keep(id(self._connection), True)
        elif is_first and self._word not in _ENDING:
            recorder.acquire(self._serial.number)


def committing(connection: Any) -> None:
    """The connection is about to commit."""
    serial = connections.get(id(connection))
    if serial is not None and connection.in_transaction and (recorder := active.recorder()) is not None:
        recorder.release(serial.number)


def connecting(real: Callable[..., Any]) -> Callable[..., Any]:
    """`sqlite3.connect`, which tells the path."""
    current = active.recorder

    @functools.wraps(real)
    def connect(*args: Any, **kwargs: Any) -> Any:
        try:
            connection = real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if (recorder := current()) is not None:
                opened(recorder, connection, args[0] if args else kwargs.get("database"))
        except Exception:
            Failures.count += 1
        return connection

    return connect


def executing(real: Callable[..., Any], script: bool = False) -> Callable[..., Any]:
    """`execute` and its like, of a cursor or of a connection; where one calls the other, nothing is told but twice."""
    current = active.recorder

    @functools.wraps(real)
    def execute(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        statement = None
        try:
            recorder = current()
            if recorder is not None and connections and args and isinstance(args[0], str):
                connection = getattr(self, "connection", self)
                if (serial := connections.get(id(connection))) is not None:
                    statement = Statement(connection, serial, args[0], script)
                    statement.ahead(recorder)
        except Exception:
            Failures.count += 1
        try:
            result = real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise
        try:
            if statement is not None and (recorder := current()) is not None:
                statement.done(recorder)
        except Exception:
            Failures.count += 1
        return result

    return execute


def ending(real: Callable[..., Any]) -> Callable[..., Any]:
    """A method of connections that may commit."""

    @functools.wraps(real)
    def end(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            committing(self)
        except Exception:
            Failures.count += 1
        try:
            return real(self, *args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return end


def patch(patches: Patches) -> None:
    """Put the models beside the functions."""
    module: Any = sys.modules["sqlite3"]
    connect = connecting(module.connect)
    for names in (module, module.dbapi2):
        patches.replace(names, "connect", connect)
    for owner in (module.Cursor, module.Connection):
        for name in ("execute", "executemany", "executescript"):
            replace_in_type(patches, owner, name, executing(getattr(owner, name), script=name == "executescript"))
    for name in ("commit", "__exit__"):
        replace_in_type(patches, module.Connection, name, ending(getattr(module.Connection, name)))
