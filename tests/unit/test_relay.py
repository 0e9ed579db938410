"""G1: what is stored is published, what is published was stored, and everything once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from app.adapters.event_log.redis import LAST_SEQ, STREAM
from app.domain.errors import UnavailableError
from app.services.relay import BATCH, Relay
from app.services.wake import Wake
from tests.support.bench import Bench
from tests.support.clock import ManualClock
from tests.support.deadlines import until

pytestmark = pytest.mark.anyio


async def test_the_relay_moves_every_stored_event_to_the_log_in_order(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    assert await bench.logged() == [], "an event was published before the relay ran"
    await bench.services.relay.relay()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)]
    assert (await bench.store.counts()).waiting == 0, "a relayed event still waits in the outbox"


@pytest.mark.slow
async def test_one_call_empties_an_outbox_of_more_than_a_batch(bench: Bench) -> None:
    papers = [await bench.submit() for _ in range(BATCH + 1)]
    await bench.services.relay.relay()
    assert sorted(await bench.logged()) == sorted((paper, 1) for paper in papers)
    assert (await bench.store.counts()).waiting == 0, "what did not fit in the first batch waits for the next look"


async def test_a_relay_that_died_between_append_and_mark_repeats_nothing(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    for event in await bench.store.outbox(10):
        await bench.log.append(event)
    await bench.services.relay.relay()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)]


async def test_two_relays_at_once_publish_everything_once(bench: Bench) -> None:
    papers = [await bench.submit_and_queue() for _ in range(5)]
    other = bench.another_side("second")
    await asyncio.gather(bench.services.relay.relay(), other.services.relay.relay())
    logged = await bench.logged()
    assert sorted(logged) == sorted((paper, seq) for paper in papers for seq in (1, 2))
    for paper in papers:
        assert [seq for logged_paper, seq in logged if logged_paper == paper] == [1, 2], "out of order"


async def test_events_that_the_log_lost_are_appended_before_newer_ones(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.services.relay.relay()
    redis = bench.side.redis
    await redis.delete(STREAM, LAST_SEQ + paper_id)
    await bench.services.papers.process(paper_id)
    await bench.services.relay.relay()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)], "the log has a gap"


async def test_a_restarted_log_is_offered_its_newest_entries_again(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.relay.relay()
    redis = bench.side.redis
    newest: Any = await redis.xrevrange(STREAM, count=1)
    await redis.xdel(STREAM, newest[0][0])
    await redis.set(LAST_SEQ + paper_id, 1)
    bench.backing.redis.restart()
    await bench.services.relay.sweep()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)], "what the restart lost stays lost"


async def test_a_long_outage_does_not_shorten_what_is_offered_again(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    await bench.services.relay.relay()
    bench.clock.advance(3600)
    await bench.side.redis.delete(STREAM, LAST_SEQ + paper_id)
    fresh = bench.another_side("started after the outage")
    await fresh.services.relay.sweep()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)]


async def test_what_was_offered_again_is_offered_once_more_when_it_is_lost_once_more(bench: Bench) -> None:
    paper_id = await bench.submit()
    relay = bench.services.relay
    await relay.sweep()
    await lose(bench, paper_id)
    bench.clock.advance(11)
    await relay.sweep()
    other = await bench.submit()
    await relay.relay()
    await lose(bench, paper_id)
    await relay.sweep()
    assert sorted(await bench.logged()) == sorted([(paper_id, 1), (other, 1)])


async def test_a_relay_that_is_busy_all_the_time_still_sees_that_the_log_restarted(bench: Bench) -> None:
    async with running(bench.services.relay):
        paper_id = await bench.submit()
        await until_nothing_waits(bench)
        await lose(bench, paper_id)
        for _ in range(4):
            await bench.submit()
            await until_nothing_waits(bench)
            bench.clock.advance(0.4)
        assert (paper_id, 1) in await bench.logged(), "the log restarted 1.6 s ago, and what it lost stays lost"


async def test_after_an_outage_nothing_is_marked_before_what_was_lost_is_offered_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """The newest mark tells how far back to look: one set too early would hide what was lost before."""
    clock = ManualClock()
    wake = Wake(clock)

    async def failed() -> bool:
        return "relay: " in caplog.text

    async with running(Relay(bench.store, bench.log, clock, wake)):
        early = await bench.submit()
        await until_nothing_waits(bench, wake)
        clock.advance(9.8)
        await bench.submit()
        await until_nothing_waits(bench, wake)
        bench.backing.redis.connected = False
        await bench.submit()
        wake.set()
        await until(failed, "a relay that finds the log away")
        bench.backing.redis.connected = True
        await lose(bench, early)
        clock.advance(0.5)  # it tries again, half a second after it last looked for a restart
        await until_nothing_waits(bench, wake)
        assert (early, 1) in await bench.logged(), "10.3 s before the newest mark, 9.8 s before the log went"


async def test_what_a_restart_lost_of_long_ago_is_appended_before_what_it_lost_of_now(bench: Bench) -> None:
    paper_id = await bench.submit()
    await bench.services.relay.sweep()
    bench.clock.advance(60)
    await bench.services.papers.process(paper_id)
    await bench.services.relay.relay()
    await lose(bench, paper_id)
    await bench.services.relay.sweep()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)], "the log has a gap"


async def test_what_was_relayed_nine_seconds_before_the_last_is_offered_again(bench: Bench) -> None:
    early = await bench.submit()
    await bench.services.relay.sweep()
    bench.clock.advance(9)
    await bench.submit()
    await bench.services.relay.relay()
    await lose(bench, early)
    await bench.services.relay.sweep()
    assert (early, 1) in await bench.logged(), "an entry that the log may not have had on its disk yet stays lost"


async def test_what_could_not_be_offered_again_is_offered_at_the_next_look(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log went away once more while it was offered what it had lost."""
    paper_id = await bench.submit()
    await bench.services.relay.sweep()
    await lose(bench, paper_id)

    async def away(event: object) -> None:
        raise UnavailableError("The log is away.")

    with monkeypatch.context() as patched:
        patched.setattr(bench.log, "append", away)
        with pytest.raises(UnavailableError):
            await bench.services.relay.sweep()
    await bench.services.relay.sweep()
    assert await bench.logged() == [(paper_id, 1)], "what the restart lost stays lost: it counts as looked for"


async def test_nothing_is_offered_again_to_a_log_that_stayed_up(bench: Bench) -> None:
    """Each second the events of the last ten would go over the wire for nothing."""
    paper_id = await bench.submit()
    await bench.services.relay.sweep()
    await bench.services.relay.sweep()
    redis = bench.side.redis
    await redis.delete(STREAM, LAST_SEQ + paper_id)
    await bench.services.relay.sweep()
    assert await bench.logged() == []


async def test_events_wait_in_the_outbox_while_the_log_is_away(bench: Bench) -> None:
    paper_id = await bench.submit()
    bench.backing.redis.connected = False
    with pytest.raises(UnavailableError, match="PAPERS_REDIS_URL"):
        await bench.services.relay.relay()
    assert (await bench.store.counts()).waiting == 1
    bench.backing.redis.connected = True
    await bench.services.relay.relay()
    assert await bench.logged() == [(paper_id, 1)]


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(relay.run)
        yield
        tasks.cancel_scope.cancel()


async def until_nothing_waits(bench: Bench, wake: Wake | None = None) -> None:
    """Wakes the relay where it is not the bench's own, which whoever writes wakes."""
    if wake is not None:
        wake.set()

    async def nothing_waits() -> bool:
        return (await bench.store.counts()).waiting == 0

    await until(nothing_waits, "an empty outbox")


async def lose(bench: Bench, paper_id: str) -> None:
    """The log starts again without what it had of the paper."""
    redis = bench.side.redis
    rows: Any = await redis.xrange(STREAM)
    gone = [entry for entry, fields in rows if paper_id.encode() in fields.get(b"event", b"")]
    await redis.xdel(STREAM, *gone)
    await redis.delete(LAST_SEQ + paper_id)
    bench.backing.redis.restart()
