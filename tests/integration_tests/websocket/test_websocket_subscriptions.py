"""`subscribe` and `unsubscribe`: which papers `/ws` tells of. Events are made by deletions: they cost no run."""

import pytest

from app.domain import decisions
from conftest import Connect
from tests.integration_tests.websocket.steps import (
    delete,
    missed,
    of,
    opened,
    seqs,
    snapshot,
    store_unnoticed,
    types,
    upload,
)
from tests.support.in_process import InProcessLane
from tests.support.lane import Lane
from tests.support.sockets import Socket
from tests.support.transcript import Message

pytestmark = pytest.mark.anyio


async def ask(socket: Socket, action: str, *paper_ids: str) -> Message:
    """The answer to `subscribe` or `unsubscribe`."""
    await socket.send_json({"action": action, "paper_ids": paper_ids})
    while (message := await socket.receive_json())["event_type"] not in {f"{action}d", "error"}:
        pass
    return message


async def refused(socket: Socket, action: str, *paper_ids: str) -> str:
    """The code of the error it has to answer."""
    answer = await ask(socket, action, *paper_ids)
    assert answer["event_type"] == "error", answer
    assert answer["data"]["detail"] == answer["message"]
    code: str = answer["data"]["code"]
    return code


async def told(lane: Lane, socket: Socket, *paper_ids: str) -> list[bool]:
    """Whether the socket is told of each of these papers, which are deleted to see it."""
    await lane.fence(socket)
    for paper_id in paper_ids:
        await delete(lane, paper_id)
    messages = await lane.fence(socket)
    return [bool(of(paper_id, messages)) for paper_id in paper_ids]


@pytest.mark.smoke
async def test_subscribing_narrows_ws_to_the_papers_named(lane: Lane, websocket_client: Socket) -> None:
    mine, other = await upload(lane), await upload(lane)
    answer = await ask(websocket_client, "subscribe", mine)
    assert answer["event_type"] == "subscribed"
    assert answer["id"] is None
    assert answer["data"].keys() == {"position", "paper_ids", "snapshots"}
    assert answer["data"]["paper_ids"] == [mine]
    assert answer["data"]["snapshots"] == [await snapshot(lane, mine)]
    assert await told(lane, websocket_client, mine, other) == [True, False]


async def test_the_positions_of_both_answers_are_ones_to_come_back_from(lane: Lane, websocket_client: Socket) -> None:
    paper_id = await upload(lane)
    await lane.settled()
    answers = [await ask(websocket_client, action, paper_id) for action in ("subscribe", "unsubscribe")]
    await delete(lane, paper_id)
    for answer in answers:
        _, told_again = await missed(lane, "/ws", answer["data"]["position"])
        assert seqs(of(paper_id, told_again)) == [2], answer["event_type"]


async def test_a_second_subscription_adds_to_the_first(lane: Lane, websocket_client: Socket) -> None:
    first, second, other = [await upload(lane) for _ in range(3)]
    await ask(websocket_client, "subscribe", first)
    answer = await ask(websocket_client, "subscribe", second, second)
    assert answer["data"]["paper_ids"] == sorted([first, second])
    assert answer["data"]["snapshots"] == [await snapshot(lane, second)], "snapshots are of the papers just added"
    assert await told(lane, websocket_client, first, second, other) == [True, True, False]


async def test_unsubscribing_takes_papers_away_and_the_socket_stays_narrowed_if_to_nothing(
    lane: Lane, websocket_client: Socket
) -> None:
    first, second, other = [await upload(lane) for _ in range(3)]
    await ask(websocket_client, "subscribe", first, second)
    answer = await ask(websocket_client, "unsubscribe", first, other)
    assert answer["event_type"] == "unsubscribed"
    assert answer["data"].keys() == {"position", "paper_ids"}
    assert answer["data"]["paper_ids"] == [second]
    assert await told(lane, websocket_client, first, second) == [False, True]
    assert (await ask(websocket_client, "unsubscribe", second))["data"]["paper_ids"] == []
    assert await told(lane, websocket_client, other) == [False]


async def test_who_subscribes_again_is_told_again(lane: Lane, websocket_client: Socket) -> None:
    paper_id = await upload(lane)
    await ask(websocket_client, "subscribe", paper_id)
    await ask(websocket_client, "unsubscribe", paper_id)
    await ask(websocket_client, "subscribe", paper_id)
    assert await told(lane, websocket_client, paper_id) == [True]


async def test_subscribing_to_an_unknown_paper_is_an_error_and_the_socket_follows_everything_as_before(
    lane: Lane, websocket_client: Socket
) -> None:
    mine, other = await upload(lane), await upload(lane)
    assert await refused(websocket_client, "subscribe", mine, "unknown") == "paper_not_found"
    assert await told(lane, websocket_client, mine, other) == [True, True]


async def test_subscribing_to_a_deleted_paper_is_an_error_and_the_socket_stays_as_narrow_as_before(
    lane: Lane, websocket_client: Socket
) -> None:
    mine, other, deleted = [await upload(lane) for _ in range(3)]
    await delete(lane, deleted)
    await ask(websocket_client, "subscribe", mine)
    assert await refused(websocket_client, "subscribe", other, deleted) == "paper_not_found"
    assert await told(lane, websocket_client, mine, other) == [True, False]


@pytest.mark.parametrize("action", ["subscribe", "unsubscribe"])
async def test_the_socket_of_a_paper_cannot_be_narrowed(
    lane: Lane, paper_websocket_client: Socket, test_paper_id: str, action: str
) -> None:
    await opened(paper_websocket_client)
    assert await refused(paper_websocket_client, action, test_paper_id) == "not_allowed_here"
    assert await lane.fence(paper_websocket_client) == []


async def test_unsubscribing_before_any_subscription_is_an_error_and_changes_nothing(
    lane: Lane, websocket_client: Socket
) -> None:
    paper_id = await upload(lane)
    assert await refused(websocket_client, "unsubscribe", paper_id) == "not_allowed_here"
    assert await told(lane, websocket_client, paper_id) == [True]


@pytest.mark.in_process
async def test_a_narrowed_socket_is_still_told_how_the_system_is(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    await ask(websocket_client, "subscribe", await upload(in_process))
    await in_process.fence(websocket_client)
    in_process.clock.advance(2)
    assert types([await websocket_client.receive_json(), await websocket_client.receive_json()]) == [
        "system_status",
        "system_metrics",
    ]


@pytest.mark.in_process
async def test_no_event_is_lost_or_repeated_when_a_socket_narrows_in_the_midst_of_a_run(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    hold = in_process.hold("entities")
    other, paper_id = await upload(in_process), await upload(in_process)
    await opened(websocket_client)
    await in_process.process(paper_id)
    await hold.reached()
    answer = await ask(websocket_client, "subscribe", paper_id)
    seen = answer["data"]["snapshots"][0]["seq"]
    hold.release()
    answer = await ask(websocket_client, "subscribe", other)  # while the run goes on
    await in_process.settled()
    await in_process.fence(websocket_client)
    messages = websocket_client.transcript.messages
    subscribed = types(messages).index("subscribed")
    after = of(paper_id, messages[subscribed:])
    last = (await snapshot(in_process, paper_id))["seq"]
    assert seqs(after) == list(range(seen + 1, last + 1)), websocket_client.transcript.table()


@pytest.mark.in_process
async def test_events_that_the_snapshot_of_a_subscription_holds_do_not_follow_it(
    in_process: InProcessLane, websocket_client: Socket
) -> None:
    """The store is ahead of the log: the relay has not moved the events yet."""
    paper_id = await upload(in_process)
    await in_process.fence(websocket_client)
    await store_unnoticed(in_process, paper_id, decisions.queue, decisions.cancel)
    answer = await ask(websocket_client, "subscribe", paper_id)
    assert answer["data"]["snapshots"][0]["seq"] == 3
    in_process.clock.advance(1)
    assert of(paper_id, await in_process.fence(websocket_client)) == []


async def test_a_subscription_ends_with_its_socket(lane: Lane, connect: Connect) -> None:
    mine, other = await upload(lane), await upload(lane)
    async with connect("/ws") as socket:
        await ask(socket, "subscribe", mine)
    async with connect("/ws") as socket:
        assert await told(lane, socket, other) == [True]
