"""The graph in SQLite. An entity is what papers mention, so it goes with its last mention."""

import json
from collections.abc import Sequence
from sqlite3 import Connection

from app.adapters.graph.citations import Direction, Match, citations
from app.adapters.graph.contribution import best_first, contribution, related_paper
from app.adapters.sqlite import Database
from app.domain.citing import NO_WORKS, Bibliography, Work
from app.domain.graph import Citations, EntityNeighbours, Form, Neighbour, RelatedPaper
from app.domain.knowledge import Entity, EntityType, Relationship, RelationType

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
CREATE TABLE IF NOT EXISTS graph_forms (
    paper_id TEXT NOT NULL,
    key TEXT NOT NULL,
    form TEXT NOT NULL,
    PRIMARY KEY (paper_id, key, form)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS graph_forms_of ON graph_forms (key);
CREATE TABLE IF NOT EXISTS graph_relations (
    paper_id TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (paper_id, source, type, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS graph_relations_from ON graph_relations (source);
CREATE INDEX IF NOT EXISTS graph_relations_to ON graph_relations (target);
CREATE TABLE IF NOT EXISTS graph_works (
    paper_id TEXT NOT NULL,
    number INTEGER NOT NULL, -- 0 is the paper itself
    doi TEXT,
    title TEXT,
    year INTEGER,
    author TEXT,
    PRIMARY KEY (paper_id, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS graph_works_doi ON graph_works (doi, number) WHERE doi IS NOT NULL;
CREATE INDEX IF NOT EXISTS graph_works_title ON graph_works (title, number) WHERE title IS NOT NULL;
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

_FORMS = """
SELECT form, json_group_array(paper_id) FROM graph_forms WHERE key = ?
GROUP BY form ORDER BY count(*) DESC, form
"""

_RELATED = """
WITH ours AS (
    SELECT key, (SELECT count(*) FROM graph_mentions AS every WHERE every.key = mine.key) AS papers
    FROM graph_mentions AS mine WHERE paper_id = :paper_id
)
SELECT theirs.paper_id, graph_papers.title, json_group_object(ours.key, ours.papers)
FROM ours
JOIN graph_mentions AS theirs ON theirs.key = ours.key AND theirs.paper_id != :paper_id
JOIN graph_papers ON graph_papers.id = theirs.paper_id
GROUP BY theirs.paper_id
"""

# Joined when it is asked, so that it does not matter which of the two papers came first.
_CITATIONS = """
SELECT 'cites' AS direction, theirs.paper_id, graph_papers.title,
    ours.number, ours.doi, ours.title, ours.year, ours.author, theirs.doi, theirs.title, theirs.year, theirs.author
FROM graph_works AS ours
JOIN graph_works AS theirs ON (theirs.doi = ours.doi OR theirs.title = ours.title) AND theirs.number = 0
JOIN graph_papers ON graph_papers.id = theirs.paper_id
WHERE ours.paper_id = :paper_id AND ours.number > 0 AND theirs.paper_id != :paper_id
UNION ALL
SELECT 'cited_by', theirs.paper_id, graph_papers.title,
    theirs.number, theirs.doi, theirs.title, theirs.year, theirs.author, ours.doi, ours.title, ours.year, ours.author
FROM graph_works AS ours
JOIN graph_works AS theirs ON (theirs.doi = ours.doi OR theirs.title = ours.title) AND theirs.number > 0
JOIN graph_papers ON graph_papers.id = theirs.paper_id
WHERE ours.paper_id = :paper_id AND ours.number = 0 AND theirs.paper_id != :paper_id
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
        works: Bibliography = NO_WORKS,
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
                [(paper_id, named.key, named.name, named.type) for named in new.entities],
            )
            connection.executemany(
                "INSERT INTO graph_forms (paper_id, key, form) VALUES (?, ?, ?)",
                [(paper_id, named.key, form) for named in new.entities for form in named.forms],
            )
            connection.executemany(
                "INSERT INTO graph_relations (paper_id, source, type, target) VALUES (?, ?, ?, ?)",
                [(paper_id, *relation) for relation in new.relations],
            )
            connection.executemany(
                "INSERT INTO graph_works (paper_id, number, doi, title, year, author) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (paper_id, number, work.doi, work.title, work.year, work.author)
                    for number, work in [(0, works.itself), *((found.number, found) for found in works.listed)]
                ],
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
                forms=tuple(
                    Form(text=form, papers=tuple(sorted(json.loads(using))))
                    for form, using in connection.execute(_FORMS, (key,)).fetchall()
                ),
                neighbours=tuple(_neighbour(connection, *row) for row in found),
            )

        return await self._database.read(read)

    async def citations(self, paper_id: str, limit: int) -> Citations:
        rows = await self._database.read(
            lambda connection: connection.execute(_CITATIONS, {"paper_id": paper_id}).fetchall()
        )
        return citations((_match(*row) for row in rows), limit)

    async def related(self, paper_id: str, limit: int) -> Sequence[RelatedPaper]:
        def read(connection: Connection) -> list[RelatedPaper]:
            (papers,) = connection.execute("SELECT count(*) FROM graph_papers").fetchone()
            found = connection.execute(_RELATED, {"paper_id": paper_id})
            related = (related_paper(other, title, json.loads(shared), papers) for other, title, shared in found)
            return best_first(related, limit)

        return await self._database.read(read)

    async def check(self) -> None:
        await self._database.check("SELECT 1 FROM graph_papers LIMIT 1")

    async def close(self) -> None:
        await self._database.close()


def _remove(connection: Connection, paper_id: str) -> None:
    connection.execute("DELETE FROM graph_relations WHERE paper_id = ?", (paper_id,))
    connection.execute("DELETE FROM graph_mentions WHERE paper_id = ?", (paper_id,))
    connection.execute("DELETE FROM graph_works WHERE paper_id = ?", (paper_id,))
    connection.execute("DELETE FROM graph_forms WHERE paper_id = ?", (paper_id,))
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


def _match(direction: Direction, paper_id: str, title: str | None, number: int, *values: str | int | None) -> Match:
    """A row of `_CITATIONS`: the entry's values come before those of the paper it may be."""
    listed, itself = (dict(zip(Work.model_fields, some, strict=True)) for some in (values[:4], values[4:]))
    return Match(direction, paper_id, title, number, Work.model_validate(listed), Work.model_validate(itself))
