"""SQLite for any number of processes: one thread and one connection a `Database`, every write one transaction."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar

import anyio

from app.adapters.disk import MEGABYTE, check_room
from app.domain.errors import StorageFullError, UnavailableError

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long a write waits for another process's."""
ROOM = MEGABYTE
"""Bytes: with less on its disk a database is as good as read-only."""
VERSION = 1
"""Of all tables in a file. A change of any table adds one, and a way from the version before."""

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_REASONS = {
    **dict.fromkeys(_LOCKED, "another process holds it locked"),
    sqlite3.SQLITE_READONLY: "it can only be read",
    sqlite3.SQLITE_PERM: "this user may not open it",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; its folder must exist and be writable",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore it from a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
}
"""What can be wrong with the place itself. Any other error is a mistake of ours, and stays what it is."""


class Database:
    """A file, or `file:/<name>?vfs=memdb`: then it lives until the last `Database` of that name is closed.

    The connection belongs to one thread of its own, opened there at the first call and thus after any fork. Functions
    run one after the other. A caller that is cancelled leaves at once; its function still runs to its end, so no
    transaction stays open.
    """

    def __init__(self, path: Path | str, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = str(path)
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite {Path(self._path).name}")
        self._connection: Connection | None = None
        self._anchor = _open(self._path, busy_seconds) if "vfs=memdb" in self._path else None
        self._schemas: list[str] = []
        self._closed = False

    def add_schema(self, script: str) -> None:
        """Tables to make before anything else is done; each statement has to bear being run again."""
        self._schemas.append(script)

    async def read(self, function: Callable[[Connection], T]) -> T:
        """What the function reads, all of it as of one moment. Raises `UnavailableError`."""
        return await self._in_thread(lambda: _in_transaction(self._ready(), "DEFERRED", function))

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Runs the function in one transaction that nobody else's write can fall into. Raises `UnavailableError`."""
        return await self._in_thread(lambda: self._write(function))

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All that a query answers. Raises `UnavailableError`."""
        return await self.read(lambda connection: connection.execute(sql, values).fetchall())

    async def check(self, sql: str) -> None:
        """Raises `UnavailableError` when it cannot be asked, or nothing more could be written."""
        await self.read(lambda connection: connection.execute(sql).fetchone())
        if self._anchor is None:
            await self._in_thread(lambda: check_room(Path(self._path).parent, ROOM))

    async def close(self) -> None:
        """Closes the connection and ends the thread, after all that was begun."""
        if self._closed:
            return
        self._closed = True
        with anyio.CancelScope(shield=True):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()
        if self._anchor is not None:
            self._anchor.close()

    def _write(self, function: Callable[[Connection], T]) -> T:
        try:
            return _in_transaction(self._ready(), "IMMEDIATE", function)
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_READONLY:
                raise
        self._disconnect()  # one that was opened while nothing could be written would never write anything
        return _in_transaction(self._ready(), "IMMEDIATE", function)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise UnavailableError(f"The database {self._path} is closed.")

        def work_or_say_why() -> T:
            with self._reasons():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, work_or_say_why)

    @contextmanager
    def _reasons(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if _code(error) == sqlite3.SQLITE_FULL:
                raise StorageFullError(
                    f"The database {self._path} cannot be written: the disk is full; make room, and everything goes on."
                ) from error
            reason = _REASONS.get(_code(error))
            if reason is None:
                raise
            if _code(error) not in _LOCKED:
                self._disconnect()  # the next call begins anew
            raise UnavailableError(f"The database {self._path} does not work: {reason}.") from error

    def _ready(self) -> Connection:
        if self._connection is None:
            self._connection = _connect(self._path, self._busy_seconds)
        while self._schemas:
            _in_transaction(self._connection, "IMMEDIATE", self._make_tables)
        return self._connection

    def _make_tables(self, connection: Connection) -> None:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > VERSION:
            raise UnavailableError(
                f"The database {self._path} is of a newer version of this service ({found}, this one knows {VERSION})."
            )
        for statement in self._schemas[0].split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        self._schemas.pop(0)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _open(path: str, busy_seconds: float) -> Connection:
    return sqlite3.connect(path, uri=path.startswith("file:"), timeout=busy_seconds, isolation_level=None)


def _connect(path: str, busy_seconds: float) -> Connection:
    connection = _open(path, busy_seconds)
    try:
        _use_wal(connection, busy_seconds)
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: Connection, busy_seconds: float) -> None:
    """The switch to WAL does not wait its turn when several processes open a fresh file at once, so ask again."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _in_transaction(connection: Connection, kind: str, function: Callable[[Connection], T]) -> T:
    connection.execute(f"BEGIN {kind}")
    try:
        result = function(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends the transaction by itself
            connection.execute("ROLLBACK")
        raise
    return result


def _code(error: sqlite3.Error) -> int:
    """The kind of error, without its finer shades."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
