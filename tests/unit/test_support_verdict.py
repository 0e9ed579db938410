"""What is compared after a round of faults: a sound one is passed, and each breakage is a complaint of its kind."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import pytest

from app.domain.paper import Paper
from tests.faults.desk import Desk
from tests.faults.verdict import Evidence, judge
from tests.faults.watcher import Watcher
from tests.support.bench import Bench
from tests.support.transcript import Message, fold

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


class NoDesk:
    urls = ("http://nobody.example",)


@dataclass
class Round:
    """One paper whose runs people opened and cancelled, and one client that watched it."""

    stored: list[Message]
    logged: list[int]
    answer: Paper | None
    heard: list[Message]

    def complaints(self) -> list[tuple[str, str]]:
        paper_id = self.stored[0]["data"]["paper_id"]
        watcher = Watcher(cast(Desk, NoDesk()), f"/ws/{paper_id}", Random(0))
        for message in self.heard:
            watcher.transcript.add(message)
        evidence = Evidence({paper_id: self.stored}, {paper_id: self.logged}, {paper_id: self.answer})
        return [(complaint.kind, complaint.sentence) for complaint in judge(evidence, [watcher])]


def connection(events: list[Message]) -> Message:
    """With the snapshot that these events lead to."""
    paper = fold(events, events[0]["data"]["paper_id"])
    assert paper is not None
    return {"event_type": "connection", "id": None, "data": {"snapshot": paper.model_dump(mode="json")}}


@pytest.fixture
async def sound(bench: Bench) -> Round:
    paper_id = await bench.submit()
    for _ in range(4):
        await bench.services.papers.process(paper_id)
        await bench.services.papers.cancel(paper_id)
    stored = [event.model_dump(mode="json") for event in await bench.store.events(paper_id, 0, 1000)]
    heard = [connection(stored[:1]), *({**event, "id": f"at {event['data']['seq']}"} for event in stored[1:])]
    return Round(stored, list(range(1, len(stored) + 1)), (await bench.record(paper_id)).paper, heard)


async def test_of_a_sound_round_nothing_is_said(sound: Round) -> None:
    assert sound.complaints() == []


def another_answer(case: Round) -> None:
    assert case.answer is not None
    case.answer = case.answer.model_copy(update={"title": "Another"})


def never_stored(case: Round) -> None:
    case.heard[4] = {**case.heard[4], "message": "made up"}


def swapped(case: Round) -> None:
    case.heard[4:6] = case.heard[5:3:-1]


def new_snapshot(case: Round) -> None:
    case.heard.insert(5, connection(case.stored[:5]))


def no_answer(case: Round) -> None:
    case.answer = None


BREAKAGES: dict[str, tuple[Callable[[Round], Any], str, str]] = {
    "the store lacks an event": (lambda case: case.stored.pop(3), "lost", "the store: "),
    "GET answers another paper": (another_answer, "other", "fold to another paper than GET answers"),
    "the log lacks an event": (lambda case: case.logged.pop(2), "lost", "in the store and"),
    "the log has an event twice": (lambda case: case.logged.insert(2, 3), "lost", "in the store and"),
    "a client misses an event": (lambda case: case.heard.pop(4), "lost", "gap"),
    "a client misses the last event": (lambda case: case.heard.pop(), "lost", "ends at"),
    "a client hears an event twice": (lambda case: case.heard.insert(4, case.heard[4]), "repeated", "repeat"),
    "a client hears two events the wrong way round": (swapped, "inverted", "inversion"),
    "a client is told what was never stored": (never_stored, "other", "was told what was never stored"),
    "a client gets a new snapshot and no resync": (new_snapshot, "other", "a new snapshot, and no `resync` said so"),
    "a client does not hear of the deletion": (no_answer, "lost", "does not know that paper"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_each_breakage_is_a_complaint(sound: Round, breakage: str) -> None:
    do, kind, words = BREAKAGES[breakage]
    do(sound)
    told = sound.complaints()
    assert [one for one in told if one[0] == kind and words in one[1]], told
