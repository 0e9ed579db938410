"""`process`, `cancel`, `batch/process` and `DELETE` while a run is queued or at work."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.domain.paper import Output, PaperRecord
from tests.extraction.readers.files import pdf
from tests.support.answers import body, error, items, run_to_its_end, snapshot
from tests.support.in_process import InProcessLane

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]

TEXT = b"On Cancelling\n\nAbstract\n\nWe use a conditional random field (CRF) for named entity recognition.\n"


async def upload(lane: InProcessLane, content: bytes = TEXT) -> str:
    return str((await lane.upload("paper.txt", content))["id"])


async def record(lane: InProcessLane, paper_id: str) -> PaperRecord:
    """What the service keeps of the paper beside its snapshot."""
    found = await lane.worker.store.get(paper_id)
    assert found is not None
    return found


async def test_process_answers_the_run_it_opened(in_process: InProcessLane) -> None:
    in_process.hold("dispatch")
    paper_id = await upload(in_process)
    answer = await in_process.client.post(f"/papers/{paper_id}/process")
    assert body(answer) == {"paper_id": paper_id, "status": "queued", "run": 1, "seq": 2}
    paper = await snapshot(in_process, paper_id)
    assert (paper["status"], paper["run"], paper["seq"]) == ("queued", 1, 2)
    assert paper["queued_at"] is not None
    assert paper["started_at"] is None


async def test_a_queued_paper_is_busy(in_process: InProcessLane) -> None:
    in_process.hold("dispatch")
    paper_id = await upload(in_process)
    await in_process.process(paper_id)
    before = await snapshot(in_process, paper_id)
    answer = await in_process.client.post(f"/papers/{paper_id}/process")
    assert error(answer) == (409, "paper_busy")
    assert "queued" in answer.json()["detail"]
    assert await snapshot(in_process, paper_id) == before
    assert (await in_process.status())["queue_length"] == 1


async def test_a_running_paper_is_busy_until_its_run_ends(in_process: InProcessLane) -> None:
    hold = in_process.hold("entities")
    paper_id = await upload(in_process)
    await in_process.process(paper_id)
    await hold.reached()
    answer = await in_process.client.post(f"/papers/{paper_id}/process")
    assert error(answer) == (409, "paper_busy")
    assert "extracting_entities" in answer.json()["detail"]
    assert (await in_process.status())["active_tasks"] == 1
    hold.release()
    await in_process.settled()
    assert (await in_process.process(paper_id))["run"] == 2
    await in_process.settled()


async def completed(lane: InProcessLane) -> str:
    paper_id = await upload(lane)
    assert (await run_to_its_end(lane, paper_id))["status"] == "completed"
    return paper_id


async def failed(lane: InProcessLane) -> str:
    paper_id = await upload(lane, pdf())
    assert (await run_to_its_end(lane, paper_id))["error"]["code"] == "no_pages"
    return paper_id


async def cancelled(lane: InProcessLane) -> str:
    hold = lane.hold("dispatch")
    paper_id = await upload(lane)
    await lane.process(paper_id)
    body(await lane.client.post(f"/papers/{paper_id}/cancel"))
    hold.release()
    await lane.settled()
    return paper_id


@pytest.mark.parametrize(
    "ended", [completed, pytest.param(failed, marks=pytest.mark.slow), pytest.param(cancelled, marks=pytest.mark.slow)]
)
async def test_a_paper_whose_run_ended_runs_again(
    ended: Callable[[InProcessLane], Awaitable[str]], in_process: InProcessLane
) -> None:
    paper_id = await ended(in_process)
    before = await snapshot(in_process, paper_id)
    assert before["finished_at"] is not None
    in_process.hold("dispatch")
    answer = await in_process.process(paper_id)
    assert answer == {"paper_id": paper_id, "status": "queued", "run": 2, "seq": before["seq"] + 1}
    paper = await snapshot(in_process, paper_id)
    assert (paper["status"], paper["run"], paper["progress"]) == ("queued", 2, 0)
    assert (paper["error"], paper["started_at"], paper["finished_at"]) == (None, None, None)
    assert (paper["title"], paper["counts"]) == (before["title"], before["counts"])


async def test_of_ten_who_ask_at_once_one_opens_the_run(in_process: InProcessLane) -> None:
    in_process.hold("dispatch")
    paper_id = await upload(in_process)
    asked = [in_process.client.post(f"/papers/{paper_id}/process") for _ in range(10)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert {error(answer)[1] for answer in answers if answer.status_code == 409} == {"paper_busy"}
    assert (await snapshot(in_process, paper_id))["seq"] == 2


async def test_a_queued_run_is_cancelled_and_never_begins(in_process: InProcessLane) -> None:
    hold = in_process.hold("dispatch")
    paper_id = await upload(in_process)
    await in_process.process(paper_id)
    answer = await in_process.client.post(f"/papers/{paper_id}/cancel")
    assert body(answer) == {"paper_id": paper_id, "status": "cancelled", "run": 1, "seq": 3}
    paper = await snapshot(in_process, paper_id)
    hold.release()
    await in_process.settled()
    assert await snapshot(in_process, paper_id) == paper
    assert (paper["status"], paper["started_at"]) == ("cancelled", None)


async def test_a_running_run_is_cancelled_and_what_it_does_afterwards_is_lost(in_process: InProcessLane) -> None:
    hold = in_process.hold("entities")
    paper_id = await upload(in_process)
    await in_process.process(paper_id)
    await hold.reached()
    answer = await in_process.client.post(f"/papers/{paper_id}/cancel")
    assert (body(answer)["status"], answer.json()["run"]) == ("cancelled", 1)
    paper = await snapshot(in_process, paper_id)
    assert (paper["stage"], paper["seq"]) == (None, answer.json()["seq"])
    hold.release()
    await in_process.settled()
    assert await snapshot(in_process, paper_id) == paper
    statuses = [event["data"].get("status") for event in await items(in_process, f"/papers/{paper_id}/events")]
    assert statuses.count("cancelled") == 1
    assert error(await in_process.client.get(f"/papers/{paper_id}/entities")) == (404, "not_extracted")
    assert (await in_process.client.get(f"/papers/{paper_id}/document")).status_code == 200


async def test_where_nothing_runs_there_is_nothing_to_cancel(in_process: InProcessLane) -> None:
    never_run, ended = await upload(in_process), await failed(in_process)
    for paper_id in (never_run, ended):
        before = await snapshot(in_process, paper_id)
        answer = await in_process.client.post(f"/papers/{paper_id}/cancel")
        assert error(answer) == (409, "paper_not_running")
        assert before["status"] in answer.json()["detail"]
        assert await snapshot(in_process, paper_id) == before


async def test_a_batch_accepts_what_is_idle_and_rejects_what_is_busy_or_gone(in_process: InProcessLane) -> None:
    in_process.hold("dispatch")
    idle, busy, gone = [await upload(in_process) for _ in range(3)]
    await in_process.process(busy)
    await in_process.client.delete(f"/papers/{gone}")
    answer = body(await in_process.client.post("/papers/batch/process", json={"paper_ids": [busy, idle, gone]}))
    assert answer["accepted"] == [{"paper_id": idle, "status": "queued", "run": 1, "seq": 2}]
    assert [(found["paper_id"], found["code"]) for found in answer["rejected"]] == [
        (busy, "paper_busy"),
        (gone, "paper_not_found"),
    ]
    assert all(found.keys() == {"paper_id", "code", "detail"} for found in answer["rejected"])


@pytest.mark.slow
async def test_what_an_earlier_run_found_stays_visible_until_a_new_one_has_its_own(in_process: InProcessLane) -> None:
    paper_id = await completed(in_process)
    outputs = {kind: await _output(in_process, paper_id, kind) for kind in VISIBLE}
    hold = in_process.hold("entities")
    await in_process.process(paper_id)
    await hold.reached()
    assert {kind: (await record(in_process, paper_id)).outputs[kind] for kind in VISIBLE} == {
        Output.DOCUMENT: 2,
        Output.REFERENCES: 2,
        Output.ENTITIES: 1,
        Output.RELATIONSHIPS: 1,
    }
    assert {kind: await _output(in_process, paper_id, kind) for kind in VISIBLE} == outputs
    [hit] = await items(in_process, "/search?q=cancelling")
    assert hit["paper_id"] == paper_id, "a paper is found once, whichever run its text is of"

    body(await in_process.client.post(f"/papers/{paper_id}/cancel"))
    hold.release()
    await in_process.settled()
    assert {kind: await _output(in_process, paper_id, kind) for kind in VISIBLE} == outputs


async def test_a_paper_deleted_while_it_is_worked_on_leaves_nothing(in_process: InProcessLane) -> None:
    hold = in_process.hold("knowledge_graph")
    paper_id = await upload(in_process)
    await in_process.process(paper_id)
    await hold.reached()
    [entity, *_] = await items(in_process, f"/papers/{paper_id}/entities")
    assert (await in_process.client.delete(f"/papers/{paper_id}")).status_code == 204
    hold.release()
    await in_process.settled()
    assert error(await in_process.client.get(f"/papers/{paper_id}")) == (404, "paper_not_found")
    in_process.clock.advance(20)  # past the lease of who worked on it, and a round of the sweeper
    while not (await record(in_process, paper_id)).swept:
        in_process.clock.advance(5)
        await asyncio.sleep(0)
    assert error(await in_process.client.get(f"/graph/entities/{entity['key']}")) == (404, "entity_not_found")
    assert await items(in_process, "/search?q=cancelling") == []
    with pytest.raises(FileNotFoundError):
        await in_process.worker.files.get(paper_id)


VISIBLE = (Output.DOCUMENT, Output.REFERENCES, Output.ENTITIES, Output.RELATIONSHIPS)


async def _output(lane: InProcessLane, paper_id: str, kind: Output) -> object:
    return body(await lane.client.get(f"/papers/{paper_id}/{kind}"))
