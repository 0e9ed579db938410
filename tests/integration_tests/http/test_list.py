"""`GET /papers/`: pages, filters, and papers that come while somebody turns the pages."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.answers import body, run_to_its_end
from tests.support.lane import Lane

pytestmark = pytest.mark.anyio


async def pages(lane: Lane, **query: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """One page after the other, to the last."""
    while True:
        page = body(await lane.client.get("/papers/", params=query))
        assert page.keys() == {"items", "next_cursor"}
        yield page["items"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]


async def upload(lane: Lane, mark: str, *names: str) -> list[str]:
    """Papers whose names share a mark that no other paper has; their ids, newest first."""
    ids = [(await lane.upload(f"{mark}-{name}.txt", b"Some words."))["id"] for name in names]
    return ids[::-1]


async def test_pages_hold_every_paper_once_newest_first(lane: Lane) -> None:
    mark = uuid4().hex
    expected = await upload(lane, mark, *"abcde")
    got = [[paper["id"] for paper in page] async for page in pages(lane, q=mark, limit=2)]
    assert [len(page) for page in got] == [2, 2, 1]
    assert sorted(paper_id for page in got for paper_id in page) == sorted(expected)
    assert [len(page) async for page in pages(lane, q=mark, limit=5)] == [5], "a full last page leads to an empty one"
    created = [paper["created_at"] async for page in pages(lane, q=mark, limit=2) for paper in page]
    assert created == sorted(created, reverse=True)


async def test_papers_that_come_meanwhile_neither_shift_nor_repeat_a_page(lane: Lane) -> None:
    mark = uuid4().hex
    expected = await upload(lane, mark, *"abcd")
    got: list[str] = []
    async for page in pages(lane, q=mark, limit=1):
        got += [paper["id"] for paper in page]
        await upload(lane, mark, f"late-{len(got)}")
    assert len(set(got)) == len(got), "a paper came twice"
    assert set(expected) <= set(got), "a paper was passed over"


async def test_a_paper_deleted_meanwhile_takes_no_other_with_it(lane: Lane) -> None:
    mark = uuid4().hex
    await upload(lane, mark, *"abc")
    first = body(await lane.client.get("/papers/", params={"q": mark, "limit": 1}))
    rest = body(await lane.client.get("/papers/", params={"q": mark, "cursor": first["next_cursor"]}))["items"]
    await lane.client.delete(f"/papers/{first['items'][0]['id']}")
    again = body(await lane.client.get("/papers/", params={"q": mark, "cursor": first["next_cursor"]}))
    assert again["items"] == rest
    assert len(rest) == 2


async def test_a_status_filters_the_list_and_the_items_are_snapshots(lane: Lane) -> None:
    mark = uuid4().hex
    [waiting, done] = await upload(lane, mark, "done", "waiting")
    completed = await run_to_its_end(lane, done)
    listed = body(await lane.client.get("/papers/", params={"q": mark, "status": "completed"}))["items"]
    assert listed == [completed]
    listed = body(await lane.client.get("/papers/", params={"q": mark, "status": "uploaded"}))["items"]
    assert [paper["id"] for paper in listed] == [waiting]
    assert body(await lane.client.get("/papers/", params={"q": mark, "status": "failed"}))["items"] == []


async def test_q_is_part_of_a_name_without_case_accents_or_patterns(lane: Lane) -> None:
    mark = uuid4().hex
    await upload(lane, mark, "résumé_100%.*", "other")
    for q in ("RÉSUMÉ", "resume", "%", "_", ".*", "résumé_100%.*"):
        listed = body(await lane.client.get("/papers/", params={"q": q, "limit": 200}))["items"]
        names = {paper["filename"] for paper in listed if paper["filename"].startswith(mark)}
        assert names == {f"{mark}-résumé_100%.*.txt"}, q
