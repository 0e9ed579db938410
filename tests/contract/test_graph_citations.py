"""What every `Graph` promises of citations: they stand between papers that are here, whichever came first."""

import pytest

from app.domain.citing import Bibliography, Listed, Work
from app.domain.graph import CitedPaper
from app.ports import Graph

pytestmark = pytest.mark.anyio

TIDES = Work(doi="10.1/tides", title="tidesofshallowseas", year=2019, author="muller")
GAUGES = Work(title="gaugesonforeigncoasts", year=1999, author="ito")


def listed(work: Work, number: int) -> Listed:
    return Listed(number=number, **work.model_dump())


async def put(graph: Graph, paper_id: str, itself: Work, *cites: Work, run: int = 1) -> bool:
    works = Bibliography(itself=itself, listed=tuple(listed(work, n) for n, work in enumerate(cites, start=1)))
    return await graph.replace(paper_id, run, f"Title of {paper_id}", [], [], works)


async def cites(graph: Graph, paper_id: str) -> list[str]:
    return [cited.paper_id for cited in (await graph.citations(paper_id, 100)).cites]


async def cited_by(graph: Graph, paper_id: str) -> list[str]:
    return [citing.paper_id for citing in (await graph.citations(paper_id, 100)).cited_by]


@pytest.mark.parametrize("order", [("tides", "citing"), ("citing", "tides")], ids=["cited first", "cited later"])
async def test_a_citation_is_seen_from_both_ends_whichever_paper_came_first(
    graph: Graph, order: tuple[str, str]
) -> None:
    for paper_id in order:
        await (put(graph, "tides", TIDES) if paper_id == "tides" else put(graph, "citing", GAUGES, Work(), TIDES))
    found = await graph.citations("citing", 10)
    assert found.cites == (CitedPaper(paper_id="tides", title="Title of tides", number=2, evidence="doi"),)
    assert found.cited_by == ()
    seen = await graph.citations("tides", 10)
    assert seen.cited_by == (CitedPaper(paper_id="citing", title="Title of citing", number=2, evidence="doi"),)
    assert seen.cites == ()


async def test_a_title_is_evidence_when_the_year_agrees(graph: Graph) -> None:
    await put(graph, "gauges", GAUGES)
    await put(graph, "p", Work(), GAUGES.model_copy(update={"doi": "10.1/late", "year": 2000}))
    [cited] = (await graph.citations("p", 10)).cites
    assert (cited.paper_id, cited.evidence) == ("gauges", "title")


async def test_a_shared_title_alone_or_with_another_year_is_no_citation(graph: Graph) -> None:
    await put(graph, "gauges", GAUGES)
    await put(graph, "bare", Work(), Work(title=GAUGES.title))
    await put(graph, "other", Work(), GAUGES.model_copy(update={"year": 1970}))
    assert (await cites(graph, "bare"), await cites(graph, "other")) == ([], [])
    assert await cited_by(graph, "gauges") == []


async def test_two_papers_that_are_the_same_work_are_both_cited(graph: Graph) -> None:
    await put(graph, "b", TIDES)
    await put(graph, "a", TIDES)
    await put(graph, "p", GAUGES, TIDES)
    assert await cites(graph, "p") == ["a", "b"]


async def test_a_work_listed_twice_is_one_citation(graph: Graph) -> None:
    await put(graph, "tides", TIDES)
    await put(graph, "p", GAUGES, TIDES, TIDES)
    assert [cited.number for cited in (await graph.citations("p", 10)).cites] == [1]


async def test_a_paper_does_not_cite_itself(graph: Graph) -> None:
    await put(graph, "p", TIDES, TIDES)
    assert await cites(graph, "p") == await cited_by(graph, "p") == []


async def test_papers_may_cite_each_other(graph: Graph) -> None:
    await put(graph, "p", TIDES, GAUGES)
    await put(graph, "q", GAUGES, TIDES)
    assert (await cites(graph, "p"), await cited_by(graph, "p")) == (["q"], ["q"])


async def test_cited_papers_come_in_the_order_of_the_list_and_citing_ones_by_id(graph: Graph) -> None:
    await put(graph, "z", TIDES)
    await put(graph, "a", GAUGES)
    for paper_id in ("m", "c"):
        await put(graph, paper_id, Work(), TIDES, GAUGES)
    assert await cites(graph, "m") == ["z", "a"]
    assert await cited_by(graph, "z") == ["c", "m"]
    assert len((await graph.citations("m", 1)).cites) == len((await graph.citations("z", 1)).cited_by) == 1


async def test_what_a_later_run_no_longer_lists_is_no_longer_cited(graph: Graph) -> None:
    await put(graph, "tides", TIDES)
    await put(graph, "p", GAUGES, TIDES)
    assert await put(graph, "p", GAUGES, run=2)
    assert not await put(graph, "p", GAUGES, TIDES, run=1)
    assert await cites(graph, "p") == await cited_by(graph, "tides") == []


async def test_a_removed_paper_neither_cites_nor_is_cited_and_may_come_again(graph: Graph) -> None:
    await put(graph, "tides", TIDES)
    await put(graph, "p", GAUGES, TIDES)
    await put(graph, "q", Work(), TIDES, GAUGES)
    await graph.remove("p")
    assert (await cites(graph, "q"), await cited_by(graph, "tides")) == (["tides"], ["q"])
    await graph.remove("tides")
    assert await cites(graph, "q") == []
    await put(graph, "tides", TIDES)
    assert await cites(graph, "q") == ["tides"]


async def test_an_unknown_paper_has_no_citations(graph: Graph) -> None:
    found = await graph.citations("nobody", 10)
    assert (found.cites, found.cited_by) == ((), ())
