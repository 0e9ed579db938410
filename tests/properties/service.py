"""The service behind the commands: the world of the schedules in calm weather, and how to wait until it agrees with the model."""

import asyncio

from fakeredis import FakeRedis

from app.adapters.event_log.redis import STREAM
from app.domain.errors import PaperProcessingError
from app.domain.lifecycle import RUNNING
from app.domain.paper import PaperRecord
from app.domain.position import decode_position
from tests.properties.model import PaperModel
from tests.schedules.client import Client
from tests.schedules.world import World
from tests.support.one_loop import Wire
from tests.support.transcript import Message

PATIENCE = 60.0
"""Seconds of the loop, in which leases end and hints are sent again."""


class CalmWorld(World):
    """No call takes long, and a worker takes any number of runs: what a command leads to is certain."""

    most_workers = 1
    runs_at_once = 20

    def wire(self, name: str) -> Wire:
        return Wire(self.chance, 0.0005)

    async def new_client(self, name: str, paper_id: str | None) -> Client:
        return Client(self, name, paper_id)

    def last_refusal(self) -> str | None:
        """The code with which the last request was refused; None if it was accepted."""
        _, _, answer = self.answers[-1]
        return answer.code if isinstance(answer, PaperProcessingError) else None

    def lose_worker(self) -> None:
        """The worker dies, and another starts."""
        self.kill(self.workers[-1])
        self.start_worker()

    def trim(self, keep: int) -> None:
        """The log loses its oldest entries."""
        FakeRedis(server=self.redis).xtrim(STREAM, maxlen=keep, approximate=False)
        self.trimmed = True

    async def holds(self, position: str) -> bool:
        return await self.auditor.log.holds(decode_position(position).entry)

    async def agrees(self, papers: dict[str, PaperModel]) -> str:
        """Waits until the store is as the model says and the hub has read all of it; answers the log's end."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            differences = [await self._difference(paper_id, model) for paper_id, model in papers.items()]
            counts = await self.auditor.store.counts()
            tail = await self.auditor.log.tail()
            if not any(differences) and counts.waiting == 0 and self.realtime.hub.position == tail:
                return tail
            if asyncio.get_running_loop().time() > deadline:
                words = "\n".join(filter(None, differences)) or f"{counts}, the hub is at {self.realtime.hub.position}"
                raise AssertionError(f"the service does not come to what the model says:\n{words}")
            await asyncio.sleep(0.05)

    async def _difference(self, paper_id: str, model: PaperModel) -> str | None:
        record = await self.auditor.store.get(paper_id)
        if record is None:
            return f"{paper_id} is not in the store"
        claims = model.claims if _is_running(record) else 0
        found, expected = _facts(record), (model.status, model.run, model.seq, model.deleted, claims)
        return None if found == expected else f"{paper_id} is {found}, the model says {expected}"


def _facts(record: PaperRecord) -> tuple[str, int, int, bool, int]:
    claims = record.attempts if _is_running(record) else 0
    return record.paper.status, record.paper.run, record.paper.seq, record.deleted_at is not None, claims


def _is_running(record: PaperRecord) -> bool:
    return record.paper.status in RUNNING and record.deleted_at is None


def resyncs(client: Client) -> list[Message]:
    """Of all its connections."""
    heard = (message for transcript in client.transcripts for message in transcript.messages)
    return [message for message in heard if message["event_type"] == "resync"]
