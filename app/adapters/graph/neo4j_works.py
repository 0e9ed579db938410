"""Works in Neo4j: `(:Paper)-[:CITES]->(:Work)<-[:IS]-(:Paper)`; what is said of the work is on the two relationships."""

from typing import Any

from neo4j import AsyncTransaction

from app.adapters.graph.citations import Match
from app.adapters.graph.neo4j_rows import rows
from app.domain.citing import Bibliography, Work

_WORKS = "MATCH (:Paper {id: $paper_id})-[:CITES|IS]->(w:Work) RETURN DISTINCT w.key AS key"
_LOCK_WORKS = "UNWIND $keys AS key MERGE (w:Work {key: key}) SET w.key = key"
_FORGET_WORKS = "MATCH (:Paper {id: $paper_id})-[r:CITES|IS]->(:Work) DELETE r"
_IS = """
MATCH (p:Paper {id: $paper_id}) UNWIND $keys AS key MATCH (w:Work {key: key}) CREATE (p)-[r:IS]->(w) SET r = $work
"""
_CITE = """
MATCH (p:Paper {id: $paper_id})
UNWIND $listed AS listed
UNWIND listed.keys AS key
MATCH (w:Work {key: key})
CREATE (p)-[r:CITES]->(w) SET r = listed.work
"""
_DROP_WORKS = "UNWIND $keys AS key MATCH (w:Work {key: key}) WHERE NOT (w)--() DELETE w"
_CITATIONS = """
MATCH (:Paper {id: $paper_id})-[listed:CITES]->(:Work)<-[itself:IS]-(other:Paper) WHERE other.id <> $paper_id
RETURN 'cites' AS direction, other.id AS paper_id, other.title AS title,
    properties(listed) AS listed, properties(itself) AS itself
UNION
MATCH (:Paper {id: $paper_id})-[itself:IS]->(:Work)<-[listed:CITES]-(other:Paper) WHERE other.id <> $paper_id
RETURN 'cited_by' AS direction, other.id AS paper_id, other.title AS title,
    properties(listed) AS listed, properties(itself) AS itself
"""


async def list_works(tx: AsyncTransaction, paper_id: str, works: Bibliography) -> None:
    """Makes these the paper's works; those that no paper is or cites any more go."""
    before = {row["key"] for row in await rows(tx, _WORKS, paper_id=paper_id)}
    keys = {key for work in (works.itself, *works.listed) for key in work.keys}
    await rows(tx, _LOCK_WORKS, keys=sorted(before | keys))
    await rows(tx, _FORGET_WORKS, paper_id=paper_id)
    listed = [{"keys": work.keys, "work": work.model_dump()} for work in works.listed]
    await rows(tx, _IS, paper_id=paper_id, keys=works.itself.keys, work=works.itself.model_dump())
    await rows(tx, _CITE, paper_id=paper_id, listed=listed)
    await rows(tx, _DROP_WORKS, keys=sorted(before - keys))


async def matches(tx: AsyncTransaction, paper_id: str) -> list[Match]:
    """Entries of this paper that share a key with another one here, and entries of others that share one with this."""
    return [
        Match(
            row["direction"], row["paper_id"], row["title"], row["listed"]["number"],
            _work(row["listed"]), _work(row["itself"]),
        )
        for row in await rows(tx, _CITATIONS, paper_id=paper_id)
    ]  # fmt: skip


def _work(said: dict[str, Any]) -> Work:
    return Work.model_validate({name: said.get(name) for name in Work.model_fields})
