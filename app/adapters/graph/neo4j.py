"""The graph in Neo4j: `(:Paper)-[:MENTIONS]->(:Entity)` and `(:Entity)-[:RELATES {paper_id, type}]->(:Entity)`.

`(:Paper)-[:CITES]->(:Work)<-[:IS]-(:Paper)`: a work has a DOI or a title for its key, and is there before its paper may be.

A transaction locks its paper first and then all the entities it touches, in one sorted `UNWIND`: writers that meet wait for
each other instead of deadlocking, and what a transaction reads after that nobody changes before it ends.
"""

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, LiteralString, TypeVar
from urllib.parse import unquote, urlsplit

import anyio
from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncTransaction, NotificationMinimumSeverity
from neo4j.exceptions import (
    AuthError,
    ConnectionAcquisitionTimeoutError,
    ConstraintError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from app.adapters.graph.citations import citations
from app.adapters.graph.contribution import best_first, contribution, related_paper
from app.adapters.graph.neo4j_rows import rows
from app.adapters.graph.neo4j_works import list_works, matches
from app.domain.citing import NO_WORKS, Bibliography
from app.domain.errors import UnavailableError
from app.domain.graph import Citations, EntityNeighbours, Form, Neighbour, RelatedPaper
from app.domain.knowledge import Entity, EntityType, Relationship, RelationType

T = TypeVar("T")
Work = Callable[[AsyncTransaction], Awaitable[T]]

TRIES = 12
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
ANSWER_SECONDS = 5.0

SCHEMA: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT paper_id IF NOT EXISTS FOR (p:Paper) REQUIRE p.id IS UNIQUE",
    "CREATE CONSTRAINT entity_key IF NOT EXISTS FOR (e:Entity) REQUIRE e.key IS UNIQUE",
    "CREATE CONSTRAINT work_key IF NOT EXISTS FOR (w:Work) REQUIRE w.key IS UNIQUE",
    "CREATE INDEX relates_paper IF NOT EXISTS FOR ()-[r:RELATES]-() ON (r.paper_id)",
)

# Setting a property takes the lock on its node, whatever it was before.
_LOCK_PAPER = "MERGE (p:Paper {id: $paper_id}) SET p.id = $paper_id RETURN p.run AS run"
_MENTIONED = "MATCH (:Paper {id: $paper_id})-[:MENTIONS]->(e:Entity) RETURN e.key AS key"
_LOCK_ENTITIES = "UNWIND $keys AS key MERGE (e:Entity {key: key}) SET e.key = key"
_FORGET = (
    "MATCH (:Paper {id: $paper_id})-[m:MENTIONS]->() DELETE m",
    "MATCH ()-[r:RELATES {paper_id: $paper_id}]->() DELETE r",
)
_SET_PAPER = "MATCH (p:Paper {id: $paper_id}) SET p.run = $run, p.title = $title"
_MENTION = """
MATCH (p:Paper {id: $paper_id})
UNWIND $entities AS named
MATCH (e:Entity {key: named.key})
SET e.name = named.name, e.type = named.type
CREATE (p)-[:MENTIONS {name: named.name, type: named.type, forms: named.forms}]->(e)
"""
_RELATE = """
UNWIND $relations AS relation
MATCH (source:Entity {key: relation.source}), (target:Entity {key: relation.target})
CREATE (source)-[:RELATES {paper_id: $paper_id, type: relation.type}]->(target)
"""
_DROP_UNMENTIONED = "UNWIND $keys AS key MATCH (e:Entity {key: key}) WHERE NOT (e)<-[:MENTIONS]-() DETACH DELETE e"
_DROP_PAPER = "MATCH (p:Paper {id: $paper_id}) DELETE p"

# Papers may write a name differently: the one most of them use is shown. The name on the node is for people who browse.
_ENTITY = """
MATCH (p:Paper)-[m:MENTIONS]->(e:Entity {key: $key})
WITH m.name AS name, m.type AS type, collect(p.id) AS papers
RETURN name, type, papers ORDER BY size(papers) DESC, name, type
"""
_FORMS = """
MATCH (p:Paper)-[m:MENTIONS]->(:Entity {key: $key})
UNWIND coalesce(m.forms, []) AS form
WITH form, collect(p.id) AS papers
RETURN form AS text, papers ORDER BY size(papers) DESC, text
"""
_NEIGHBOURS = """
MATCH (e:Entity {key: $key})
CALL {
    WITH e MATCH (e)-[r:RELATES]->(near:Entity) RETURN near, r, 'out' AS direction
    UNION ALL
    WITH e MATCH (e)<-[r:RELATES]-(near:Entity) RETURN near, r, 'in' AS direction
}
WITH near, r.type AS relation, direction, collect(r.paper_id) AS papers
ORDER BY size(papers) DESC, near.key, relation, direction LIMIT $limit
CALL {
    WITH near MATCH (:Paper)-[m:MENTIONS]->(near)
    WITH m.name AS name, m.type AS type, count(*) AS uses
    RETURN name, type ORDER BY uses DESC, name, type LIMIT 1
}
RETURN near.key AS key, name, type, relation, direction, papers
ORDER BY size(papers) DESC, key, relation, direction
"""
_RELATED = """
MATCH (:Paper {id: $paper_id})-[:MENTIONS]->(e:Entity)
WITH e, COUNT { (e)<-[:MENTIONS]-() } AS papers
MATCH (e)<-[:MENTIONS]-(other:Paper)
WHERE other.id <> $paper_id
RETURN other.id AS paper_id, other.title AS title, collect([e.key, papers]) AS shared
"""


def connect(url: str, open_driver: Callable[..., AsyncDriver] = AsyncGraphDatabase.driver) -> "Neo4jGraph":
    """The graph at a URL such as `neo4j://user:password@host`."""
    parts = urlsplit(url)
    return Neo4jGraph(
        open_driver(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            auth=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
            connection_timeout=ANSWER_SECONDS,
            connection_acquisition_timeout=ANSWER_SECONDS,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
        )
    )


class Neo4jGraph:
    """The `Graph` of many machines."""

    def __init__(self, driver: AsyncDriver) -> None:
        self._driver = driver
        self._is_prepared = False

    async def prepare(self) -> None:
        """Makes the constraints that are not there yet. Every use does so first: without them two writers make a node twice."""
        for statement in SCHEMA:
            await self._try(partial(rows, query=statement))
        self._is_prepared = True

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
        keys = {named.key for named in new.entities}

        async def write(tx: AsyncTransaction) -> bool:
            [found] = await rows(tx, _LOCK_PAPER, paper_id=paper_id)
            if found["run"] is not None and found["run"] > run:
                return False
            before = await _forget(tx, paper_id, keys)
            await rows(tx, _SET_PAPER, paper_id=paper_id, run=run, title=title)
            await rows(tx, _MENTION, paper_id=paper_id, entities=[named._asdict() for named in new.entities])
            await rows(tx, _RELATE, paper_id=paper_id, relations=[relation._asdict() for relation in new.relations])
            await rows(tx, _DROP_UNMENTIONED, keys=sorted(before - keys))
            await list_works(tx, paper_id, works)
            return True

        return await self._transact(write)

    async def remove(self, paper_id: str) -> None:
        async def write(tx: AsyncTransaction) -> None:
            await rows(tx, _LOCK_PAPER, paper_id=paper_id)
            before = await _forget(tx, paper_id, set())
            await rows(tx, _DROP_UNMENTIONED, keys=sorted(before))
            await list_works(tx, paper_id, NO_WORKS)
            await rows(tx, _DROP_PAPER, paper_id=paper_id)

        await self._transact(write)

    async def papers(self) -> Sequence[str]:
        async def read(tx: AsyncTransaction) -> list[str]:
            return [row["id"] for row in await rows(tx, "MATCH (p:Paper) RETURN p.id AS id")]

        return await self._transact(read)

    async def neighbours(self, key: str, limit: int) -> EntityNeighbours | None:
        async def read(tx: AsyncTransaction) -> EntityNeighbours | None:
            named = await rows(tx, _ENTITY, key=key)
            if not named:
                return None
            return EntityNeighbours(
                key=key,
                name=named[0]["name"],
                type=EntityType(named[0]["type"]),
                papers=tuple(sorted(paper_id for row in named for paper_id in row["papers"])),
                forms=tuple(
                    Form(text=row["text"], papers=tuple(sorted(row["papers"])))
                    for row in await rows(tx, _FORMS, key=key)
                ),
                neighbours=tuple(_neighbour(row) for row in await rows(tx, _NEIGHBOURS, key=key, limit=limit)),
            )

        return await self._transact(read)

    async def citations(self, paper_id: str, limit: int) -> Citations:
        return citations(await self._transact(partial(matches, paper_id=paper_id)), limit)

    async def related(self, paper_id: str, limit: int) -> Sequence[RelatedPaper]:
        async def read(tx: AsyncTransaction) -> list[RelatedPaper]:
            [counted] = await rows(tx, "MATCH (p:Paper) RETURN count(p) AS papers")
            found = await rows(tx, _RELATED, paper_id=paper_id)
            return best_first(
                (related_paper(row["paper_id"], row["title"], dict(row["shared"]), counted["papers"]) for row in found),
                limit,
            )

        return await self._transact(read)

    async def check(self) -> None:
        await self._transact(lambda tx: rows(tx, "RETURN 1"))

    async def close(self) -> None:
        await self._driver.close()

    async def _transact(self, work: Work[T]) -> T:
        if not self._is_prepared:
            await self.prepare()
        return await self._try(work)

    async def _try(self, work: Work[T]) -> T:
        """One transaction, again when it lost a race: the driver's own retry waits a second, and not for a lost MERGE."""
        with _available():
            for attempt in range(TRIES):
                try:
                    async with self._driver.session() as session, await session.begin_transaction() as tx:
                        answer = await work(tx)
                        await tx.commit()
                        return answer
                except Neo4jError as error:
                    if attempt == TRIES - 1 or not lost_a_race(error):
                        raise
                await anyio.sleep(random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)))
        raise AssertionError("unreachable: the last try answers or raises")


async def _forget(tx: AsyncTransaction, paper_id: str, keys: set[str]) -> set[str]:
    """Drops what the paper said; answers the keys it mentioned. Those and `keys` are locked from here on."""
    before = {row["key"] for row in await rows(tx, _MENTIONED, paper_id=paper_id)}
    await rows(tx, _LOCK_ENTITIES, keys=sorted(before | keys))
    for query in _FORGET:
        await rows(tx, query, paper_id=paper_id)
    return before


def _neighbour(row: dict[str, Any]) -> Neighbour:
    return Neighbour(
        key=row["key"],
        name=row["name"],
        type=EntityType(row["type"]),
        relation=RelationType(row["relation"]),
        direction=row["direction"],
        papers=tuple(sorted(row["papers"])),
    )


def lost_a_race(error: Neo4jError) -> bool:
    """Another transaction made the same node or index, removed one of ours, or stood in our way."""
    ours_no_more = (".EntityNotFound", ".EquivalentSchemaRuleAlreadyExists")
    return isinstance(error, TransientError | ConstraintError) or (error.code or "").endswith(ours_no_more)


@contextmanager
def _available() -> Iterator[None]:
    """Raises `UnavailableError` where Neo4j is away, too busy, or refuses us."""
    try:
        yield
    except AuthError as error:
        raise UnavailableError(f"Neo4j refuses this user ({error}); check PAPERS_GRAPH_URL.") from error
    except (ServiceUnavailable, SessionExpired, ConnectionAcquisitionTimeoutError, TransientError, OSError) as error:
        raise UnavailableError(f"Neo4j does not answer ({error}); check PAPERS_GRAPH_URL and that it runs.") from error
