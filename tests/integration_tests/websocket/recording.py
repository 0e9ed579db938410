"""One paper's life from upload to deletion, watched on both kinds of socket: recorded once, looked at by many tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration_tests.websocket.steps import delete, of, opened, run, snapshot
from tests.support.lane import Lane
from tests.support.transcript import Message

SEED_PAPER = Path(__file__).parents[2] / "test_papers" / "test_paper_content.txt"


@dataclass(frozen=True)
class Recording:
    """What came, and what HTTP answered at the same moments."""

    paper_id: str
    everything: list[Message]
    """The paper's events on `/ws`, from its upload on."""
    paper: list[Message]
    """All that came on `/ws/{paper_id}`, opened after the upload."""
    uploaded: dict[str, Any]
    """The snapshot after the upload."""
    accepted: dict[str, Any]
    """The answer of `POST /papers/{id}/process`."""
    completed: dict[str, Any]
    """The snapshot after the first run."""
    again: dict[str, Any]
    """The snapshot after the second run."""
    history: list[Message]
    """`GET /papers/{id}/events` after the second run."""
    entities: list[dict[str, Any]]
    relationships: list[dict[str, Any]]
    closed: tuple[int, str]
    """How the paper's socket ended."""

    def of_run(self, number: int) -> list[Message]:
        return [event for event in self.everything if event["data"]["run"] == number and not self._is_end(event)]

    def _is_end(self, event: Message) -> bool:
        return bool(event["event_type"] == "paper_deleted")


async def record(lane: Lane) -> Recording:
    """Upload, a run, a second run, deletion."""
    async with lane.connect("/ws") as everything:
        await opened(everything)
        uploaded = await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes())
        paper_id: str = uploaded["id"]
        async with lane.connect(f"/ws/{paper_id}") as paper:
            accepted = await lane.process(paper_id)
            await paper.receive_until("paper_status", status="completed")
            completed = await snapshot(lane, paper_id)
            await run(lane, paper_id, paper)
            again = await snapshot(lane, paper_id)
            found = {
                what: (await lane.client.get(f"/papers/{paper_id}/{what}")).raise_for_status().json()["items"]
                for what in ("events", "entities", "relationships")
            }
            await lane.fence(paper)
            await delete(lane, paper_id)
            await paper.receive_close()
        await lane.fence(everything)
    assert paper.closed is not None
    return Recording(
        paper_id=paper_id,
        everything=of(paper_id, everything.transcript.messages),
        paper=paper.transcript.messages,
        uploaded=uploaded,
        accepted=accepted,
        completed=completed,
        again=again,
        history=found["events"],
        entities=found["entities"],
        relationships=found["relationships"],
        closed=(paper.closed.code, paper.closed.reason),
    )
