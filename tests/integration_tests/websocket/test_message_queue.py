"""`WebSocketMessageQueue`, which tests are written with: what it promises, also to tests written for a live server."""

import asyncio

import pytest

from tests.integration_tests.websocket.conftest import WebSocketMessageQueue
from tests.integration_tests.websocket.steps import delete, opened, types, upload
from tests.support.lane import Lane
from tests.support.sockets import Socket

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_test_written_to_sleep_and_look_passes_as_it_is(
    lane: Lane, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    queue = WebSocketMessageQueue(paper_websocket_client)
    await queue.start_listening()
    response = await lane.client.post(f"/papers/{test_paper_id}/process")
    assert response.status_code == 200
    await asyncio.sleep(2)
    await queue.stop_listening()
    assert queue.messages[0]["event_type"] == "connection"
    assert [m["data"]["status"] for m in queue.get_messages_by_type("paper_status")][-1] == "completed"
    assert len(queue.get_messages_by_type("entity_extraction")) == 1


async def test_it_collects_in_order_and_finds_by_type(lane: Lane, websocket_client: Socket) -> None:
    queue = WebSocketMessageQueue(websocket_client)
    assert queue.messages == []
    await queue.start_listening()
    await queue.wait_for("system_metrics")
    assert types(queue.messages[:3]) == ["connection", "system_status", "system_metrics"]
    assert queue.get_messages_by_type("connection") == queue.messages[:1]
    assert queue.get_messages_by_type("no_such_type") == []
    await queue.stop_listening()


async def test_it_waits_for_an_event_by_type_fields_predicate_and_count(lane: Lane, websocket_client: Socket) -> None:
    queue = WebSocketMessageQueue(websocket_client)
    await queue.start_listening()
    first, second = await upload(lane), await upload(lane)
    event = await queue.wait_for("paper_status", where={"paper_id": second})
    assert event["data"]["paper_id"] == second
    event = await queue.wait_for("paper_status", where=lambda message: message["data"]["paper_id"] == first)
    assert event["data"]["paper_id"] == first, "what has come already counts too"
    mine = {first, second}
    event = await queue.wait_for("paper_status", where=lambda message: message["data"]["paper_id"] in mine, count=2)
    assert event["data"]["paper_id"] == second
    await queue.stop_listening()


async def test_what_does_not_come_in_time_fails_with_the_transcript(websocket_client: Socket) -> None:
    queue = WebSocketMessageQueue(websocket_client)
    await queue.start_listening()
    await queue.wait_for("connection")
    with pytest.raises(TimeoutError) as failure:
        await queue.wait_for("paper_deleted", where={"paper_id": "x"}, timeout=0.01)
    assert "no paper_deleted (1×, {'paper_id': 'x'}) within 0.01 s" in str(failure.value)
    assert "transcript of /ws" in str(failure.value)
    await queue.stop_listening()


async def test_after_it_stopped_nothing_more_is_collected_and_nothing_is_lost_to_others(
    lane: Lane, websocket_client: Socket
) -> None:
    queue = WebSocketMessageQueue(websocket_client)
    await queue.start_listening()
    await queue.start_listening()  # twice does no harm
    await queue.wait_for("system_metrics")
    await queue.stop_listening()
    await queue.stop_listening()
    collected = list(queue.messages)
    paper_id = await upload(lane)
    await websocket_client.receive_until("paper_status", paper_id=paper_id)
    assert queue.messages == collected
    await queue.start_listening()
    await delete(lane, paper_id)
    await queue.wait_for("paper_deleted", where={"paper_id": paper_id})
    await queue.stop_listening()


async def test_it_ends_by_itself_when_the_service_closes_the_socket(
    lane: Lane, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    queue = WebSocketMessageQueue(paper_websocket_client)
    await queue.start_listening()
    await delete(lane, test_paper_id)
    await queue.wait_for("paper_deleted")
    assert await paper_websocket_client.receive_close() == 4410
    await queue.stop_listening()


async def test_two_queues_on_two_sockets_collect_each_its_own(
    lane: Lane, websocket_client: Socket, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    everything, paper = WebSocketMessageQueue(websocket_client), WebSocketMessageQueue(paper_websocket_client)
    await everything.start_listening()
    await paper.start_listening()
    other = await upload(lane)
    await everything.wait_for("paper_status", where={"paper_id": other})
    await lane.settled()
    await paper.stop_listening()
    await everything.stop_listening()
    assert [m for m in paper.messages if m["data"].get("paper_id") == other] == []


async def test_a_queue_can_be_given_a_socket_that_was_read_from_before(
    lane: Lane, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    await opened(paper_websocket_client)
    queue = WebSocketMessageQueue(paper_websocket_client)
    await queue.start_listening()
    await delete(lane, test_paper_id)
    await queue.wait_for("paper_deleted")
    assert types(queue.messages) == ["paper_deleted"]
    await queue.stop_listening()
