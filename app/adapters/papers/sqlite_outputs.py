"""Outputs in SQLite, and the words and meanings of documents by which they are found."""

import json
from collections.abc import Collection, Sequence
from sqlite3 import Connection

from anyio import to_thread
from pydantic import JsonValue

from app.adapters.papers.codec import output_from_text, output_to_text, record_from_json
from app.adapters.papers.text import TITLE_WEIGHT, snippet, words_of_query
from app.adapters.papers.vectors import BATCH, Nearest, Place
from app.adapters.sqlite import Database
from app.domain.embedding import Embedding
from app.domain.paper import Output
from app.ports import SearchHit

SCHEMA = """
CREATE TABLE IF NOT EXISTS outputs (
    id INTEGER PRIMARY KEY,
    paper_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (paper_id, run, kind)
);
CREATE VIRTUAL TABLE IF NOT EXISTS documents USING fts5 (
    title, text, tokenize = "unicode61 remove_diacritics 2"
);
CREATE TABLE IF NOT EXISTS embeddings (
    id INTEGER PRIMARY KEY,
    paper_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (paper_id, run)
);
"""


class SqliteOutputs:
    """An output is a row; that of a document has another one in the index of words, with the same id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.add_schema(SCHEMA)

    async def put(self, paper_id: str, run: int, kind: Output, body: JsonValue) -> None:
        text = await to_thread.run_sync(output_to_text, body)

        def write(connection: Connection) -> None:
            row = connection.execute(
                """INSERT INTO outputs (paper_id, run, kind, body) VALUES (?, ?, ?, ?)
                   ON CONFLICT (paper_id, run, kind) DO UPDATE SET body = excluded.body RETURNING id""",
                (paper_id, run, kind, text),
            ).fetchone()
            if kind is Output.DOCUMENT and isinstance(body, dict):
                connection.execute("DELETE FROM documents WHERE rowid = ?", row)
                connection.execute(
                    "INSERT INTO documents (rowid, title, text) VALUES (?, ?, ?)",
                    (*row, body.get("title"), body.get("text")),
                )

        await self._database.write(write)

    async def get(self, paper_id: str, run: int, kind: Output) -> JsonValue | None:
        sql = "SELECT body FROM outputs WHERE paper_id = ? AND run = ? AND kind = ?"
        rows = await self._database.rows(sql, paper_id, run, kind)
        return await to_thread.run_sync(output_from_text, rows[0][0]) if rows else None

    async def owners(self) -> Sequence[str]:
        return [paper_id for (paper_id,) in await self._database.rows("SELECT DISTINCT paper_id FROM outputs")]

    async def prune(self, paper_id: str, keep: dict[Output, int]) -> None:
        await self._database.write(lambda connection: prune(connection, paper_id, keep))

    async def search(self, q: str, limit: int) -> Sequence[SearchHit]:
        wanted = words_of_query(q)
        if not wanted:
            return []
        rows = await self._database.rows(
            """SELECT papers.record, documents.text, bm25(documents, ?, 1.0) AS rank
               FROM documents
               JOIN outputs ON outputs.id = documents.rowid
               JOIN papers ON papers.id = outputs.paper_id AND papers.document_run = outputs.run
               WHERE documents MATCH ? AND papers.deleted_at IS NULL
               ORDER BY rank, papers.id LIMIT ?""",
            float(TITLE_WEIGHT),
            " ".join(f'"{word}"' for word in wanted),
            limit,
        )
        hits = []
        for body, text, rank in rows:
            paper = record_from_json(json.loads(body), 0).paper
            piece = await to_thread.run_sync(snippet, text or "", wanted)
            hits.append(
                SearchHit(paper_id=paper.id, title=paper.title, filename=paper.filename, snippet=piece, score=-rank)
            )
        return hits

    async def put_embedding(self, paper_id: str, run: int, embedding: Embedding) -> None:
        sql = """INSERT INTO embeddings (paper_id, run, model, vector) VALUES (?, ?, ?, ?)
                 ON CONFLICT (paper_id, run) DO UPDATE SET model = excluded.model, vector = excluded.vector"""
        values = (paper_id, run, embedding.model, embedding.vector)
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)

    async def nearest(self, meaning: Embedding, limit: int) -> Sequence[str]:
        sql = "SELECT id, paper_id, run, vector FROM embeddings WHERE id > ? AND model = ? ORDER BY id LIMIT ?"
        found, last = Nearest(meaning), 0
        while rows := await self._database.rows(sql, last, meaning.model, BATCH):
            found.add([(paper_id, run) for _, paper_id, run, _ in rows], [vector for *_, vector in rows])
            last = rows[-1][0]
        return await found.visible(limit, self._shown)

    async def _shown(self, places: Sequence[Place]) -> Collection[Place]:
        """Those of the places whose document is visible."""
        asked = ", ".join("?" * len(places))
        rows = await self._database.rows(
            f"SELECT id, document_run FROM papers WHERE id IN ({asked}) AND deleted_at IS NULL",  # noqa: S608  # question marks are put in
            *(paper_id for paper_id, _ in places),
        )
        return set(rows)


def prune(connection: Connection, paper_id: str, keep: dict[Output, int]) -> None:
    """As part of a write. Outputs of runs above the newest one kept stay: they belong to a run that began since."""
    newest = max(keep.values(), default=None)
    found = connection.execute("SELECT id, run, kind FROM outputs WHERE paper_id = ?", (paper_id,)).fetchall()
    gone = [(row,) for row, run, kind in found if keep.get(kind) != run and (newest is None or run <= newest)]
    connection.executemany("DELETE FROM outputs WHERE id = ?", gone)
    connection.executemany("DELETE FROM documents WHERE rowid = ?", gone)
    kept = keep.get(Output.DOCUMENT)
    connection.execute(
        "DELETE FROM embeddings WHERE paper_id = ? AND run IS NOT ? AND (? IS NULL OR run <= ?)",
        (paper_id, kept, newest, newest),
    )
