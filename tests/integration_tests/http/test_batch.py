"""`POST /papers/batch/process`: each paper is accepted, or rejected with its reason; none stops the others."""

from typing import Any

import httpx
import pytest

from tests.support.answers import body, error, snapshot
from tests.support.lane import Lane

pytestmark = pytest.mark.anyio


MALFORMED = {
    "nothing": b"",
    "cut JSON": b"{",
    "no text": b"\xff\xfe\x00",
    "JSON nested without end": b"[" * 100_000,
    "a list": b"[]",
    "no ids": b"{}",
    "0 ids": b'{"paper_ids": []}',
    "1,001 ids": b'{"paper_ids": ["x"' + b', "x"' * 1000 + b"]}",
    "one id instead of a list": b'{"paper_ids": "x"}',
    "a number": b'{"paper_ids": [1]}',
    "null": b'{"paper_ids": [null]}',
    "a list in the list": b'{"paper_ids": [["x"]]}',
    "half a character": rb'{"paper_ids": ["\ud800"]}',
    "a field nobody knows": b'{"paper_ids": ["x"], "priority": 1}',
}
NO_IDS = ["", "\x00", "x" * 100_000, "../x", "{'$ne': 1}", "論文"]


async def batch(lane: Lane, paper_ids: list[str]) -> Any:
    return body(await lane.client.post("/papers/batch/process", json={"paper_ids": paper_ids}))


async def test_those_that_can_run_are_accepted_and_run(lane: Lane) -> None:
    first, second = [(await lane.upload(f"{name}.txt", b"Words."))["id"] for name in "ab"]
    answer = await batch(lane, [first, "no-such-paper", second])
    assert [(run["paper_id"], run["status"], run["run"], run["seq"]) for run in answer["accepted"]] == [
        (first, "queued", 1, 2),
        (second, "queued", 1, 2),
    ]
    [rejected] = answer["rejected"]
    assert (rejected["paper_id"], rejected["code"]) == ("no-such-paper", "paper_not_found")
    assert "no-such-paper" in rejected["detail"]
    await lane.settled()
    for paper_id in (first, second):
        assert (await snapshot(lane, paper_id))["status"] == "completed"


async def test_a_paper_named_twice_runs_once(lane: Lane) -> None:
    paper_id = (await lane.upload("a.txt", b"Words."))["id"]
    answer = await batch(lane, [paper_id, paper_id])
    assert ([run["run"] for run in answer["accepted"]], answer["rejected"]) == ([1], [])
    await lane.settled()
    assert (await snapshot(lane, paper_id))["run"] == 1


@pytest.mark.slow
async def test_a_thousand_unknown_papers_are_a_thousand_rejections(lane: Lane) -> None:
    answer = await batch(lane, [f"unknown-{number}" for number in range(1000)])
    assert answer["accepted"] == []
    assert [found["paper_id"] for found in answer["rejected"]] == [f"unknown-{number}" for number in range(1000)]


async def test_a_malformed_batch_is_refused_as_a_whole(lane: Lane, witness: None) -> None:
    answers = {name: error(await _post(lane, content)) for name, content in MALFORMED.items()}
    assert answers == dict.fromkeys(MALFORMED, (422, "invalid_request"))


async def test_a_batch_that_is_no_json_by_its_type_is_refused(lane: Lane) -> None:
    answer = await lane.client.post("/papers/batch/process", content=b'{"paper_ids": ["x"]}')
    assert error(answer) == (422, "invalid_request")


async def test_ids_that_are_none_are_rejected_one_by_one(lane: Lane, witness: None) -> None:
    good = (await lane.upload("a.txt", b"Words."))["id"]
    answer = await batch(lane, [*NO_IDS, good])
    assert [(found["paper_id"], found["code"]) for found in answer["rejected"]] == [
        (no_id, "paper_not_found") for no_id in NO_IDS
    ]
    assert [run["paper_id"] for run in answer["accepted"]] == [good]
    await lane.settled()


async def _post(lane: Lane, content: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return await lane.client.post("/papers/batch/process", content=content, headers=headers)
