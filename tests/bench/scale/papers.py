"""Papers that nobody watches: what they add to an event of the one that is watched, to the list, to a start, and at rest."""

from functools import partial
from pathlib import Path

import httpx

from tests.bench.meter import at_rest, cost, deliver, read_all
from tests.bench.report import Report, Step
from tests.bench.scale.growth import Growth
from tests.bench.stand import SERVICE, Events, Readers, cpu, running, valkey

SIZES = (10, 100, 1000)
STEPS = 2 * len(SIZES)
WATCHING = 100
EVENTS, UNHEARD, LISTS = 2000, 3000, 100
"""In a round."""
UPLOADED = 1
"""The events that a paper has which was only uploaded."""


async def run(folder: Path, step: Step) -> Report:
    growth = Growth("papers", "papers nobody watches")
    watched, others = "", list[str]()
    with valkey(folder) as redis_url:
        for size in SIZES:
            step(f"{size:,} papers")
            async with running(SERVICE, folder, redis_url) as server, _client(server.address) as client:
                watched = watched or await _upload(client, "watched")
                others += [await _upload(client, f"paper {number}") for number in range(len(others), size)]
            step(f"a start with {size:,}, and what happens to the watched one")
            async with running(SERVICE, folder, redis_url) as server, _client(server.address) as client:
                (await client.get("/health/ready")).raise_for_status()
                start = cpu(server)
                rest = await at_rest(server, 5)
                # Each server begins anew with what the store says of the paper: the log's events of before are behind it.
                own, foreign = Events((watched,), UPLOADED), Events(tuple(others), UPLOADED)
                async with Readers(f"{server.url}/{watched}", WATCHING) as readers:
                    heard = await cost(server, rest, partial(deliver, server, own, EVENTS, readers, 10))
                    unheard = await cost(server, rest, partial(read_all, server, client, foreign, UNHEARD))
                    lists = await cost(server, rest, partial(_list, client))
            growth.note(
                size,
                cpu_us_an_event_of_the_watched=heard / EVENTS * 1e6,
                cpu_us_an_event_of_the_others=unheard / UNHEARD * 1e6,
                cpu_ms_a_list=lists / LISTS * 1e3,
                cpu_ms_a_start=start * 1e3,
                cpu_ms_a_second_at_rest=rest * 1e3,
            )
    return growth.report(
        "cpu_us_an_event_of_the_watched", "cpu_us_an_event_of_the_others", "cpu_ms_a_list", "cpu_ms_a_start"
    )


def _client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, timeout=60)


async def _upload(client: httpx.AsyncClient, text: str) -> str:
    answer = await client.post("/papers/", files={"file": ("a.txt", f"We train BERT on SQuAD: {text}.\n".encode())})
    paper_id: str = answer.raise_for_status().json()["id"]
    return paper_id


async def _list(client: httpx.AsyncClient) -> None:
    for _ in range(LISTS):
        (await client.get("/papers/")).raise_for_status()
