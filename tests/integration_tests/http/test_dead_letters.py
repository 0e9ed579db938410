"""`/dead-letters`: runs whose attempts ran out are parked with their reason until somebody has them run again."""

import asyncio
from io import BytesIO

import pytest

from app.domain.decisions import MAX_ATTEMPTS
from app.domain.lifecycle import Status
from tests.extraction.readers.files import pdf
from tests.support.answers import Body, body, error, run_to_its_end, snapshot
from tests.support.in_process import InProcessLane
from tests.support.store import read

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]

TEXT = b"On Dead Letters\n\nAbstract\n\nWe use BERT.\n"


async def parked(lane: InProcessLane, name: str = "poison.txt") -> str:
    """A paper whose run failed three times, for a reason that has gone since."""
    paper_id = str((await lane.upload(name, TEXT))["id"])
    kept = await lane.worker.files.get(paper_id)
    await lane.worker.files.remove(paper_id)
    await lane.process(paper_id)
    while (record := await read(lane.worker.store, paper_id)).paper.status is not Status.FAILED:
        if record.attempts and record.lease is None:
            lane.clock.advance(1)  # now the dispatcher sees the run that was given back
        await asyncio.sleep(0.001)  # the store is fake, and tells nobody of a write
    await lane.worker.files.put(paper_id, BytesIO(kept))
    return paper_id


async def letters(lane: InProcessLane, **query: object) -> Body:
    page: Body = body(await lane.client.get("/dead-letters", params={k: str(v) for k, v in query.items()}))
    return page


async def test_a_run_whose_attempts_ran_out_is_parked_with_its_reason(in_process: InProcessLane) -> None:
    paper_id = await parked(in_process)
    paper = await snapshot(in_process, paper_id)
    assert await letters(in_process) == {
        "items": [
            {
                "paper_id": paper_id,
                "filename": "poison.txt",
                "run": 1,
                "attempts": MAX_ATTEMPTS,
                "error": paper["error"],
                "failed_at": paper["finished_at"],
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.slow
async def test_a_file_nobody_can_read_is_no_dead_letter(in_process: InProcessLane) -> None:
    paper_id = (await in_process.upload("none.pdf", pdf()))["id"]
    assert (await run_to_its_end(in_process, paper_id))["status"] == "failed"
    assert (await letters(in_process))["items"] == []
    answer = await in_process.client.post(f"/dead-letters/{paper_id}/retry")
    assert error(answer) == (409, "not_a_dead_letter")


async def test_a_retried_one_runs_again_and_leaves_the_list(in_process: InProcessLane) -> None:
    paper_id = await parked(in_process)
    answer = body(await in_process.client.post(f"/dead-letters/{paper_id}/retry"))
    assert (answer["paper_id"], answer["status"], answer["run"]) == (paper_id, "queued", 2)
    await in_process.settled()
    assert (await snapshot(in_process, paper_id))["status"] == "completed"
    assert (await letters(in_process))["items"] == []
    again = await in_process.client.post(f"/dead-letters/{paper_id}/retry")
    assert error(again) == (409, "not_a_dead_letter")


@pytest.mark.slow
async def test_all_are_retried_at_once_and_one_that_is_deleted_is_none(in_process: InProcessLane) -> None:
    first, second, gone = [await parked(in_process, f"{name}.txt") for name in ("first", "second", "gone")]
    assert (await in_process.client.delete(f"/papers/{gone}")).status_code == 204
    answer = body(await in_process.client.post("/dead-letters/retry"))
    assert {run["paper_id"] for run in answer["accepted"]} == {first, second}
    assert answer["rejected"] == []
    await in_process.settled()
    for paper_id in (first, second):
        assert (await snapshot(in_process, paper_id))["status"] == "completed"
    assert (await letters(in_process))["items"] == []


@pytest.mark.slow
async def test_they_come_in_pages(in_process: InProcessLane) -> None:
    papers = {await parked(in_process, f"{number}.txt") for number in range(3)}
    met, page = list[str](), await letters(in_process, limit=1)
    while True:
        met += [letter["paper_id"] for letter in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await letters(in_process, limit=1, cursor=page["next_cursor"])
    assert (len(met), set(met)) == (3, papers)


async def test_what_is_no_page_is_refused(in_process: InProcessLane) -> None:
    assert error(await in_process.client.get("/dead-letters?limit=0")) == (422, "invalid_request")
    assert error(await in_process.client.get("/dead-letters?cursor=x")) == (422, "invalid_cursor")
    assert error(await in_process.client.post("/dead-letters/nobody/retry")) == (404, "paper_not_found")
