import pytest

from tests.support.in_process import InProcessLane
from tests.support.sockets import Socket

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]


async def test_a_run_is_cancelled_in_the_middle(
    in_process: InProcessLane, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    hold = in_process.hold("entities")
    await in_process.process(test_paper_id)
    await hold.reached()  # the worker now stands before that stage

    answer = await in_process.client.post(f"/papers/{test_paper_id}/cancel")
    assert answer.json()["status"] == "cancelled"
    hold.release()  # it goes on, and finds that the run is no longer its own

    events = await in_process.fence(paper_websocket_client)  # all that was still to come
    assert events[-1]["data"]["status"] == "cancelled"
    assert "entity_extraction" not in {event["event_type"] for event in events}
