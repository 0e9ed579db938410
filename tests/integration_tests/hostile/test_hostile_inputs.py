"""Thousands of inputs nobody should send. The seed of each test is its name, so that a failure can be run again.

Nothing is answered with a 500, nothing hangs, a socket lives or closes with a code of the table, and afterwards the
service works, and what nobody spoke of is as it was.
"""

import pytest

from app.realtime.protocol import Close
from tests.integration_tests.websocket.steps import opened
from tests.support.answers import a_witness, error
from tests.support.hostile import Hostile
from tests.support.lane import Lane
from tests.support.sockets import ConnectionRefused, Socket, SocketClosed

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.in_process]

REPLIES = {"pong", "subscribed", "unsubscribed", "error"}
ENDINGS = {"pong", "HTTP 403", Close.UNKNOWN_PAPER.code}
CODES = {close.code for close in Close} - {Close.INTERNAL_ERROR.code}
SHORT = b"We train BERT on SQuAD.\n"


@pytest.mark.parametrize("seed", range(100))
async def test_each_of_100_hostile_messages_is_answered_once_or_ends_its_socket(lane: Lane, seed: int) -> None:
    async with a_witness(lane), lane.connect("/ws") as other:
        paper = await lane.upload("short.txt", SHORT)
        frames = list(Hostile(seed, paper["id"]).frames(100))
        while frames:
            async with lane.connect("/ws") as socket:
                await opened(socket)
                for frame in frames:
                    await (socket.send_text(frame) if isinstance(frame, str) else socket.send_bytes(frame))
                await socket.send_json({"action": "ping"})
                answered = await count_replies(socket, len(frames) + 1)
            frames = frames[answered + 1 :]
        await lane.fence(other)
        assert not REPLIES & {m["event_type"] for m in other.transcript.messages if m["event_type"] != "pong"}


@pytest.mark.parametrize("seed", range(20))
async def test_each_of_50_hostile_addresses_is_refused_closed_or_served(lane: Lane, seed: int) -> None:
    async with a_witness(lane), lane.connect("/ws") as other:
        position = (await opened(other))["data"]["position"]
        paper = await lane.upload("short.txt", SHORT)
        hostile = Hostile(seed, paper["id"], position)
        endings = {path: await how_it_ends(lane, path) for path in hostile.addresses(50)}
        await lane.fence(other)
    assert {path: ending for path, ending in endings.items() if ending not in ENDINGS} == {}


@pytest.mark.parametrize("seed", range(30))
async def test_each_of_50_hostile_requests_gets_its_answer(lane: Lane, seed: int) -> None:
    async with a_witness(lane):
        paper = await lane.upload("short.txt", SHORT)
        for request in Hostile(seed, paper["id"]).requests(50):
            answer = await lane.client.request(
                request.method, request.target, headers=request.headers, content=request.body
            )
            assert answer.status_code < 500, f"{request}: {answer.text}"
            if answer.status_code >= 400 and request.method != "HEAD":
                error(answer)


async def count_replies(socket: Socket, sent: int) -> int:
    """How many messages were answered, each once, before all were or the socket was closed with a code of the table."""
    answered = 0
    kind = ""
    while answered < sent:
        try:
            kind = (await socket.receive_json())["event_type"]
        except SocketClosed as closed:
            ending = closed.code
            break
        assert kind in REPLIES or kind.startswith(("system_", "paper_")), kind
        answered += kind in REPLIES
    else:
        assert kind == "pong", f"the last message was a ping, the last reply is {kind}: something was answered twice"
        return answered
    assert ending in CODES, f"closed with {ending} after {answered} replies"
    return answered


async def how_it_ends(lane: Lane, path: str) -> object:
    """Connects and pings: `pong`, the close code, or the HTTP status of the refusal."""
    try:
        async with lane.connect(path) as socket:
            await opened(socket)
            await socket.send_json({"action": "ping"})
            return (await socket.receive_until("pong"))["event_type"]
    except SocketClosed as closed:
        return closed.code
    except ConnectionRefused as refused:
        return f"HTTP {refused.status}"
