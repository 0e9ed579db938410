"""Several papers at once: each is told whole, and nothing of one stands among the words of another."""

import httpx
import pytest

from tests.integration_tests.websocket.steps import EMPTY_INSIDE, of, opened, seqs, snapshot, statuses, types, upload
from tests.support.lane import Lane
from tests.support.sockets import Socket

pytestmark = pytest.mark.anyio


async def test_a_batch_is_told_paper_by_paper_on_one_socket(
    lane: Lane, api_client: httpx.AsyncClient, websocket_client: Socket
) -> None:
    await opened(websocket_client)
    papers = [await upload(lane), await upload(lane), await upload(lane, EMPTY_INSIDE)]
    ends = dict(zip(papers, ["completed", "completed", "failed"], strict=True))
    answer = (await api_client.post("/papers/batch/process", json={"paper_ids": [*papers, "unknown"]})).json()
    assert [paper["paper_id"] for paper in answer["accepted"]] == papers
    assert [(no["paper_id"], no["code"]) for no in answer["rejected"]] == [("unknown", "paper_not_found")]

    await lane.fence(websocket_client)
    messages = websocket_client.transcript.messages
    for paper_id, end in ends.items():
        events = of(paper_id, messages)
        assert seqs(events) == list(range(1, (await snapshot(lane, paper_id))["seq"] + 1))
        assert statuses(events)[:3] == ["uploaded", "queued", "processing"]
        assert statuses(events)[-1] == end
    assert "error" not in types(messages)
