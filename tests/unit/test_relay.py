"""G1: what is stored is published, what is published was stored, and everything once."""

import asyncio
from typing import Any

import pytest

from app.adapters.event_log.redis import LAST_SEQ, STREAM
from app.domain.errors import UnavailableError
from tests.support.bench import Bench

pytestmark = pytest.mark.anyio


async def test_the_relay_moves_every_stored_event_to_the_log_in_order(bench: Bench) -> None:
    paper_id = await bench.submit_and_queue()
    assert await bench.logged() == [], "an event was published before the relay ran"
    await bench.services.relay.relay()
    assert await bench.logged() == [(paper_id, 1), (paper_id, 2)]
    assert (await bench.store.counts()).waiting == 0, "a relayed event still waits in the outbox"


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


async def test_events_wait_in_the_outbox_while_the_log_is_away(bench: Bench) -> None:
    paper_id = await bench.submit()
    bench.backing.redis.connected = False
    with pytest.raises(UnavailableError, match="PAPERS_REDIS_URL"):
        await bench.services.relay.relay()
    assert (await bench.store.counts()).waiting == 1
    bench.backing.redis.connected = True
    await bench.services.relay.relay()
    assert await bench.logged() == [(paper_id, 1)]
