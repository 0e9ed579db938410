"""What the adapters on SQLite build on: one thread, whole transactions, errors that say what is wrong."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from sqlite3 import Connection
from uuid import uuid4

import pytest

from app.adapters.papers.sqlite import SqlitePaperStore
from app.adapters.sqlite import Database
from app.domain.decisions import Change
from app.domain.errors import ConflictError, StorageFullError, UnavailableError
from tests.contract.conftest import sqlite_stores
from tests.support.builders import queued, seqs, submitted
from tests.support.store import put_paper, read

pytestmark = pytest.mark.anyio

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (text TEXT);\nCREATE INDEX IF NOT EXISTS notes_text ON notes (text);\n"


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "notes.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    database = notes(path)
    yield database
    await database.close()


def notes(path: Path | str, busy_seconds: float = 30) -> Database:
    database = Database(path, busy_seconds)
    database.add_schema(SCHEMA)
    return database


def add(text: str, connection: Connection) -> None:
    connection.execute("INSERT INTO notes VALUES (?)", (text,))


def texts(connection: Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY text")]


async def test_a_write_that_fails_changes_nothing(database: Database) -> None:
    def write(connection: Connection) -> None:
        add("half", connection)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await database.write(write)
    assert await database.read(texts) == []
    await database.write(lambda connection: add("next", connection))
    assert await database.read(texts) == ["next"]


async def test_a_cancelled_write_is_whole_and_leaves_the_database_usable(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def write(connection: Connection) -> None:
        add("one", connection)
        begun.set()
        assert go_on.wait(5)
        add("two", connection)

    task = asyncio.create_task(database.write(write))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task  # returns at once, though the function still runs
    go_on.set()
    assert await database.read(texts) == ["one", "two"]


async def test_all_work_is_done_in_one_thread_that_ends_with_the_database(path: Path) -> None:
    database = notes(path)
    threads = {await database.read(lambda _: threading.current_thread()) for _ in range(3)}
    assert len(threads) == 1
    await database.close()
    await database.close()
    assert not threads.pop().is_alive()
    with pytest.raises(UnavailableError, match="is closed"):
        await database.read(texts)


async def test_what_is_acknowledged_is_on_the_disk(database: Database) -> None:
    journal, synchronous = await database.read(
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    )
    assert (journal, synchronous) == ("wal", 2)


async def test_a_reader_sees_one_moment(database: Database, path: Path) -> None:
    other = notes(path)
    await database.read(texts)
    first, written = threading.Event(), threading.Event()

    def read_twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = texts(connection)
        first.set()
        assert written.wait(5)
        return before, texts(connection)

    reading = asyncio.create_task(database.read(read_twice))
    await asyncio.to_thread(first.wait, 5)
    await other.write(lambda connection: add("meanwhile", connection))
    written.set()
    assert await reading == ([], [])
    assert await database.read(texts) == ["meanwhile"]
    await other.close()


async def test_a_database_in_memory_is_shared_while_somebody_has_it() -> None:
    uri = f"file:/{uuid4()}?vfs=memdb"
    one, other, after = notes(uri), notes(uri), notes(uri)
    await one.write(lambda connection: add("shared", connection))
    await one.close()
    assert await other.read(texts) == ["shared"]  # which nobody had asked anything before
    await other.close()
    await after.close()
    fresh = notes(uri)
    assert await fresh.read(texts) == []
    await fresh.close()


async def test_two_adapters_may_share_a_file(database: Database) -> None:
    await database.write(lambda connection: add("x", connection))
    store = SqlitePaperStore(database)  # its tables are made though the file is open already
    record = await put_paper(store)
    assert await read(store, record.paper.id) == record
    assert await database.read(texts) == ["x"]


# -- errors


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    database = notes(tmp_path / "missing" / "notes.db")
    with pytest.raises(UnavailableError, match=r"missing/notes.db .*cannot be opened; its folder must exist"):
        await database.read(texts)
    (tmp_path / "missing").mkdir()
    assert await database.read(texts) == []  # and works once it is there
    await database.close()


async def test_a_file_that_is_no_database_is_told(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7 nothing like it" * 100)
    database = notes(path)
    with pytest.raises(UnavailableError, match="is not a SQLite database"):
        await database.read(texts)
    await database.close()


async def test_a_locked_database_is_told_and_works_again(path: Path) -> None:
    database = notes(path, busy_seconds=0.01)
    await database.read(texts)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="another process holds it locked"):
        await database.write(lambda connection: add("now", connection))
    holder.close()
    await database.write(lambda connection: add("now", connection))
    assert await database.read(texts) == ["now"]
    await database.close()


async def test_what_could_only_be_read_is_written_when_it_can_be_without_a_new_start(database: Database) -> None:
    """SQLite opens a file that it may not write for reading, and would stay with that."""
    await database.read(lambda connection: connection.execute("PRAGMA query_only = ON").fetchone())
    await database.write(lambda connection: add("taken", connection))
    assert await database.read(texts) == ["taken"]


async def test_what_can_only_be_read_is_told_at_each_write_and_can_be_read(database: Database) -> None:
    def refuse(connection: Connection) -> None:
        connection.execute("PRAGMA query_only = ON")
        add("refused", connection)

    await database.write(lambda connection: add("taken", connection))
    for _ in range(2):
        with pytest.raises(UnavailableError, match="it can only be read"):
            await database.write(refuse)
        assert await database.read(texts) == ["taken"]
    await database.write(lambda connection: add("then", connection))
    assert await database.read(texts) == ["taken", "then"]


async def test_a_full_disk_is_told_and_nothing_is_half_written(database: Database) -> None:
    await database.read(lambda connection: connection.execute("PRAGMA max_page_count = 8").fetchone())
    with pytest.raises(StorageFullError, match="the disk is full"):
        await database.write(lambda connection: add("x" * 100_000, connection))
    assert await database.read(texts) == []
    await database.write(lambda connection: add("small", connection))


async def test_a_mistake_of_ours_is_no_outage(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.read(lambda connection: connection.execute("SELECT * FROM nowhere").fetchall())


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    database = notes(path)
    with pytest.raises(UnavailableError, match="newer version of this service"):
        await database.read(texts)
    await database.close()


# -- several at once


@pytest.mark.slow
async def test_several_may_open_a_fresh_file_at_once(folder: Path) -> None:
    """The switch to WAL says "locked" without waiting, about once in sixty times."""
    for attempt in range(60):
        databases = [notes(folder / f"{attempt}.db") for _ in range(6)]
        assert await asyncio.gather(*(database.read(texts) for database in databases)) == [[]] * 6
        await asyncio.gather(*(database.close() for database in databases))


RACE = """
import asyncio, sys
from app.adapters.papers.sqlite import SqlitePaperStore
from app.adapters.sqlite import Database
from app.domain.errors import ConflictError
from tests.support.builders import cancelled, queued, submitted

async def race(path, me):
    store = SqlitePaperStore(Database(path))
    try:
        await store.insert(submitted(id="p"))
    except ConflictError:
        pass
    wins = 0
    while wins < 10:
        record = await store.get("p")
        change = queued(record) if record.paper.status in ("uploaded", "cancelled") else cancelled(record)
        wins += await store.replace(change, f"{me}-{record.revision}")
    await store.close()

print("ready", flush=True)
sys.stdin.readline()
for path in sys.argv[2:]:
    asyncio.run(race(path, sys.argv[1]))
"""


@pytest.mark.slow
def test_several_processes_open_a_fresh_file_at_once_and_lose_no_write(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.db" for n in range(5)]
    with ExitStack() as stack:
        racers = [stack.enter_context(racer(str(n), *map(str, paths))) for n in range(4)]
        for process in racers:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        answers = [process.communicate("go\n", timeout=20) for process in racers]
    assert answers == [("", "")] * 4

    async def check(path: Path) -> None:
        async with sqlite_stores(path)() as store:
            assert (await read(store, "p")).revision == 40  # each of the 40 writes that were told they won is there
            assert seqs(await store.events("p", 0, 100)) == list(range(1, 42))

    for path in paths:
        asyncio.run(check(path))


@contextmanager
def racer(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-c", RACE, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_a_paper_s_state_and_its_events_are_stored_together_or_not_at_all(folder: Path) -> None:
    async with sqlite_stores(folder / "papers.db")() as store:
        before = await put_paper(store, id="p")
        with pytest.raises(sqlite3.IntegrityError):  # there is a second event with the same `seq`
            await store.replace(with_events_twice(queued(before)), "a write")
        with pytest.raises(ConflictError):
            await store.insert(with_events_twice(submitted(id="q")))
        assert await read(store, "p") == before
        assert await store.get("q") is None
        assert seqs(await store.outbox(10)) == [1]


def with_events_twice(change: Change) -> Change:
    return Change(record=change.record, events=change.events * 2)
