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
import sys
from collections.abc import Callable

from raceway.model.typing import Any, TypeVar
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.extensiontypes import stand_in
from raceway.sync.patching import Patches
from raceway.sync.serials import Kept, Serial, of_run
from raceway.sync.spellings import spelled_alike
from raceway.sync.wrappers import Failures, hide_frame

File = TypeVar("File")

files: Kept[bytes, Any] = of_run(Kept())
"""What was committed, by the path of the file: a serial, or what the native core has in place of it."""

connections: Kept[int, Serial] = of_run(Kept())
"""The same by the identity of a connection, which takes no weak reference: who has its address later is told anew."""

begun: Kept[int, bool] = of_run(Kept())
"""By connection: it has begun a transaction, and looked at nothing yet."""

_CHANGING = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_ENDING = frozenset({"COMMIT", "END", "RELEASE"})
_NEUTRAL = frozenset({"ATTACH", "DETACH", "EXPLAIN", "PRAGMA", "ROLLBACK", "SAVEPOINT"})
_LOOKING = frozenset({"SELECT", "VALUES", "WITH"})
_SILENT = _LOOKING | _NEUTRAL | {"BEGIN"}
"""What commits nothing outside of a transaction."""


def file_of(make: Callable[[], File], name: bytes) -> File | None:
    """What was committed to the database of this name, which `make` makes; None of one in memory."""
    if not name or name == b":memory:" or name.startswith(b"file:"):
        return None
    path = spelled_alike(name)
    found: File = files.get(path) or files.keep(path, make())
    return found


def opened(recorder: Recorder, connection: Any, database: object) -> None:
    """The connection was made."""
    connections.pop(id(connection), None)
    begun.pop(id(connection), None)
    name = os.fsencode(database) if isinstance(database, (str, bytes, os.PathLike)) else b""
    serial = file_of(lambda: Serial(recorder, "database"), name)
    if serial is not None:
        connections.keep(id(connection), serial)


@functools.lru_cache(256)
def begins(sql: str) -> tuple[str, str]:
    """The first two words of a statement, as far as there are any. A program repeats its statements."""
    rest = str.lstrip(sql)
    while rest.startswith(("--", "/*")):
        rest = rest[2:].partition("\n" if rest[0] == "-" else "*/")[2].lstrip()
    first = _letters(rest)
    behind = rest[len(first) :]
    second = _letters(behind.lstrip()) if first and behind[:1].isspace() else ""
    return first.upper(), second.upper()


def _letters(text: str) -> str:
    """Those that it begins with."""
    for place, letter in enumerate(text):
        if not (letter.isascii() and letter.isalpha()):
            return text[:place]
    return text


def _connection_of(owner: Any) -> Any:
    """The connection of a cursor, past what a subclass may make of the attribute; a connection is its own."""
    cursor = sys.modules["sqlite3"].Cursor
    if not isinstance(owner, cursor):
        return owner
    try:
        return cursor.connection.__get__(owner)
    except AttributeError:  # a cursor that was not made whole
        return None


def _asked(connection: Any, name: str) -> Any:
    """An attribute of a connection, past what a subclass may make of it. Raises `ProgrammingError` of a closed one."""
    return getattr(sys.modules["sqlite3"].Connection, name).__get__(connection)


class Statement:
    """What a connection to a file is about to do: one statement, or a script, which commits before."""

    def __init__(self, connection: Any, serial: Serial, sql: str, script: bool) -> None:
        self._serial = serial
        self._connection = connection
        self._word, self._mode = begins(sql) if type(sql) is str else begins.__wrapped__(sql)
        self._inside = _asked(connection, "in_transaction") and not script
        self._script = script

    def ahead(self, recorder: Recorder) -> None:
        """Tell what it commits, by itself or at the end of a transaction."""
        if self._inside:
            commits = self._word in _ENDING
        else:
            by_itself = self._word not in _CHANGING or _asked(self._connection, "isolation_level") is None
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
    if serial is not None and _asked(connection, "in_transaction") and (recorder := active.recorder()) is not None:
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
    current, closed = active.recorder, sys.modules["sqlite3"].ProgrammingError

    @functools.wraps(real)
    def execute(*args: Any, **kwargs: Any) -> Any:
        statement = None
        try:
            recorder = current()
            if recorder is not None and connections and len(args) > 1 and isinstance(args[1], str):
                connection = _connection_of(args[0])
                if (serial := connections.get(id(connection))) is not None:
                    statement = Statement(connection, serial, args[1], script)
                    statement.ahead(recorder)
        except closed:  # of which the real one will tell
            pass
        except Exception:
            Failures.count += 1
        try:
            result = real(*args, **kwargs)
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
    closed = sys.modules["sqlite3"].ProgrammingError

    @functools.wraps(real)
    def end(*args: Any, **kwargs: Any) -> Any:
        try:
            if args:
                committing(args[0])
        except closed:
            pass
        except Exception:
            Failures.count += 1
        try:
            return real(*args, **kwargs)
        except BaseException as error:
            hide_frame(error)
            raise

    return end


def scripting(real: Callable[..., Any]) -> Callable[..., Any]:
    """`executescript`."""
    return executing(real, script=True)


def patch(patches: Patches) -> None:
    """Put the models beside the functions, or what stands for these."""
    module: Any = sys.modules["sqlite3"]
    patches.stand_in(module, "connect", patches.twins.get(connecting, connecting))
    patches.replace(module.dbapi2, "connect", module.connect)
    models = {"execute": executing, "executemany": executing, "executescript": scripting}
    for owner, own in ((module.Cursor, {}), (module.Connection, {"commit": ending, "__exit__": ending})):
        for name, model in (models | own).items():
            stand_in(patches, owner, name, patches.twins.get(model, model))
