"""`?priority=` of a run: stored with it, for one paper and for a batch."""

import pytest

from app.domain.paper import PRIORITY
from tests.support.answers import body, error
from tests.support.in_process import InProcessLane
from tests.support.store import read

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]


async def priority_of(lane: InProcessLane, paper_id: str) -> int:
    return (await read(lane.worker.store, paper_id)).priority


async def test_a_run_has_the_priority_it_is_opened_with(in_process: InProcessLane) -> None:
    in_process.hold("dispatch")
    papers = [(await in_process.upload(f"{number}.txt", b"Words."))["id"] for number in range(4)]
    await in_process.client.post(f"/papers/{papers[0]}/process")
    await in_process.client.post(f"/papers/{papers[1]}/process?priority=9")
    body(await in_process.client.post("/papers/batch/process?priority=1", json={"paper_ids": papers[2:]}))
    assert [await priority_of(in_process, paper_id) for paper_id in papers] == [PRIORITY, 9, 1, 1]


async def test_what_is_no_priority_is_refused(in_process: InProcessLane) -> None:
    paper_id = (await in_process.upload("a.txt", b"Words."))["id"]
    for priority in ("-1", "10", "high", ""):
        answer = await in_process.client.post(f"/papers/{paper_id}/process?priority={priority}")
        assert error(answer) == (422, "invalid_request"), f"priority {priority!r}"
    assert (await in_process.client.get(f"/papers/{paper_id}")).json()["status"] == "uploaded"
