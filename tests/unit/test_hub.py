"""The hub by itself: what it hands to whom, and what it says when the log has lost its position."""

from collections.abc import Set as AbstractSet
from itertools import pairwise

import anyio
import pytest
from anyio.lowlevel import checkpoint

from app.domain.errors import UnavailableError
from app.domain.position import entry_order
from app.ports import LogEntry
from app.realtime.frames import Frames
from app.realtime.hub import BATCH, PART_BYTES, PART_FRAMES, Hub
from app.realtime.news import News
from tests.support.builders import SAMPLE
from tests.support.log_by_hand import LogByHand, entry, hub_over

pytestmark = pytest.mark.anyio


class Watcher:
    """A consumer that notes what it is told, and where the hub stood then."""

    def __init__(self, hub: Hub, papers: AbstractSet[str] | None, entry: str | None = None) -> None:
        self.papers = papers
        self.told: list[str] = []
        self.news: list[News] = []
        self.system: list[Frames] = []
        self._hub = hub
        hub.open(self)
        hub.join(self, entry or hub.position)

    def deliver(self, news: News) -> None:
        last = news.events[-1].order
        assert entry_order(self._hub.position) >= last, "handed out before the position moves: a pong would lie"
        self.told += [event.paper_id for event in news.events]
        self.news.append(news)

    def deliver_system(self, frames: Frames) -> None:
        self.told.append("system")
        self.system.append(frames)

    def lose_log(self) -> None:
        self.told.append(f"lost at {self._hub.position}")

    def go_away(self) -> None:
        self.told.append("go away")


async def test_it_hands_each_event_to_those_who_follow_it() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    everything, only_a, neither = Watcher(hub, None), Watcher(hub, {"a"}), Watcher(hub, set())
    log.entries += [entry(2, "a"), entry(3, "b")]
    await hub._read()
    assert (everything.told, only_a.told, neither.told) == (["a", "b"], ["a"], [])
    assert hub.position == "3-0"


async def test_those_who_follow_the_same_are_handed_the_very_same_frames() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    first, second = Watcher(hub, None), Watcher(hub, None)
    of_a, of_a_and_c, of_both = Watcher(hub, {"a"}), Watcher(hub, {"a", "c"}), Watcher(hub, {"a", "b"})
    log.entries += [entry(2, "a"), entry(3, "b"), entry(4, "a", 2)]
    await hub._read()
    assert first.news[0].frames is second.news[0].frames
    assert of_a.news[0].frames is of_a_and_c.news[0].frames
    assert (of_a.told, of_both.told) == (["a", "a"], ["a", "b", "a"])


async def test_a_long_reading_is_handed_out_in_parts_and_the_writers_have_their_turn_in_between() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    watcher = Watcher(hub, None)
    log.entries += [entry(seq + 1, "a", seq) for seq in range(1, 2 * PART_FRAMES + 1)]
    seen: list[int] = []

    async def look() -> None:
        while len(watcher.told) < 2 * PART_FRAMES:
            seen.append(len(watcher.told))
            assert hub.position == f"{len(watcher.told) + 1}-0"
            await checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        tasks.start_soon(hub._read)
    seen.append(len(watcher.told))
    assert max(after - before for before, after in pairwise(seen)) <= PART_FRAMES
    assert watcher.told == ["a"] * 2 * PART_FRAMES


async def test_one_reading_takes_no_more_than_its_batch() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    await hub._read()
    assert log.most_asked == BATCH


async def test_an_entry_without_an_event_is_read_past() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    watcher = Watcher(hub, None)
    log.entries += [LogEntry(id="2-0", event=None), entry(3, "a")]
    await hub._read()
    assert (watcher.told, hub.position) == (["a"], "3-0")


async def test_a_part_is_bounded_in_bytes_too() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    watcher = Watcher(hub, None)
    for seq in range(1, 7):
        short = entry(seq + 1, "a", seq)
        assert short.event is not None
        log.entries.append(
            LogEntry(id=short.id, event=short.event.model_copy(update={"message": "x" * (PART_BYTES // 2)}))
        )
    await hub._read()
    assert [len(news.events) for news in watcher.news] == [2, 2, 2]


async def test_who_left_gets_nothing_more_of_the_log_but_counts_until_it_closes() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    watcher = Watcher(hub, {"a"})
    hub.leave(watcher)
    log.entries.append(entry(2, "a"))
    await hub._read()
    assert (watcher.told, hub.connections) == ([], 1)
    hub.close(watcher)
    assert hub.connections == 0


async def test_who_leaves_takes_nobody_along() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    leaves, stays, of_both = Watcher(hub, {"a"}), Watcher(hub, {"a"}), Watcher(hub, {"a", "b"})
    hub.leave(leaves)
    hub.leave(of_both)
    log.entries += [entry(2, "a"), entry(3, "b")]
    await hub._read()
    assert (leaves.told, stays.told, of_both.told) == ([], ["a"], [])


async def test_a_sample_of_the_system_is_framed_once_and_handed_to_all() -> None:
    hub = hub_over(LogByHand())
    await hub.start()
    watchers = [Watcher(hub, None), Watcher(hub, {"a"})]
    hub.tell_system(SAMPLE)
    for watcher in watchers:
        assert watcher.told == ["system"], "two pieces are two writes for each socket"
        assert watcher.system[0].texts == (SAMPLE.status.model_dump_json(), SAMPLE.metrics.model_dump_json())
    assert watchers[0].system[0] is watchers[1].system[0]
    assert hub.sample is SAMPLE


async def test_a_lost_position_is_told_before_it_moves_so_that_no_pong_names_a_later_one() -> None:
    log = LogByHand(entry(2, "a"))
    hub = hub_over(log)
    await hub.start()
    watchers = Watcher(hub, None), Watcher(hub, {"a"})
    log.entries = [LogEntry(id="1-0", event=None), entry(5, "a")]
    await hub._read()
    assert [watcher.told for watcher in watchers] == [["lost at 2-0"], ["lost at 2-0"]]
    assert hub.position == "5-0"
    log.entries.append(entry(6, "a"))
    await hub._read()
    assert [watcher.told for watcher in watchers] == [["lost at 2-0"], ["lost at 2-0"]], "they are to join anew first"


async def test_who_a_replay_took_ahead_is_told_when_the_log_comes_back_without_that_place() -> None:
    """The hub's own place holds, and what the watcher was told already comes again under other ids."""
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    watchers = Watcher(hub, None, "3-0"), Watcher(hub, {"a"}, "3-0")
    log.entries += [entry(5, "a"), entry(6, "a", 2)]
    await hub._read()
    assert [watcher.told for watcher in watchers] == [["lost at 1-0"], ["lost at 1-0"]]


async def test_who_a_replay_took_ahead_goes_on_once_the_hub_is_there() -> None:
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    ahead = Watcher(hub, {"b"}, "3-0")
    for number, paper_id in ((2, "a"), (3, "a"), (4, "b"), (5, "b")):
        log.entries.append(entry(number, paper_id))
        await hub._read()
    assert ahead.told == ["b", "b"]


async def test_who_left_while_ahead_is_not_told_of_a_place_that_is_gone() -> None:
    """Its connection has ended: what the hub told it would fail, and with it the reading for everyone else."""
    log = LogByHand()
    hub = hub_over(log)
    await hub.start()
    ahead, stays = Watcher(hub, None, "3-0"), Watcher(hub, None)
    hub.close(ahead)
    log.entries.append(entry(5, "a"))
    await hub._read()
    assert (ahead.told, stays.told) == ([], ["a"])


async def test_nothing_is_kept_of_papers_that_nobody_follows_any_more() -> None:
    hub = hub_over(LogByHand())
    await hub.start()
    watchers = [Watcher(hub, {"a", "b"}), Watcher(hub, {"a"})]
    for watcher in watchers:
        hub.close(watcher)
    assert not hub._by_paper, "it grows with each paper that was ever followed, and their events are framed for nobody"


async def test_before_the_log_was_reached_there_is_no_position() -> None:
    with pytest.raises(UnavailableError):
        _ = hub_over(LogByHand()).position


async def test_all_sockets_are_sent_away_when_it_stops() -> None:
    hub = hub_over(LogByHand())
    await hub.start()
    watchers = Watcher(hub, None), Watcher(hub, {"a"})
    hub.stop()
    assert [watcher.told for watcher in watchers] == [["go away"], ["go away"]]
