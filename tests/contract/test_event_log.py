"""What the `EventLog` promises: each event once, in order, from any number of relays; a place in it holds or it does not.

Over fakeredis, and with `make test-live` over the embedded Valkey and the Redis of `PAPERS_LIVE_REDIS_URL`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from redis.asyncio import Redis as Client

from app.adapters.event_log.redis import LAST_SEQ, RedisEventLog
from app.domain.decisions import Change
from app.domain.errors import UnavailableError
from app.domain.events import PaperEvent
from app.domain.position import entry_order
from app.ports import Appended
from tests.support.builders import cancelled, queued, submitted
from tests.support.redis import Redis, Server
from tests.support.servers import redis_database
from tests.support.valkey import embedded_valkey

pytestmark = pytest.mark.anyio

Connect = Callable[..., RedisEventLog]


def history(paper_id: str, events: int = 3) -> list[PaperEvent]:
    """The first events of a paper that is queued and cancelled again and again."""
    changes: list[Change] = [submitted(id=paper_id)]
    while len(changes) < events:
        change = queued if len(changes) % 2 else cancelled
        changes.append(change(changes[-1].record))
    return [event for change in changes for event in change.events]


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_database() as url:
        yield url


LIVE = [pytest.param(server, marks=pytest.mark.live) for server in ("valkey", "redis")]


@pytest.fixture(params=["fakeredis", *LIVE])
def real_url(request: pytest.FixtureRequest) -> str | None:
    """Of a real server; None for the fake one."""
    return None if request.param == "fakeredis" else str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def connect(real_url: str | None) -> AsyncIterator[Connect]:
    """Opens one more client of the same server."""
    clients: list[Client] = []
    server = Server()

    def open_client(retention: int = 10_000) -> RedisEventLog:
        clients.append(Redis(server) if real_url is None else Client.from_url(real_url))
        return RedisEventLog(clients[-1], retention)

    if real_url is not None:
        async with Client.from_url(real_url) as client:
            await client.delete(*await client.keys("{papers}:*"), "")
    yield open_client
    for client in clients:
        await client.aclose()


@pytest.fixture
def log(connect: Connect) -> RedisEventLog:
    return connect()


async def append(log: RedisEventLog, *events: PaperEvent) -> None:
    for event in events:
        assert await log.append(event) == Appended(accepted=True, last=event.data.seq)


async def told(log: RedisEventLog, after: str = "0-0") -> list[tuple[str, int]]:
    """Paper and `seq` of every event in the log."""
    entries = await log.read(after, 10_000)
    return [(entry.event.data.paper_id, entry.event.data.seq) for entry in entries if entry.event is not None]


# -- append


async def test_an_event_comes_out_as_it_went_in(log: RedisEventLog) -> None:
    events = history("p")
    await append(log, *events)
    genesis, *entries = await log.read("0-0", 10)
    assert genesis.event is None
    assert [entry.event for entry in entries] == events


async def test_an_event_that_is_there_is_dropped(log: RedisEventLog) -> None:
    events = history("p")
    await append(log, *events)
    for event in events:
        assert await log.append(event) == Appended(accepted=True, last=3)
    assert await told(log) == [("p", 1), ("p", 2), ("p", 3)]


async def test_an_event_after_a_gap_is_refused_with_the_last_one(log: RedisEventLog) -> None:
    first, second, third, fourth = history("p", 4)
    assert await log.append(second) == Appended(accepted=False, last=0)
    await append(log, first)
    assert await log.append(fourth) == Appended(accepted=False, last=1)
    await append(log, second, third, fourth)
    assert await told(log) == [("p", 1), ("p", 2), ("p", 3), ("p", 4)]


async def test_papers_are_counted_each_for_itself(log: RedisEventLog) -> None:
    p, q = history("p"), history("q")
    await append(log, p[0], q[0], q[1], p[1])
    assert await told(log) == [("p", 1), ("q", 1), ("q", 2), ("p", 2)]


@pytest.mark.extended  # tests/unit/test_relay.py shows two relays at once in brief
async def test_relays_that_append_the_same_events_at_once_give_each_once_and_in_order(connect: Connect) -> None:
    papers = [history(f"paper-{number}", 12) for number in range(4)]

    async def relay(log: RedisEventLog, order: int) -> None:
        for events in papers[order:] + papers[:order]:
            for event in events:
                assert (await log.append(event)).accepted
                await asyncio.sleep(0)

    await asyncio.gather(*(relay(connect(), order) for order in range(4)))
    entries = await told(connect())
    assert len(entries) == 48
    for number in range(4):
        assert [seq for paper, seq in entries if paper == f"paper-{number}"] == list(range(1, 13))


async def test_the_last_event_of_each_paper_is_told(log: RedisEventLog) -> None:
    await append(log, *history("a"), *history("b")[:1])
    assert await log.last_seqs(["b", "nobody", "a"]) == {"b": 1, "nobody": 0, "a": 3}
    assert await log.last_seqs([]) == {}


async def test_a_paper_that_was_forgotten_begins_anew(log: RedisEventLog) -> None:
    [first, *_] = history("p")
    await append(log, first)
    await log.forget("p")
    await append(log, first)
    assert await told(log) == [("p", 1), ("p", 1)]


async def test_what_was_last_of_a_paper_is_kept_without_end(log: RedisEventLog) -> None:
    await append(log, *history("p"))
    assert await log._redis.ttl(LAST_SEQ + "p") == -1, "once it is forgotten, an event that was told is told again"


# -- places


async def test_an_empty_log_begins_with_a_place_that_holds(log: RedisEventLog) -> None:
    genesis = await log.tail()
    assert await log.holds(genesis)
    assert await log.tail() == genesis, "each look begins another log"
    assert await log.read(genesis, 10) == []
    await append(log, *history("p"))
    assert await told(log, after=genesis) == [("p", 1), ("p", 2), ("p", 3)]


async def test_clients_that_begin_a_log_at_once_agree_where_it_begins(connect: Connect) -> None:
    tails = await asyncio.gather(*(connect().tail() for _ in range(5)))
    assert len(set(tails)) == 1


async def test_the_tail_is_the_newest_entry(log: RedisEventLog) -> None:
    tails = [await log.tail()]
    for event in history("p"):
        await append(log, event)
        tails.append(await log.tail())
    assert tails == sorted(set(tails), key=entry_order)
    assert [entry.id for entry in await log.read("0-0", 10)] == tails


async def test_a_place_holds_only_while_that_very_entry_is_there(log: RedisEventLog) -> None:
    await append(log, *history("p"))
    entries = await log.read("0-0", 10)
    assert all([await log.holds(entry.id) for entry in entries])
    milliseconds, number = entry_order(entries[-1].id)
    for nowhere in ("0-0", "0-1", f"{milliseconds}-{number + 1}", f"{milliseconds + 5}-0"):
        assert not await log.holds(nowhere), nowhere


async def test_entries_are_read_in_pages(log: RedisEventLog) -> None:
    await append(log, *history("p", 5))
    place, pages = "0-0", []
    while page := await log.read(place, 2):
        pages.append([entry.id for entry in page])
        place = page[-1].id
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [entry for page in pages for entry in page] == [entry.id for entry in await log.read("0-0", 10)]


# -- waiting


async def test_who_waits_is_woken_by_another_clients_append(connect: Connect) -> None:
    log, other = connect(), connect()
    place = await log.tail()
    [first, *_] = history("p")
    waiting = asyncio.create_task(log.wait(place, 10))
    for _ in range(10):
        await other.check()  # by now the server has the other client's question
    assert not waiting.done()
    async with asyncio.timeout(0.9):  # less than what a wait without any event takes
        await append(other, first)
        [entry] = await waiting
    assert entry.event == first


async def test_a_wait_answers_at_once_with_what_is_there_in_pages(log: RedisEventLog) -> None:
    place = await log.tail()
    await append(log, *history("p", 5))
    async with asyncio.timeout(0.9):
        first = await log.wait(place, 2)
        rest = await log.wait(first[-1].id, 10)
    assert [entry.event.data.seq for entry in [*first, *rest] if entry.event] == [1, 2, 3, 4, 5]


@pytest.mark.slow
async def test_a_wait_for_nothing_ends(log: RedisEventLog) -> None:
    async with asyncio.timeout(4):
        assert not await log.wait(await log.tail(), 10)


# -- how far back it reaches


async def test_nothing_was_trimmed_while_the_log_still_has_its_beginning(log: RedisEventLog) -> None:
    await log.tail()
    assert await log.oldest_at() is None
    await append(log, *history("p"))
    assert await log.oldest_at() is None


@pytest.mark.slow
async def test_a_trimmed_log_says_since_when_it_reaches_and_what_was_before_does_not_hold(connect: Connect) -> None:
    log = connect(retention=100)
    genesis = await log.tail()
    quiet = history("quiet")
    await append(log, *quiet[:2])
    await append(log, *history("busy", 250))
    assert 100 <= len(await told(log)) < 250, "the log does not keep about as many entries as it is told to"
    assert not await log.holds(genesis)
    [oldest] = await log.read("0-0", 1)
    since = await log.oldest_at()
    assert since is not None
    assert round(since.timestamp() * 1000) == entry_order(oldest.id)[0]
    # What was last of a paper outlives its entries.
    assert await log.append(quiet[1]) == Appended(accepted=True, last=2)
    assert "quiet" not in {paper for paper, _ in await told(log)}
    await append(log, quiet[2])
    assert (await told(log))[-1] == ("quiet", 3)


# -- the server


async def test_every_client_of_a_server_sees_the_same_epoch(connect: Connect) -> None:
    assert await connect().epoch() == await connect().epoch()


async def test_another_epoch_begins_when_the_server_starts_again() -> None:
    server = Server()
    client = Redis(server)
    log = RedisEventLog(client, 100)
    before = await log.epoch()
    server.restart()
    assert await log.epoch() != before
    await client.aclose()


async def test_a_server_that_refuses_when_its_memory_is_full_forgets_nothing(log: RedisEventLog) -> None:
    assert await log.eviction() == "noeviction"


async def test_a_server_that_is_away_is_told_as_such_by_every_call() -> None:
    server = Server()
    client = Redis(server)
    log = RedisEventLog(client, 100)
    server.connected = False
    [event, *_] = history("p")
    calls = [log.append(event), log.tail(), log.holds("1-1"), log.read("0-0", 1), log.wait("0-0", 1)]
    for call in (*calls, log.oldest_at(), log.forget("p"), log.epoch(), log.eviction(), log.check()):
        with pytest.raises(UnavailableError, match="PAPERS_REDIS_URL"):
            await call
    server.connected = True
    await log.check()
    await append(log, event)
    await client.aclose()
