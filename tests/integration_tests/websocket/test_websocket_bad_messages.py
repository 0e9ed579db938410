"""What a client may send wrong: each gets its answer, the socket lives unless it says otherwise, and nobody else notices."""

import asyncio
import json

import pytest

from app.realtime.protocol import MAX_MESSAGE_BYTES, MAX_SUBSCRIPTIONS
from conftest import Connect
from tests.integration_tests.websocket.steps import opened, ping, types
from tests.support import differences
from tests.support.differences import Transport
from tests.support.lane import Lane
from tests.support.live import LiveLane
from tests.support.once import each, once
from tests.support.sockets import ConnectionRefused, Socket
from tests.support.transcript import Message


def subscribe(paper_ids: object) -> str:
    return json.dumps({"action": "subscribe", "paper_ids": paper_ids})


BAD: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("hello", "bad_message"),
    "empty text": ("", "bad_message"),
    "half an object": ('{"action": "ping"', "bad_message"),
    "two objects": ('{"action": "ping"}{"action": "ping"}', "bad_message"),
    "a list": ('[{"action": "ping"}]', "bad_message"),
    "a number": ("7", "bad_message"),
    "null": ("null", "bad_message"),
    "a string": ('"ping"', "bad_message"),
    "nested without end": ("[" * 20_000, "bad_message"),
    "no action": ("{}", "unknown_action"),
    "an unknown action": ('{"action": "dance"}', "unknown_action"),
    "an action that is no text": ('{"action": ["ping"]}', "unknown_action"),
    "an action in capitals": ('{"action": "PING"}', "unknown_action"),
    "a field nobody knows": ('{"action": "ping", "paper": "x"}', "bad_message"),
    "no paper_ids": ('{"action": "subscribe"}', "bad_message"),
    "paper_ids that are text": (subscribe("x"), "bad_message"),
    "paper_ids that are numbers": (subscribe([1]), "bad_message"),
    "paper_ids that are null": (subscribe(None), "bad_message"),
    "no paper at all": (subscribe([]), "bad_message"),
    "too many papers": (subscribe(["x"] * (MAX_SUBSCRIPTIONS + 1)), "bad_message"),
    "half a character": ('{"action": "subscribe", "paper_ids": ["\\ud800"]}', "bad_message"),
    "a paper nobody knows": (subscribe(["\x00../*$ne"]), "paper_not_found"),
    "binary": (b"\x00\xff", "bad_message"),
    "JSON in binary": (b'{"action": "ping"}', "bad_message"),
    "no bytes": (b"", "bad_message"),
}


@pytest.fixture
async def new_answers(lane: Lane) -> dict[str, Message | str]:
    """What each bad message gets, on a socket of its own that has to live on, beside one that says nothing."""

    async def ask(name: str) -> Message:
        async with lane.connect("/ws") as socket:
            await send(socket, BAD[name][0])
            answer = await socket.receive_until("error")
            await ping(socket)
            return answer

    async with lane.connect("/ws") as witness:
        answers = await each(BAD, ask)
        await lane.fence(witness)
        answers["witness"] = "".join(kind for kind in types(witness.transcript.messages) if kind == "error")
    return answers


answers = once("new_answers")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_answered_with_an_error_and_the_socket_lives(
    answers: dict[str, Message | str], name: str
) -> None:
    answer = answers[name]
    assert isinstance(answer, dict), answer
    assert answer["id"] is None
    assert answer["data"].keys() == {"code", "detail"}
    assert (answer["data"]["code"], answer["message"]) == (BAD[name][1], answer["data"]["detail"])
    assert answer["message"].endswith("."), f"no sentence: {answer['message']!r}"
    assert len(answer["message"]) < 300, "it does not repeat what was sent"


def test_bad_messages_of_one_client_are_not_answered_to_another(answers: dict[str, Message | str]) -> None:
    assert answers["witness"] == ""


@pytest.mark.anyio
async def test_a_message_of_just_the_limit_is_obeyed(websocket_client: Socket) -> None:
    await websocket_client.send_text('{"action": "ping"}'.ljust(MAX_MESSAGE_BYTES))
    await websocket_client.receive_until("pong")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text",
    ["x" * (MAX_MESSAGE_BYTES + 1), "é" * (MAX_MESSAGE_BYTES // 2 + 1), " " * (20 << 20)],
    ids=["one byte more", "too many bytes in fewer characters", "20 MB"],
)
async def test_a_message_beyond_the_limit_closes_the_socket_with_1009_and_no_other(
    lane: Lane, connect: Connect, transport: Transport, text: str
) -> None:
    async with connect("/ws") as other, connect("/ws") as socket:
        await opened(socket)
        await socket.send_text(text)
        assert await socket.receive_close() == 1009
        assert socket.closed is not None
        assert socket.closed.reason == differences.big_message_reason(len(text.encode())).on(transport)
        await lane.fence(other)


@pytest.mark.anyio
@pytest.mark.live
async def test_a_text_frame_that_is_no_utf8_closes_the_socket_with_1007(live_lane: LiveLane) -> None:
    socket = await live_lane.open_socket("/ws")
    async with live_lane.keep(socket):
        await socket.send_as_text(b"\xff\xfe")
        assert await socket.receive_close() == differences.BAD_UTF8.on("live")


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_thousand_messages_at_once_are_answered_each_and_in_order(lane: Lane, connect: Connect) -> None:
    """Pings, and every tenth message a bad one, so that an answer out of place is seen."""
    bad = {number for number in range(1000) if number % 10 == 3}
    async with connect("/ws") as other, connect("/ws") as socket:
        await opened(socket)
        await asyncio.gather(
            *(socket.send_json({"action": "dance" if number in bad else "ping"}) for number in range(1000))
        )
        answers: list[str] = []
        while len(answers) < 1000:
            kind = (await socket.receive_json())["event_type"]
            if not kind.startswith("system_"):
                answers.append(kind)
        assert answers == ["error" if number in bad else "pong" for number in range(1000)]
        await lane.fence(other)


@pytest.mark.anyio
async def test_a_path_nobody_serves_is_no_socket(connect: Connect, transport: Transport) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        async with connect("/ws/a/b"):
            pass
    assert (refused.value.status, refused.value.body) == differences.UNKNOWN_PATH.on(transport)


async def send(socket: Socket, message: str | bytes) -> None:
    if isinstance(message, bytes):
        await socket.send_bytes(message)
    else:
        await socket.send_text(message)
