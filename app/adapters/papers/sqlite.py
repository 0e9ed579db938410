"""Papers in SQLite: one write is one transaction, over the record and its events."""

import json
from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Connection, IntegrityError
from typing import Any

from pydantic import JsonValue

from app.adapters.papers.codec import (
    event_from_text,
    event_to_text,
    record_from_json,
    record_to_json,
)
from app.adapters.papers.cursor import Place, decode_cursor, encode_cursor
from app.adapters.papers.sqlite_outputs import SqliteOutputs, prune
from app.adapters.papers.text import fold, names
from app.adapters.sqlite import Database
from app.domain.decisions import Change
from app.domain.due import Due
from app.domain.embedding import Embedding
from app.domain.errors import ConflictError, ReadError
from app.domain.events import PaperEvent
from app.domain.lifecycle import ACTIVE, RUNNING, Status
from app.domain.model import format_timestamp
from app.domain.paper import PRIORITY, DeadLetter, Output, PaperRecord
from app.ports import DeadLetterPage, PaperPage, SearchHit, StoreCounts

WRITES_KEPT = 16
"""Ids of a paper's last writes, for whoever lost the answer to one."""

# What lists and queues filter by is computed from the record by SQLite itself, so it cannot differ from it.
SCHEMA = """
CREATE TABLE IF NOT EXISTS papers (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    writes TEXT NOT NULL,
    names TEXT NOT NULL,
    revision INTEGER AS (json_extract(record, '$.revision')) STORED,
    created_at TEXT AS (json_extract(record, '$.paper.created_at')) STORED,
    queued_at TEXT AS (json_extract(record, '$.paper.queued_at')) STORED,
    status TEXT AS (json_extract(record, '$.paper.status')) STORED,
    lease_expires_at TEXT AS (json_extract(record, '$.lease.expires_at')) STORED,
    document_run INTEGER AS (json_extract(record, '$.outputs.document')) STORED,
    deleted_at TEXT AS (json_extract(record, '$.deleted_at')) STORED,
    swept INTEGER AS (json_extract(record, '$.swept')) STORED
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS papers_listed ON papers (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS papers_status ON papers (status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS papers_deleted ON papers (swept, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS events (
    paper_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL,
    relayed_at TEXT,
    PRIMARY KEY (paper_id, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_waiting ON events (paper_id, seq) WHERE relayed_at IS NULL;
CREATE INDEX IF NOT EXISTS events_relayed ON events (relayed_at) WHERE relayed_at IS NOT NULL;
"""


class SqlitePaperStore:
    """The `PaperStore` of one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.add_schema(SCHEMA)
        self._outputs = SqliteOutputs(database)

    async def insert(self, change: Change) -> None:
        paper = change.record.paper
        row = (paper.id, _dump(change.record, change.record.revision), names(paper.title, paper.filename))

        def write(connection: Connection) -> None:
            connection.execute("INSERT INTO papers (id, record, names, writes) VALUES (?, ?, ?, '')", row)
            _add_events(connection, change)

        try:
            await self._database.write(write)
        except IntegrityError as error:
            raise ConflictError(f"There is a paper with the id {paper.id!r} already.") from error

    async def get(self, paper_id: str) -> PaperRecord | None:
        sql = """SELECT record, (SELECT count(*) FROM events WHERE paper_id = id AND relayed_at IS NULL)
                 FROM papers WHERE id = ?"""
        row = await self._one(sql, paper_id)
        return None if row is None else record_from_json(json.loads(row[0]), row[1])

    async def replace(self, change: Change, write_id: str) -> bool:
        paper, revision = change.record.paper, change.record.revision
        record = _dump(change.record, revision + 1)

        def write(connection: Connection) -> bool:
            found = connection.execute("SELECT writes FROM papers WHERE id = ? AND revision = ?", (paper.id, revision))
            row = found.fetchone()
            if row is None:
                return False
            writes = " ".join([*row[0].split(), write_id][-WRITES_KEPT:])
            connection.execute(
                "UPDATE papers SET record = ?, names = ?, writes = ? WHERE id = ?",
                (record, names(paper.title, paper.filename), writes, paper.id),
            )
            _add_events(connection, change)
            return True

        return await self._database.write(write)

    async def has_written(self, paper_id: str, write_id: str) -> bool:
        row = await self._one("SELECT writes FROM papers WHERE id = ?", paper_id)
        return row is not None and write_id in row[0].split()

    async def list(self, status: Status | None, q: str | None, limit: int, cursor: str | None) -> PaperPage:
        conditions, values = list[str](), list[str]()
        if status is not None:
            conditions.append("status = ?")
            values.append(status)
        if q:
            conditions.append("instr(names, ?) > 0")
            values.append(fold(q))
        records, following = await self._newest(conditions, values, limit, cursor)
        return PaperPage(items=tuple(record.paper for record in records), next_cursor=following)

    async def dead_letters(self, limit: int, cursor: str | None) -> DeadLetterPage:
        codes = sorted(ReadError.CODES)
        conditions = [
            "status = ?",
            f"json_extract(record, '$.paper.error.code') NOT IN ({', '.join('?' * len(codes))})",
        ]
        records, following = await self._newest(conditions, [Status.FAILED, *codes], limit, cursor)
        return DeadLetterPage(items=tuple(map(DeadLetter.of, records)), next_cursor=following)

    async def events(self, paper_id: str, after: int, limit: int) -> Sequence[PaperEvent]:
        return await self._events("paper_id = ? AND seq > ? ORDER BY seq LIMIT ?", paper_id, after, limit)

    async def outbox(self, limit: int) -> Sequence[PaperEvent]:
        return await self._events("relayed_at IS NULL ORDER BY paper_id, seq LIMIT ?", limit)

    async def relayed_since(self, moment: datetime) -> Sequence[PaperEvent]:
        return await self._events("relayed_at >= ? ORDER BY paper_id, seq", format_timestamp(moment))

    async def last_relayed_at(self) -> datetime | None:
        row = await self._one("SELECT max(relayed_at) FROM events WHERE relayed_at IS NOT NULL")
        return datetime.fromisoformat(row[0]) if row and row[0] else None

    async def mark_relayed(self, paper_id: str, seq: int, at: datetime) -> None:
        sql = "UPDATE events SET relayed_at = ? WHERE paper_id = ? AND seq <= ? AND relayed_at IS NULL"
        values = (format_timestamp(at), paper_id, seq)
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)

    async def mark_again(self, since: datetime, at: datetime) -> None:
        sql = "UPDATE events SET relayed_at = ? WHERE relayed_at >= ?"
        values = (format_timestamp(at), format_timestamp(since))
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        rows = await self._database.rows(
            f"""SELECT record FROM papers
                WHERE deleted_at IS NULL AND status IN ({", ".join("?" * len(ACTIVE))})
                AND (status = ? OR lease_expires_at IS NULL OR lease_expires_at <= ?)
                ORDER BY coalesce(json_extract(record, '$.priority'), {PRIORITY}) DESC, queued_at, id LIMIT ?""",  # noqa: S608  # a number and question marks are put in
            *ACTIVE,
            Status.QUEUED,
            format_timestamp(now),
            limit,
        )
        records = [record_from_json(json.loads(row[0]), 0) for row in rows]
        return [Due.of(record) for record in records]

    async def counts(self) -> StoreCounts:
        by_status: dict[str, int] = dict(
            await self._database.rows("SELECT status, count(*) FROM papers WHERE deleted_at IS NULL GROUP BY status")
        )
        waiting = await self._one("SELECT count(*) FROM events WHERE relayed_at IS NULL")
        return StoreCounts(
            queued=by_status.get(Status.QUEUED, 0),
            active=sum(by_status.get(status, 0) for status in RUNNING),
            waiting=waiting[0] if waiting else 0,
        )

    async def tombstones(self, swept: bool, limit: int) -> Sequence[PaperRecord]:
        sql = """SELECT record, (SELECT count(*) FROM events WHERE paper_id = id AND relayed_at IS NULL)
                 FROM papers WHERE deleted_at IS NOT NULL AND swept = ? ORDER BY deleted_at, id LIMIT ?"""
        return [
            record_from_json(json.loads(record), waiting)
            for record, waiting in await self._database.rows(sql, swept, limit)
        ]

    async def purge(self, paper_id: str) -> None:
        def write(connection: Connection) -> None:
            purged = connection.execute("DELETE FROM papers WHERE id = ? AND deleted_at IS NOT NULL", (paper_id,))
            if purged.rowcount:
                connection.execute("DELETE FROM events WHERE paper_id = ?", (paper_id,))
                prune(connection, paper_id, {})

        await self._database.write(write)

    async def put_output(self, paper_id: str, run: int, kind: Output, body: JsonValue) -> None:
        await self._outputs.put(paper_id, run, kind, body)

    async def get_output(self, paper_id: str, run: int, kind: Output) -> JsonValue | None:
        return await self._outputs.get(paper_id, run, kind)

    async def output_owners(self) -> Sequence[str]:
        return await self._outputs.owners()

    async def prune_outputs(self, paper_id: str, keep: dict[Output, int]) -> None:
        await self._outputs.prune(paper_id, keep)

    async def put_embedding(self, paper_id: str, run: int, embedding: Embedding) -> None:
        await self._outputs.put_embedding(paper_id, run, embedding)

    async def search(self, q: str, limit: int) -> Sequence[SearchHit]:
        return await self._outputs.search(q, limit)

    async def nearest(self, meaning: Embedding, limit: int) -> Sequence[str]:
        return await self._outputs.nearest(meaning, limit)

    async def check(self) -> None:
        await self._database.check("SELECT 1 FROM papers LIMIT 1")

    async def close(self) -> None:
        await self._database.close()

    async def _newest(
        self, conditions: Sequence[str], values: Sequence[str], limit: int, cursor: str | None
    ) -> tuple[Sequence[PaperRecord], str | None]:
        """A page of the papers that are shown, newest first, and the cursor of the next one."""
        after = "" if cursor is None else "(created_at, id) < (?, ?)"
        where = " AND ".join(filter(None, ["deleted_at IS NULL", *conditions, after]))
        rows = await self._database.rows(
            f"SELECT record FROM papers WHERE {where} ORDER BY created_at DESC, id DESC LIMIT ?",  # noqa: S608  # values are bound
            *values,
            *(() if cursor is None else decode_cursor(cursor)),
            limit + 1,
        )
        records = [record_from_json(json.loads(row[0]), 0) for row in rows[:limit]]
        return records, encode_cursor(Place.of(records[-1].paper)) if len(rows) > limit else None

    async def _one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        rows = await self._database.rows(sql, *values)
        return rows[0] if rows else None

    async def _events(self, condition: str, *values: Any) -> Sequence[PaperEvent]:
        rows = await self._database.rows(f"SELECT body FROM events WHERE {condition}", *values)  # noqa: S608  # ours alone
        return [event_from_text(row[0]) for row in rows]


def _dump(record: PaperRecord, revision: int) -> str:
    return json.dumps(record_to_json(record, revision), ensure_ascii=False)


def _add_events(connection: Connection, change: Change) -> None:
    connection.executemany(
        "INSERT INTO events (paper_id, seq, body) VALUES (?, ?, ?)",
        [(event.data.paper_id, event.data.seq, event_to_text(event)) for event in change.events],
    )
