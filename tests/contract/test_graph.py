"""What every `Graph` promises: each paper's contribution stands and goes as a whole."""

import asyncio

import pytest

from app.domain.knowledge import Entity, EntityType, Mention, RelationType
from app.ports import Graph
from tests.contract.conftest import ConnectGraph
from tests.support.builders import a_relationship, an_entity, entities
from tests.support.graph import put
from tests.support.servers import graph_for_tests

pytestmark = pytest.mark.anyio

CRF, LSTM, NER = an_entity("CRF"), an_entity("LSTM"), an_entity("NER", EntityType.TASK)


async def keys_around(graph: Graph, key: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    found = await graph.neighbours(key, 100)
    assert found is not None
    return [(near.direction, near.relation, near.key, near.papers) for near in found.neighbours]


# -- entities and their neighbours


async def test_an_entity_knows_its_name_type_and_papers(graph: Graph) -> None:
    await put(graph, "q", CRF)
    await put(graph, "p", CRF, NER)
    found = await graph.neighbours(CRF.key, 10)
    assert found is not None
    assert (found.key, found.name, found.type, found.papers) == (CRF.key, "CRF", EntityType.METHOD, ("p", "q"))
    assert found.neighbours == ()


async def test_an_entity_nobody_mentions_is_none(graph: Graph) -> None:
    assert await graph.neighbours("method:nothing", 10) is None


async def test_relations_are_seen_from_both_ends(graph: Graph) -> None:
    await graph.replace("p", 1, None, [CRF, NER], [a_relationship(CRF, NER)])
    [out] = (await graph.neighbours(CRF.key, 10) or pytest.fail("CRF is gone")).neighbours
    assert (out.key, out.name, out.type, out.relation, out.direction, out.papers) == (
        NER.key,
        "NER",
        EntityType.TASK,
        RelationType.USED_FOR,
        "out",
        ("p",),
    )
    assert await keys_around(graph, NER.key) == [("in", "used_for", CRF.key, ("p",))]


async def test_neighbours_that_most_papers_name_come_first(graph: Graph) -> None:
    for n, paper_id in enumerate(("a", "b", "c")):
        found = [a_relationship(CRF, NER), *([a_relationship(CRF, LSTM)] if n else [])]
        await graph.replace(paper_id, 1, None, [CRF, LSTM, NER], found)
    assert await keys_around(graph, CRF.key) == [
        ("out", "used_for", NER.key, ("a", "b", "c")),
        ("out", "used_for", LSTM.key, ("b", "c")),
    ]
    first = await graph.neighbours(CRF.key, 1)
    assert first is not None
    assert [near.key for near in first.neighbours] == [NER.key]


async def test_each_kind_of_relation_is_a_neighbour_of_its_own(graph: Graph) -> None:
    found = [
        a_relationship(CRF, LSTM, RelationType.COMPARED_WITH),
        a_relationship(CRF, LSTM, RelationType.PART_OF),
        a_relationship(LSTM, CRF, RelationType.PART_OF),
    ]
    await graph.replace("p", 1, None, [CRF, LSTM], found)
    assert await keys_around(graph, CRF.key) == [
        ("out", "compared_with", LSTM.key, ("p",)),
        ("in", "part_of", LSTM.key, ("p",)),
        ("out", "part_of", LSTM.key, ("p",)),
    ]


async def test_a_relation_said_twice_counts_once(graph: Graph) -> None:
    await graph.replace("p", 1, None, [CRF, NER, CRF], [a_relationship(CRF, NER), a_relationship(CRF, NER)])
    assert await keys_around(graph, CRF.key) == [("out", "used_for", NER.key, ("p",))]


async def test_an_entity_may_relate_to_itself(graph: Graph) -> None:
    await graph.replace("p", 1, None, [CRF], [a_relationship(CRF, CRF, RelationType.COMPARED_WITH)])
    assert await keys_around(graph, CRF.key) == [
        ("in", "compared_with", CRF.key, ("p",)),
        ("out", "compared_with", CRF.key, ("p",)),
    ]


async def test_a_relation_needs_both_its_ends_in_the_paper(graph: Graph) -> None:
    await put(graph, "q", NER)
    await graph.replace("p", 1, None, [CRF], [a_relationship(CRF, NER)])
    assert await keys_around(graph, CRF.key) == []
    assert await keys_around(graph, NER.key) == []


async def test_the_name_most_papers_use_is_shown(graph: Graph) -> None:
    other = CRF.model_copy(update={"name": "conditional random field"})
    await put(graph, "a", other)
    await put(graph, "b", CRF)
    await put(graph, "c", other)
    found = await graph.neighbours(CRF.key, 10)
    assert found is not None
    assert found.name == "conditional random field"
    await graph.remove("a")
    await graph.remove("c")
    found = await graph.neighbours(CRF.key, 10)
    assert found is not None
    assert found.name == "CRF"


async def test_every_way_to_write_an_entity_is_kept_with_its_papers(graph: Graph) -> None:
    def written(*forms: str) -> Entity:
        mentions = tuple(Mention(start=0, end=len(form), text=form) for form in forms)
        return CRF.model_copy(update={"mentions": mentions})

    await put(graph, "a", written("CRFs", "conditional random\nfield", "CRFs"))
    await put(graph, "b", written("CRFs"))
    found = await graph.neighbours(CRF.key, 10)
    assert found is not None
    assert [(form.text, form.papers) for form in found.forms] == [
        ("CRFs", ("a", "b")),
        ("conditional random field", ("a",)),
    ]
    await graph.remove("a")
    found = await graph.neighbours(CRF.key, 10)
    assert found is not None
    assert [(form.text, form.papers) for form in found.forms] == [("CRFs", ("b",))]


async def test_any_text_may_be_a_name(graph: Graph) -> None:
    odd = an_entity("Größe – 大 🚀 'quoted\" \\ {x} $y")
    await graph.replace("p'\"🚀", 1, "T'\"🚀", [odd, CRF], [a_relationship(odd, CRF)])
    found = await graph.neighbours(odd.key, 10)
    assert found is not None
    assert (found.name, found.papers) == (odd.name, ("p'\"🚀",))
    await put(graph, "q", odd)
    assert [(paper.paper_id, paper.title) for paper in await graph.related("q", 10)] == [("p'\"🚀", "T'\"🚀")]


# -- contributions


async def test_a_contribution_replaces_the_one_before(graph: Graph) -> None:
    await graph.replace("p", 1, "Old", [CRF, NER], [a_relationship(CRF, NER)])
    assert await graph.replace("p", 2, "New", [CRF, LSTM], [a_relationship(CRF, LSTM)])
    assert await keys_around(graph, CRF.key) == [("out", "used_for", LSTM.key, ("p",))]
    assert await graph.neighbours(NER.key, 10) is None


async def test_a_contribution_made_twice_is_made_once(graph: Graph) -> None:
    for _ in range(2):
        assert await graph.replace("p", 1, "T", [CRF, NER], [a_relationship(CRF, NER)])
    assert await keys_around(graph, CRF.key) == [("out", "used_for", NER.key, ("p",))]


async def test_an_earlier_run_cannot_replace_a_later_one(graph: Graph) -> None:
    assert await put(graph, "p", CRF, run=2)
    assert not await put(graph, "p", LSTM, run=1)
    assert await graph.neighbours(LSTM.key, 10) is None
    assert await graph.neighbours(CRF.key, 10) is not None


async def test_an_empty_contribution_still_refuses_an_earlier_run(graph: Graph) -> None:
    assert await put(graph, "p", run=2)
    assert not await put(graph, "p", CRF, run=1)
    assert await graph.neighbours(CRF.key, 10) is None


async def test_removing_a_paper_takes_its_part_and_no_other(graph: Graph) -> None:
    await graph.replace("p", 1, None, [CRF, NER, LSTM], [a_relationship(CRF, NER), a_relationship(LSTM, NER)])
    await graph.replace("q", 1, None, [CRF, NER], [a_relationship(CRF, NER)])
    await graph.remove("p")
    assert await keys_around(graph, CRF.key) == [("out", "used_for", NER.key, ("q",))]
    assert await graph.neighbours(LSTM.key, 10) is None
    assert await graph.related("q", 10) == []
    await graph.remove("q")
    assert await graph.neighbours(CRF.key, 10) is None


async def test_removing_what_is_not_there_does_no_harm(graph: Graph) -> None:
    await put(graph, "p", CRF)
    await graph.remove("q")
    assert await graph.neighbours(CRF.key, 10) is not None


async def test_a_removed_paper_may_come_again(graph: Graph) -> None:
    await put(graph, "p", CRF, run=5)
    await graph.remove("p")
    assert await put(graph, "p", CRF, run=1)


# -- many at once


async def test_papers_with_the_same_entities_may_come_and_go_at_once(graph: Graph, connect_graph: ConnectGraph) -> None:
    """Writers in different orders over the same entities: nobody deadlocks, nothing is lost or left behind."""
    names = [f"e{n:02}" for n in range(12)]

    async def come_and_go(number: int) -> None:
        async with connect_graph() as mine:
            turned = entities(*names[number:], *names[:number])
            found = [a_relationship(one, other) for one, other in zip(turned, turned[1:], strict=False)]
            for run in (1, 2):
                assert await mine.replace(f"p{number}", run, None, turned, found)
                await mine.remove(f"gone{number}")
                await mine.replace(f"gone{number}", run, None, turned[:6], found[:5])
            await mine.remove(f"gone{number}")

    await asyncio.gather(*(come_and_go(number) for number in range(4)))
    for name in names:
        found = await graph.neighbours(an_entity(name).key, 100)
        assert found is not None
        assert found.papers == ("p0", "p1", "p2", "p3")
    for number in range(4):
        await graph.remove(f"p{number}")
    assert [await graph.neighbours(an_entity(name).key, 1) for name in names] == [None] * len(names)


async def test_of_many_runs_at_once_the_last_one_stays(graph: Graph, connect_graph: ConnectGraph) -> None:
    async def contribute(run: int) -> bool:
        async with connect_graph() as mine:
            return await put(mine, "p", an_entity(f"of run {run}"), CRF, run=run)

    won = await asyncio.gather(*(contribute(run) for run in (3, 1, 5, 2, 4)))
    assert won[2], "run 5 was refused"
    left = [run for run in range(1, 6) if await graph.neighbours(an_entity(f"of run {run}").key, 1) is not None]
    assert left == [5]


async def test_a_graph_that_answers_passes_its_check(graph: Graph) -> None:
    await graph.check()


async def test_every_paper_that_contributes_is_listed_once(graph: Graph) -> None:
    await put(graph, "p", CRF, NER)
    await put(graph, "q", CRF)
    await graph.replace("empty", 1, None, [], [])
    await graph.remove("q")
    assert sorted(await graph.papers()) == ["empty", "p"]


@pytest.mark.live
async def test_the_constraints_are_there_before_anything_is_written() -> None:
    """Of Neo4j, where two writers would make the same node twice without them, and the constraint could never be made."""
    from neo4j import AsyncGraphDatabase

    from app.adapters.graph.neo4j import connect

    with graph_for_tests() as url:
        async with AsyncGraphDatabase.driver(url) as driver:
            for name in ("paper_id", "entity_key"):
                await driver.execute_query(f"DROP CONSTRAINT {name} IF EXISTS")
            graph = connect(url)
            await put(graph, "p", CRF)
            await graph.close()
            made = (await driver.execute_query("SHOW CONSTRAINTS YIELD name")).records
    assert {"paper_id", "entity_key"} <= {record["name"] for record in made}
