"""The graph in SQLite. An entity is what papers mention, so it goes with its last mention."""

import json
from collections.abc import Sequence
from sqlite3 import Connection

from app.adapters.graph.contribution import SHARED_LISTED, contribution
from app.adapters.sqlite import Database
from app.domain.knowledge import Entity, EntityType, Relationship, RelationType
from app.ports import EntityNeighbours, Neighbour, RelatedPaper

SCHEMA = """
CREATE TABLE IF NOT EXISTS graph_papers (id TEXT PRIMARY KEY, run INTEGER NOT NULL, title TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS graph_mentions (
    paper_id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (paper_id, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS graph_mentions_of ON graph_mentions (key);
CREATE TABLE IF NOT EXISTS graph_relations (
    paper_id TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (paper_id, source, type, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS graph_relations_from ON graph_relations (source);
CREATE INDEX IF NOT EXISTS graph_relations_to ON graph_relations (target);
"""

# Papers may write a name differently: the one most of them use is shown.
_NAME = """SELECT name, type FROM graph_mentions WHERE key = ?
           GROUP BY name, type ORDER BY count(*) DESC, name, type LIMIT 1"""

_NEIGHBOURS = """
SELECT key, relation, direction, json_group_array(paper_id) FROM (
    SELECT target AS key, type AS relation, 'out' AS direction, paper_id FROM graph_relations WHERE source = :key
    UNION ALL
    SELECT source, type, 'in', paper_id FROM graph_relations WHERE target = :key
)
GROUP BY key, relation, direction
ORDER BY count(*) DESC, key, relation, direction
LIMIT :limit
"""

_RELATED = """
SELECT theirs.paper_id, graph_papers.title, count(*) AS shared
FROM graph_mentions AS ours
JOIN graph_mentions AS theirs ON theirs.key = ours.key AND theirs.paper_id != ours.paper_id
JOIN graph_papers ON graph_papers.id = theirs.paper_id
WHERE ours.paper_id = ?
GROUP BY theirs.paper_id
ORDER BY shared DESC, theirs.paper_id
LIMIT ?
"""

_SHARED = """
SELECT key FROM graph_mentions WHERE paper_id = ?
INTERSECT SELECT key FROM graph_mentions WHERE paper_id = ?
ORDER BY key LIMIT ?
"""


class SqliteGraph:
    """The `Graph` of one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.add_schema(SCHEMA)

    async def replace(
        self,
        paper_id: str,
        run: int,
        title: str | None,
        entities: Sequence[Entity],
        relationships: Sequence[Relationship],
    ) -> bool:
        new = contribution(entities, relationships)

        def write(connection: Connection) -> bool:
            row = connection.execute("SELECT run FROM graph_papers WHERE id = ?", (paper_id,)).fetchone()
            if row is not None and row[0] > run:
                return False
            _remove(connection, paper_id)
            connection.execute("INSERT INTO graph_papers (id, run, title) VALUES (?, ?, ?)", (paper_id, run, title))
            connection.executemany(
                "INSERT INTO graph_mentions (paper_id, key, name, type) VALUES (?, ?, ?, ?)",
                [(paper_id, *named) for named in new.entities],
            )
            connection.executemany(
                "INSERT INTO graph_relations (paper_id, source, type, target) VALUES (?, ?, ?, ?)",
                [(paper_id, *relation) for relation in new.relations],
            )
            return True

        return await self._database.write(write)

    async def remove(self, paper_id: str) -> None:
        await self._database.write(lambda connection: _remove(connection, paper_id))

    async def papers(self) -> Sequence[str]:
        rows = await self._database.read(
            lambda connection: connection.execute("SELECT id FROM graph_papers").fetchall()
        )
        return [paper_id for (paper_id,) in rows]

    async def neighbours(self, key: str, limit: int) -> EntityNeighbours | None:
        def read(connection: Connection) -> EntityNeighbours | None:
            mentions = connection.execute("SELECT paper_id FROM graph_mentions WHERE key = ? ORDER BY 1", (key,))
            papers = tuple(paper_id for (paper_id,) in mentions)
            if not papers:
                return None
            name, kind = connection.execute(_NAME, (key,)).fetchone()
            found = connection.execute(_NEIGHBOURS, {"key": key, "limit": limit}).fetchall()
            return EntityNeighbours(
                key=key,
                name=name,
                type=EntityType(kind),
                papers=papers,
                neighbours=tuple(_neighbour(connection, *row) for row in found),
            )

        return await self._database.read(read)

    async def related(self, paper_id: str, limit: int) -> Sequence[RelatedPaper]:
        def read(connection: Connection) -> list[RelatedPaper]:
            return [
                RelatedPaper(
                    paper_id=other,
                    title=title,
                    shared=shared,
                    entities=tuple(
                        key for (key,) in connection.execute(_SHARED, (paper_id, other, SHARED_LISTED)).fetchall()
                    ),
                )
                for other, title, shared in connection.execute(_RELATED, (paper_id, limit)).fetchall()
            ]

        return await self._database.read(read)

    async def check(self) -> None:
        await self._database.check("SELECT 1 FROM graph_papers LIMIT 1")

    async def close(self) -> None:
        await self._database.close()


def _remove(connection: Connection, paper_id: str) -> None:
    connection.execute("DELETE FROM graph_relations WHERE paper_id = ?", (paper_id,))
    connection.execute("DELETE FROM graph_mentions WHERE paper_id = ?", (paper_id,))
    connection.execute("DELETE FROM graph_papers WHERE id = ?", (paper_id,))


def _neighbour(connection: Connection, key: str, relation: str, direction: str, papers: str) -> Neighbour:
    name, kind = connection.execute(_NAME, (key,)).fetchone()
    return Neighbour(
        key=key,
        name=name,
        type=EntityType(kind),
        relation=RelationType(relation),
        direction=direction,
        papers=tuple(sorted(json.loads(papers))),
    )
