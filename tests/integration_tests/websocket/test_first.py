import pytest

pytestmark = pytest.mark.anyio

async def test_run(lane, test_paper_id, paper_websocket_client):
    first = await paper_websocket_client.receive_json()
    assert first["event_type"] == "connection"
    await lane.process(test_paper_id)
    await paper_websocket_client.receive_until("paper_status", status="completed")
    await lane.fence(paper_websocket_client)
    print(paper_websocket_client.transcript.table())
    print((await lane.client.get("/system/status")).json())
