"""The seam between replay and live, step by step: a log that is ahead of the hub, and a hub that is ahead of the feed."""

import json

import anyio
import pytest

from app.ports import LogEntry
from app.realtime.feed import PAGE, BehindError, Feed
from app.realtime.frames import Frames
from app.realtime.hub import Hub
from app.realtime.news import News
from app.realtime.outbound import Limits, Outbound
from tests.support.builders import deleted, submitted
from tests.support.log_by_hand import LogByHand, as_log, entry, hub_over

pytestmark = pytest.mark.anyio


class Client:
    """A session reduced to its feed; `got` is what came out of its queue, as (paper, seq)."""

    def __init__(self, hub: Hub, log: LogByHand, paper_id: str | None = None, replay_limit: int = 10_000) -> None:
        self.queue = Outbound(Limits(frames=10_000, bytes=10_000_000, seconds=60))
        self.feed = Feed(hub, as_log(log), self.queue, paper_id, replay_limit)
        self.got: list[tuple[str, int]] = []
        hub.open(self)

    @property
    def papers(self) -> set[str] | None:
        return self.feed.papers

    def deliver(self, news: News) -> None:
        self.feed.deliver(news)

    def deliver_system(self, frames: Frames) -> None:
        raise AssertionError("nobody told the hub of the system")

    def lose_log(self) -> None:
        self.feed.pause(self)

    def go_away(self) -> None:
        raise AssertionError("nobody stopped the hub")

    async def catch_up(self, until: str | None = None) -> None:
        behind: BehindError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.queue.send_each, self._send)
            try:
                await self.feed.catch_up(self, until)
            except BehindError as error:
                behind = error
            tasks.cancel_scope.cancel()
        if behind is not None:
            raise behind

    async def sent(self) -> list[tuple[str, int]]:
        self.queue.close()
        await self.queue.send_each(self._send)
        return self.got

    async def _send(self, text: str) -> None:
        data = json.loads(text)["data"]
        self.got.append((data["paper_id"], data["seq"]))


def a_life(length: int) -> list[tuple[str, int]]:
    return [("a", seq) for seq in range(1, length + 1)]


async def a_log(length: int) -> tuple[LogByHand, Hub]:
    """Events 1, 2, … of paper `a` at 2-0, 3-0, …, and a hub that has read none of them."""
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    log.entries += [entry(seq + 1, "a", seq) for seq in range(1, length + 1)]
    return log, hub


async def test_entries_that_the_replay_read_before_the_hub_did_come_once() -> None:
    log, hub = await a_log(2)
    await hub._read()
    client = Client(hub, log)
    client.feed.stand_at("1-0")
    log.entries.append(entry(4, "a", 3))  # the hub stands before it, the page of the replay has it
    await client.catch_up()
    log.entries.append(entry(5, "a", 4))
    await hub._read()
    assert await client.sent() == a_life(4)
    assert client.feed.position().entry == "5-0"


async def test_a_feed_that_stands_at_the_hub_reads_nothing_and_joins() -> None:
    log, hub = await a_log(1)
    client = Client(hub, log)
    client.feed.stand_at(hub.position)
    await client.catch_up()
    await hub._read()
    assert await client.sent() == a_life(1)


async def test_until_an_entry_beyond_the_hub_the_replay_goes_on_without_it() -> None:
    log, hub = await a_log(3)
    client = Client(hub, log, "a")
    client.feed.stand_at("1-0")
    await client.catch_up(until=await log.tail())
    assert await client.sent() == a_life(3)


async def test_a_paused_feed_misses_nothing_and_repeats_nothing() -> None:
    log, hub = await a_log(1)
    client = Client(hub, log)
    client.feed.stand_at("1-0")
    await client.catch_up()
    await hub._read()
    client.feed.pause(client)
    log.entries.append(entry(3, "a", 2))
    await hub._read()
    assert client.feed.position().entry == "2-0", "where it stood, not where the hub went without it"
    await client.catch_up()
    assert await client.sent() == a_life(2)


@pytest.mark.slow
@pytest.mark.parametrize("length", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
async def test_pages_follow_each_other_without_a_hole(length: int) -> None:
    log = LogByHand(*(entry(seq + 1000, "a", seq) for seq in range(1, length + 1)))
    hub = hub_over(log)
    await hub.start()
    client = Client(hub, log)
    client.feed.stand_at("1-0")
    await client.catch_up()
    assert await client.sent() == a_life(length)


async def test_a_long_way_is_read_in_pages_and_is_never_in_memory_as_a_whole() -> None:
    log, hub = await a_log(2)
    client = Client(hub, log)
    client.feed.stand_at("1-0")
    await client.catch_up(until=await log.tail())
    assert log.most_asked == PAGE


@pytest.mark.parametrize(("limit", "far"), [(5, True), (6, False)])
async def test_a_way_is_too_long_by_all_its_pages_together(limit: int, far: bool) -> None:
    log, hub = await a_log(6)
    log.page = 2
    client = Client(hub, log, replay_limit=limit)
    client.feed.stand_at("1-0")
    told = None
    try:
        await client.catch_up(until=await log.tail())
    except BehindError as error:
        told = error.reason
    assert told == ("too_far_behind" if far else None)


async def test_a_log_that_was_cut_before_the_feed_is_told_and_nothing_after_the_cut_is_sent() -> None:
    log, hub = await a_log(3)
    await hub._read()
    client = Client(hub, log)
    client.feed.stand_at("1-0")
    del log.entries[:2]
    with pytest.raises(BehindError) as behind:
        await client.catch_up()
    assert behind.value.reason == "position_not_in_log"
    assert await client.sent() == []


async def test_a_log_that_lost_its_end_lets_the_feed_join_and_the_hub_tell() -> None:
    log, hub = await a_log(2)
    await hub._read()
    client = Client(hub, log)
    client.feed.stand_at("2-0")
    del log.entries[2:]
    await client.catch_up()
    await hub._read()
    assert hub.position == "2-0"
    assert client.feed.position().entry == "3-0", "the lost position, so that a resume from it is told"


class ComesBack(LogByHand):
    """Tells its lost end again, and the hub notices, between a feed's look for more and its look at where it stands."""

    hub: Hub

    async def holds(self, entry_id: str) -> bool:
        if self.entries[-1].id == "2-0":
            self.entries.append(entry(5, "a", 2))
            await self.hub._read()
        return await super().holds(entry_id)


async def test_a_feed_that_found_nothing_goes_on_with_what_a_log_that_lost_its_end_tells_again() -> None:
    """The hub has told those who had joined; who joins it now as if nothing were missing would miss that."""
    log = ComesBack(*(entry(seq + 1, "a", seq) for seq in (1, 2)))
    log.hub = hub_over(log)
    await log.hub.start()
    client = Client(log.hub, log)
    client.feed.stand_at("2-0")
    del log.entries[2:]
    await client.catch_up()
    assert client.got == [("a", 2)]
    assert client.feed.position().entry == log.hub.position == "5-0"


async def test_a_deletion_among_what_is_replayed_ends_the_queue_behind_it() -> None:
    """The paper was there when its socket opened: nothing else would end it."""
    log, hub = await a_log(2)
    event = deleted(submitted(id="a").record).events[0]
    log.entries.append(
        LogEntry(id="4-0", event=event.model_copy(update={"data": event.data.model_copy(update={"seq": 3})}))
    )
    await hub._read()
    client = Client(hub, log, paper_id="a")
    client.feed.stand_at("1-0")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.queue.send_each, client._send)
            await client.feed.catch_up(client)
    assert client.got == a_life(3)
