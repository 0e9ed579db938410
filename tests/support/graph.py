"""A paper's part in a graph, for tests that need no relations."""

from app.domain.knowledge import Entity
from app.ports import Graph


async def put(graph: Graph, paper_id: str, *mentioned: Entity, run: int = 1, title: str | None = None) -> bool:
    return await graph.replace(paper_id, run, title, mentioned, [])
