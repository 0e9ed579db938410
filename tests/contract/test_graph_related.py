"""What every `Graph` promises of related papers: those that share the most, the rare above the common."""

from math import log

import pytest

from app.ports import Graph
from tests.support.builders import an_entity, entities
from tests.support.graph import put

pytestmark = pytest.mark.anyio

CRF = an_entity("CRF")


async def test_related_papers_share_entities_most_first(graph: Graph) -> None:
    await put(graph, "p", *entities("a", "b", "c"), title="Mine")
    await put(graph, "one", *entities("c", "x"), title="One")
    await put(graph, "two", *entities("b", "a", "y"))
    await put(graph, "none", *entities("x", "y"))
    related = await graph.related("p", 10)
    assert [(paper.paper_id, paper.title, paper.shared, paper.entities) for paper in related] == [
        ("two", None, 2, ("method:a", "method:b")),
        ("one", "One", 1, ("method:c",)),
    ]
    assert [paper.paper_id for paper in await graph.related("p", 1)] == ["two"]


async def test_papers_that_share_as_much_come_by_id(graph: Graph) -> None:
    for paper_id in ("p", "z", "b", "m"):
        await put(graph, paper_id, CRF)
    assert [paper.paper_id for paper in await graph.related("p", 10)] == ["b", "m", "z"]


async def test_a_related_paper_lists_ten_entities_and_counts_all(graph: Graph) -> None:
    many = entities(*(f"e{n:02}" for n in range(15)))
    await put(graph, "p", *many)
    await put(graph, "q", *many)
    [related] = await graph.related("p", 10)
    assert related.shared == 15
    assert related.entities == tuple(entity.key for entity in many[:10])


async def test_one_rare_entity_outweighs_two_that_every_paper_mentions(graph: Graph) -> None:
    await put(graph, "p", *entities("common", "usual", "rare"))
    await put(graph, "a", *entities("common", "usual"))
    await put(graph, "z", *entities("common", "rare"))
    for n in range(6):
        await put(graph, f"many {n}", *entities("common", "usual"))
    related = await graph.related("p", 10)
    assert (related[0].paper_id, related[0].entities) == ("z", ("method:rare", "method:common"))
    assert related[0].score == pytest.approx(log(1 + 9 / 2) + log(1 + 9 / 9), abs=1e-6)
    assert {paper.paper_id for paper in related[1:]} == {"a", *(f"many {n}" for n in range(6))}


async def test_an_unknown_paper_is_related_to_none(graph: Graph) -> None:
    await put(graph, "p", CRF)
    assert await graph.related("nobody", 10) == []
