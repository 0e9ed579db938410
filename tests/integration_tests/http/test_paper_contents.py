"""One paper, all the way: what every GET says of it once its run has ended."""

from typing import Any

import httpx
import pytest

from app.domain.events import PAPER_EVENT
from app.domain.paper import Paper
from app.domain.projection import apply
from conftest import SEED_PAPER
from tests.support.answers import body, error, items, run_to_its_end, snapshot
from tests.support.lane import Lane

pytestmark = pytest.mark.anyio

OUTPUTS = ("document", "references", "entities", "relationships")


async def test_what_was_found_in_a_paper_can_be_fetched(lane: Lane, test_paper_id: str) -> None:
    paper = await run_to_its_end(lane, test_paper_id)
    assert (paper["status"], paper["progress"], paper["stage"], paper["error"]) == ("completed", 100, None, None)
    assert paper["run"] == 1
    assert paper["created_at"] <= paper["queued_at"] <= paper["started_at"] <= paper["finished_at"]

    document = body(await lane.client.get(f"/papers/{test_paper_id}/document"))
    assert document["title"] == paper["title"] == SEED_PAPER.read_text().splitlines()[0]
    assert document["authors"] == paper["authors"] == ["Mira Okafor", "Jonas Lindqvist", "Tomoko Hayashi"]
    assert (document["year"], document["doi"]) == (2023, "10.5555/lattice.2023.0042")
    assert document["abstract"].startswith("We present LatticeReader")
    assert "Method" in " ".join(section["title"] for section in document["sections"])

    references = await items(lane, f"/papers/{test_paper_id}/references")
    assert [reference["number"] for reference in references] == [1, 2, 3, 4, 5, 6]
    assert references[1]["doi"] == "10.5555/jii.2018.1203"

    entities = await items(lane, f"/papers/{test_paper_id}/entities")
    text = document["text"]
    mentions = [mention for entity in entities for mention in entity["mentions"]]
    assert [text[mention["start"] : mention["end"]] for mention in mentions] == [m["text"] for m in mentions]

    relationships = await items(lane, f"/papers/{test_paper_id}/relationships")
    keys = {entity["key"] for entity in entities}
    assert relationships
    assert {found[end] for found in relationships for end in ("source", "target")} <= keys

    assert paper["counts"] == {
        "pages": document["pages"],
        "sections": len(document["sections"]),
        "references": len(references),
        "entities": len(entities),
        "mentions": len(mentions),
        "relationships": len(relationships),
    }

    await _events_tell_the_whole_story(lane, test_paper_id)
    await _the_graph_knows_a_relationship(lane, test_paper_id, relationships[0])


async def _events_tell_the_whole_story(lane: Lane, paper_id: str) -> None:
    events = await items(lane, f"/papers/{paper_id}/events")
    assert [event["data"]["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["id"] for event in events} == {None}, "over HTTP `seq` is the position"
    folded: Paper | None = None
    for event in events:
        folded = apply(folded, PAPER_EVENT.validate_python(event))
    assert folded == Paper.model_validate(await snapshot(lane, paper_id))
    assert await items(lane, f"/papers/{paper_id}/events?after=3") == events[3:]
    assert await items(lane, f"/papers/{paper_id}/events?after=1&limit=2") == events[1:3]
    assert await items(lane, f"/papers/{paper_id}/events?after={len(events)}") == []


async def _the_graph_knows_a_relationship(lane: Lane, paper_id: str, relationship: dict[str, Any]) -> None:
    source, target = relationship["source"], relationship["target"]
    entity = body(await lane.client.get(f"/graph/entities/{source}?limit=200"))
    assert entity["key"] == source
    assert paper_id in entity["papers"]
    assert (target, relationship["type"], "out") in {
        (near["key"], near["relation"], near["direction"])
        for near in entity["neighbours"]
        if paper_id in near["papers"]
    }


async def test_before_a_run_there_is_no_output_but_the_file_and_one_event(lane: Lane, test_paper_id: str) -> None:
    for output in OUTPUTS:
        assert error(await lane.client.get(f"/papers/{test_paper_id}/{output}")) == (404, "not_extracted")
    [event] = await items(lane, f"/papers/{test_paper_id}/events")
    assert (event["event_type"], event["data"]["status"]) == ("paper_status", "uploaded")
    assert await items(lane, f"/graph/papers/{test_paper_id}/related") == []
    assert body(await lane.client.get(f"/graph/papers/{test_paper_id}/citations")) == {"cites": [], "cited_by": []}
    assert (await lane.client.get(f"/papers/{test_paper_id}/file")).status_code == 200


@pytest.mark.parametrize("content", [b"<!doctype html><script>alert(1)</script><p>Hello", b"x" * 700_000])
async def test_the_file_comes_back_byte_by_byte_and_never_opens_in_a_browser(content: bytes, lane: Lane) -> None:
    paper = await lane.upload('re"port; 論文.html', content)
    file = await lane.client.get(f"/papers/{paper['id']}/file")
    assert file.content == content
    assert file.headers["Content-Length"] == str(len(content))
    assert file.headers["Content-Type"] == paper["content_type"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    disposition = file.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    assert disposition.isascii()
    assert not set('";\r\n') & set(disposition.removeprefix("attachment;"))


async def test_a_paper_is_found_by_its_words_and_related_by_its_entities(lane: Lane) -> None:
    papers = [await _paper_on_crf(lane, title) for title in ("Alpha Quokkas", "Beta Wombats")]
    [first, second] = [paper["id"] for paper in papers]
    for paper_id in (first, second):
        assert (await run_to_its_end(lane, paper_id))["status"] == "completed"

    hits = await _hits(lane.client, "QUOKKAS alpha")
    assert first in hits
    assert second not in hits, "a hit must have all the words"
    hit = hits[first]
    assert (hit["title"], hit["filename"]) == ("Alpha Quokkas", "alpha quokkas.txt")
    assert "Quokkas" in hit["snippet"]

    related = {near["paper_id"]: near for near in await items(lane, f"/graph/papers/{first}/related?limit=200")}
    shared = {entity["key"] for entity in await items(lane, f"/papers/{first}/entities")}
    assert first not in related
    assert related[second]["title"] == "Beta Wombats"
    assert related[second]["shared"] == len(shared) > 0
    assert set(related[second]["entities"]) <= shared

    entity = body(await lane.client.get(f"/graph/entities/{min(shared)}?limit=200"))
    assert {first, second} <= set(entity["papers"])

    assert (await lane.client.delete(f"/papers/{second}")).status_code == 204
    assert second not in await _hits(lane.client, "wombats")
    assert second not in {near["paper_id"] for near in await items(lane, f"/graph/papers/{first}/related?limit=200")}
    assert second not in body(await lane.client.get(f"/graph/entities/{min(shared)}?limit=200"))["papers"]
    assert (await lane.client.delete(f"/papers/{first}")).status_code == 204


async def test_a_search_for_no_word_at_all_finds_nothing(lane: Lane) -> None:
    assert await items(lane, "/search?q=%3F!") == []


async def _paper_on_crf(lane: Lane, title: str) -> dict[str, Any]:
    text = (
        f"{title}\n\nAbstract\n\nWe use a conditional random field for named entity recognition on the SciERC corpus.\n"
    )
    return await lane.upload(f"{title.lower()}.txt", text.encode())


async def _hits(client: httpx.AsyncClient, q: str) -> dict[str, Any]:
    found = body(await client.get("/search", params={"q": q, "limit": 200}))["items"]
    return {hit["paper_id"]: hit for hit in found}
