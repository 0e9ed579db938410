"""The books of a service that keeps papers in SQLite."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from app.supervisor.valkey import EmbeddedValkey
from tests.faults.books import Books, process_of
from tests.support.transcript import Message


class SqliteBooks(Books):
    """The data folder of one `serve`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(EmbeddedValkey(folder).url)
        self._place = f"file:{folder / 'papers.sqlite'}?mode=ro"
        self._store: sqlite3.Connection | None = None

    async def close(self) -> None:
        await super().close()
        if self._store is not None:
            self._store.close()

    async def stored(self) -> int:
        return int(self._rows("SELECT count(*) FROM events")[0][0])

    async def waiting(self) -> int:
        return int(self._rows("SELECT count(*) FROM events WHERE relayed_at IS NULL")[0][0])

    async def statuses(self) -> dict[str, str]:
        return dict(self._rows("SELECT id, status FROM papers"))

    async def seqs(self) -> dict[str, int]:
        return dict(self._rows("SELECT paper_id, max(seq) FROM events GROUP BY paper_id"))

    async def leases(self) -> dict[str, int]:
        rows = self._rows("SELECT id, json_extract(record, '$.lease.owner') FROM papers WHERE lease_expires_at > ''")
        return {paper_id: process_of(owner) for paper_id, owner in rows}

    async def events(self) -> dict[str, list[Message]]:
        found: dict[str, list[Message]] = {}
        for paper_id, body in self._rows("SELECT paper_id, body FROM events ORDER BY paper_id, seq"):
            found.setdefault(paper_id, []).append(json.loads(body))
        return found

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self._store is None:
            self._store = sqlite3.connect(self._place, uri=True, timeout=10, isolation_level=None)
        return self._store.execute(sql).fetchall()
