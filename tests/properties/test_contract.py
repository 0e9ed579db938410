"""Random commands on several papers and sockets, against a small model of the contract.

A failure prints the commands that lead to it, the shortest that were found, and what every socket heard.
"""

from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.domain.stages import STAGES
from tests.properties.model import DISPATCH, PaperModel
from tests.properties.service import CalmWorld, resyncs
from tests.schedules.audit import audit
from tests.schedules.client import Client
from tests.support.one_loop import one_loop
from tests.support.transcript import check_transcript

pytestmark = [pytest.mark.slow, pytest.mark.in_process]

T = TypeVar("T")

PAPERS, CLIENTS = 3, 4
a_paper = st.sampled_from([0, 0, 0, 1, 1, 2, PAPERS])
a_client = st.sampled_from([0, 0, 0, 1, 2, 3])
a_place = st.sampled_from([DISPATCH, DISPATCH, DISPATCH, *(stage.name for stage in STAGES)])


class Contract(RuleBasedStateMachine):
    """Papers and sockets are named by small numbers; a number nobody has yet names one that never was."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.run: Callable[[Coroutine[Any, Any, Any]], Any] = self.open.enter_context(one_loop(0))
        self.papers: dict[str, PaperModel] = {}
        self.clients: list[Client] = []
        self.narrowed: dict[str, set[str]] = {}
        """The papers that each narrowed client asked for."""

    @initialize(seed=st.integers(0, 1))
    def start(self, seed: int) -> None:
        async def start() -> CalmWorld:
            world = CalmWorld(seed, {})
            await world.start()
            return world

        self.world: CalmWorld = self.run(start())
        for _ in range(2):
            self.upload()
        for paper in (None, 0):
            self.connect(paper)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.run(self.finish())
        finally:
            if hasattr(self, "world"):
                self.run(self.world.stop())
            self.open.close()

    # -- papers

    @precondition(lambda self: len(self.papers) < PAPERS)
    @rule()
    def upload(self) -> None:
        self.papers[self.run(self.world.upload())] = PaperModel()

    @rule(n=a_paper, times=st.integers(1, 2))
    def process(self, n: int, times: int = 1) -> None:
        paper_id, paper = self.paper(n)
        for _ in range(times):
            self.run(self.world.process(paper_id))
            assert self.world.last_refusal() == paper.process()

    @rule(n=a_paper)
    def cancel(self, n: int) -> None:
        paper_id, paper = self.paper(n)
        self.run(self.world.cancel(paper_id))
        assert self.world.last_refusal() == paper.cancel()

    @rule(n=a_paper)
    def delete(self, n: int) -> None:
        paper_id, paper = self.paper(n)
        self.run(self.world.delete(paper_id))
        assert self.world.last_refusal() == paper.delete()

    @rule(numbers=st.lists(a_paper, min_size=1, max_size=4))
    def process_batch(self, numbers: list[int]) -> None:
        expected = {paper_id: paper.process() for paper_id, paper in dict(map(self.paper, numbers)).items()}
        answer = self.run(self.world.process_batch([self.paper(n)[0] for n in numbers]))
        assert {paper.id: None for paper in answer.accepted} | {
            rejected.paper_id: rejected.code for rejected in answer.rejected
        } == expected

    # -- the service

    @precondition(lambda self: self.world.held is None)
    @rule(place=a_place)
    def hold(self, place: str) -> None:
        self.world.held = place

    @precondition(lambda self: self.world.held is not None)
    @rule()
    def release(self) -> None:
        self.world.held = None

    @rule(times=st.integers(1, 4))
    def lose_workers(self, times: int) -> None:
        """One after the other, each when it has taken up what the last one left."""
        for _ in range(times):
            self.run(on_loop(self.world.lose_worker))
            for paper in self.papers.values():
                paper.lose_worker()
            self.run(self.world.agrees(self.papers))

    @rule(keep=st.integers(1, 20))
    def trim_the_log(self, keep: int) -> None:
        self.run(on_loop(lambda: self.world.trim(keep)))

    # -- sockets

    @precondition(lambda self: len(self.clients) < CLIENTS)
    @rule(n=st.none() | a_paper)
    def connect(self, n: int | None) -> None:
        paper_id, paper = (None, None) if n is None else self.paper(n)
        client = self.run(self.world.new_client(f"client {len(self.clients)}", paper_id))
        self.clients.append(client)
        self.run(client.connect())
        expected = (
            4410 if paper and paper.deleted and paper_id in self.papers else 4404 if paper and paper.deleted else None
        )
        assert client.code == expected

    @rule(n=a_client)
    def disconnect(self, n: int) -> None:
        self.run(self.client(n).leave())

    @rule(n=a_client, meanwhile=st.none() | a_paper)
    def reconnect(self, n: int, meanwhile: int | None) -> None:
        """After a run, or its beginning, that it misses."""
        client = self.client(n)
        if client.position is not None:
            self.run(client.leave())
            if meanwhile is not None:
                self.process(meanwhile)
                self.everybody_agrees()
            self.run(self.come_back(client, client.position))

    async def come_back(self, client: Client, position: str) -> None:
        """With `?after=`: exactly what was missed, or one `resync` if that is no longer in the log."""
        self.narrowed.pop(client.name, None)
        before = len(resyncs(client))
        held = await self.world.holds(position)
        gone = client.paper_id is not None and self.papers[client.paper_id].deleted
        await client.connect()
        await client.fence(await self.world.auditor.log.tail())
        assert len(resyncs(client)) - before == (0 if held or gone else 1), client.transcript.table()

    @rule(n=a_client, numbers=st.lists(a_paper, min_size=1, max_size=3), more=st.booleans())
    def narrow(self, n: int, numbers: list[int], more: bool) -> None:
        """Subscribe or unsubscribe."""
        client = self.client(n)
        if client.is_open:
            action = "subscribe" if more else "unsubscribe"
            answer = self.run(client.ask(f"{action}d", action=action, paper_ids=[self.paper(k)[0] for k in numbers]))
            if client.paper_id is not None or (not more and client.only is None):
                expected = "not_allowed_here"
            elif more and any(self.paper(k)[1].deleted for k in numbers):
                expected = "paper_not_found"
            else:
                expected = f"{action}d"
            assert answer["data"].get("code", answer["event_type"]) == expected
            if expected == f"{action}d":
                named, narrowed = {self.paper(k)[0] for k in numbers}, self.narrowed.get(client.name, set())
                self.narrowed[client.name] = narrowed | named if more else narrowed - named
                assert set(answer["data"]["paper_ids"]) == self.narrowed[client.name]

    @rule(n=a_client)
    def ping(self, n: int) -> None:
        client = self.client(n)
        if client.is_open:
            assert self.run(client.ask("pong", action="ping"))["event_type"] == "pong"

    # -- after each

    @invariant()
    def everybody_agrees(self) -> None:
        if hasattr(self, "world"):
            for paper in self.papers.values():
                paper.work(self.world.held)
            self.run(self.look())

    async def look(self) -> None:
        tail = await self.world.agrees(self.papers)
        for client in self.clients:
            await client.fence(tail)
            if client.paper_id in self.papers and self.papers[client.paper_id].deleted and client.is_connected:
                assert client.code == 4410, f"{client.name} is not told that its paper is gone"
        try:
            await audit(self.world, self.clients, at_rest=False)
        except AssertionError:
            for client in self.clients:
                for transcript in client.transcripts:
                    note(transcript.table())
            raise

    async def finish(self) -> None:
        """All runs end; then nothing of deleted papers is left, and nobody is counted who has left."""
        self.world.held = None
        for paper in self.papers.values():
            paper.work(None)
        await self.look()
        await self.world.swept()
        await audit(self.world, self.clients)
        for client in self.clients:
            await client.leave()
            for transcript in client.transcripts:
                check_transcript(transcript)
        assert self.world.realtime.hub.connections == 0

    def client(self, n: int) -> Client:
        return self.clients[n % len(self.clients)]

    def paper(self, n: int) -> tuple[str, PaperModel]:
        """The n-th paper, or one that never was."""
        papers = list(self.papers.items())
        return papers[n] if n < len(papers) else (f"never-{n}", PaperModel(deleted=True))


async def on_loop(function: Callable[[], None]) -> None:
    function()


TestContract = Contract.TestCase
TestContract.settings = settings(
    derandomize=True,
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
