"""What the service wrote down, read beside it: the store's rows and the log's entries, without asking any process of it."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import redis

from app.adapters.event_log.redis import EVENT, STREAM
from app.supervisor.valkey import EmbeddedValkey
from tests.support.transcript import Message


class Books:
    """The data folder of one `serve`. Looks often: its connections stay open until `close`."""

    def __init__(self, folder: Path) -> None:
        self._place = f"file:{folder / 'papers.sqlite'}?mode=ro"
        self._store: sqlite3.Connection | None = None
        self.redis_url = EmbeddedValkey(folder).url
        self._log = redis.Redis.from_url(self.redis_url)

    def close(self) -> None:
        self._log.close()
        if self._store is not None:
            self._store.close()

    def stored(self) -> int:
        """How many events were ever stored."""
        return int(self._rows("SELECT count(*) FROM events")[0][0])

    def waiting(self) -> int:
        """How many of them are not marked as being in the log."""
        return int(self._rows("SELECT count(*) FROM events WHERE relayed_at IS NULL")[0][0])

    def length(self) -> int:
        """How many entries the log has; 0 while it does not answer."""
        try:
            return int(self._log.xlen(STREAM))
        except redis.RedisError:
            return 0

    def status(self, paper_id: str) -> str:
        return str(self._rows("SELECT status FROM papers WHERE id = ?", paper_id)[0][0])

    def seqs(self) -> dict[str, int]:
        """How far each paper is."""
        return dict(self._rows("SELECT paper_id, max(seq) FROM events GROUP BY paper_id"))

    def held_by(self, *processes: int) -> set[str]:
        """The papers whose lease one of these processes has."""
        rows = self._rows("SELECT id, json_extract(record, '$.lease.owner') FROM papers WHERE lease_expires_at > ''")
        return {paper_id for paper_id, owner in rows if int(owner.split(":")[1]) in processes}

    def events(self) -> dict[str, list[Message]]:
        """Every event of every paper as it is stored, in order."""
        found: dict[str, list[Message]] = {}
        for paper_id, body in self._rows("SELECT paper_id, body FROM events ORDER BY paper_id, seq"):
            found.setdefault(paper_id, []).append(json.loads(body))
        return found

    def logged(self) -> dict[str, list[int]]:
        """The `seq` of each paper's entries in the log, in their order."""
        found: dict[str, list[int]] = {}
        rows: Any = self._log.xrange(STREAM)
        for _, fields in rows:
            if EVENT in fields:
                data = json.loads(fields[EVENT])["data"]
                found.setdefault(data["paper_id"], []).append(data["seq"])
        return found

    def _rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        if self._store is None:
            self._store = sqlite3.connect(self._place, uri=True, timeout=10, isolation_level=None)
        return self._store.execute(sql, values).fetchall()
