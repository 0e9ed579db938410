import httpx
import pytest

from tests.integration_tests.websocket.conftest import WebSocketMessageQueue
from tests.support.sockets import Socket

pytestmark = pytest.mark.anyio


async def test_a_paper_is_worked_through_while_we_watch(
    api_client: httpx.AsyncClient, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    queue = WebSocketMessageQueue(paper_websocket_client)
    await queue.start_listening()

    answer = await api_client.post(f"/papers/{test_paper_id}/process")
    assert answer.json()["status"] == "queued"

    found = await queue.wait_for("entity_extraction")
    assert found["data"]["types"]["method"] > 0
    end = await queue.wait_for("paper_status", where={"status": "completed"})
    assert end["data"]["progress"] == 100

    await queue.stop_listening()
    assert queue.get_messages_by_type("relationship_extraction")
