"""What is compared after a round: store, log, transcripts and fresh answers. Each difference is a complaint."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from app.domain.paper import Paper
from tests.faults.watcher import FETCHED, Watcher
from tests.support.transcript import NOT_LOGGED, Checker, Message, Transcript, fold

Kind = Literal["lost", "repeated", "inverted", "late", "other"]

_KINDS: dict[str, Kind] = {"gap": "lost", "repeat": "repeated", "inversion": "inverted"}
_OPENING: Message = {"event_type": "connection", "id": None, "data": {}}


@dataclass(frozen=True)
class Complaint:
    kind: Kind
    sentence: str


@dataclass(frozen=True)
class Evidence:
    """What there is when everything has come to rest."""

    stored: Mapping[str, list[Message]]
    """Every event of each paper, from the store."""
    logged: Mapping[str, list[int]]
    """The `seq` of each paper's entries in the log."""
    answers: Mapping[str, Paper | None]
    """A fresh GET of each paper; None for one that was deleted."""


def judge(evidence: Evidence, watchers: list[Watcher]) -> list[Complaint]:
    return [
        *_the_store(evidence),
        *_the_log(evidence),
        *(complaint for watcher in watchers for complaint in _a_watcher(evidence, watcher)),
    ]


def _the_store(evidence: Evidence) -> Iterator[Complaint]:
    """The events of each paper are in order, and what they fold to is what is answered."""
    for paper_id, events in evidence.stored.items():
        transcript = Transcript(f"/ws/{paper_id}")
        for message in (_OPENING, *({**event, "id": "as in the log"} for event in events)):
            transcript.add(message)
        yield from _in_order("the store", transcript)
        if fold(transcript.messages, paper_id) != evidence.answers[paper_id]:
            yield Complaint("other", f"the stored events of {paper_id} fold to another paper than GET answers")


def _the_log(evidence: Evidence) -> Iterator[Complaint]:
    """Everything that was stored is in the log once and in order, whatever the log lost meanwhile."""
    for paper_id, events in evidence.stored.items():
        wanted, found = [event["data"]["seq"] for event in events], evidence.logged.get(paper_id, [])
        if found != wanted:
            yield Complaint("lost", f"paper {paper_id} has {wanted} in the store and {found} in the log")


def _a_watcher(evidence: Evidence, watcher: Watcher) -> Iterator[Complaint]:
    path = watcher.transcript.path
    heard = Transcript(path)
    for message in watcher.transcript.messages:
        if message["event_type"] != FETCHED:
            heard.add(message)
    yield from _in_order(path, heard)
    yield from _honest_reconnects(heard)
    for message in heard.messages:
        if message["event_type"] not in NOT_LOGGED and not _is_stored(message, evidence):
            yield Complaint("other", f"{path} was told what was never stored: {message}")
    only = path.removeprefix("/ws").removeprefix("/")
    for paper_id, answer in evidence.answers.items():
        if not only or paper_id == only:
            yield from _converged(watcher, paper_id, answer)


def _in_order(who: str, transcript: Transcript) -> Iterator[Complaint]:
    """What the suite's own checker finds."""
    for sentence in Checker(transcript).check():
        kind = sentence.partition(": ")[2].partition(":")[0]
        yield Complaint(_KINDS.get(kind, "other"), f"{who}: {sentence}")


def _honest_reconnects(heard: Transcript) -> Iterator[Complaint]:
    """A client that came back either resumes where it was or is told `resync`: never a new snapshot without a word."""
    messages = heard.messages
    for offset, message in enumerate(messages):
        again = offset > 0 and message["event_type"] == "connection"
        if again and message["data"]["snapshot"] is not None:
            after = next((one["event_type"] for one in messages[offset + 1 :]), "resync")
            if after not in {"resync", "connection"}:
                yield Complaint("other", f"{heard.path}: #{offset}: a new snapshot, and no `resync` said so")


def _is_stored(message: Message, evidence: Evidence) -> bool:
    data = message["data"]
    events = evidence.stored.get(data["paper_id"], [])
    return data["seq"] <= len(events) and bool(events[data["seq"] - 1] == {**message, "id": None})


def _converged(watcher: Watcher, paper_id: str, answer: Paper | None) -> Iterator[Complaint]:
    """What the client knows in the end is what a fresh GET answers."""
    path, messages = watcher.transcript.path, watcher.transcript.messages
    if answer is None:
        if not watcher.ended and not _knows_it_is_gone(messages, paper_id):
            yield Complaint("lost", f"{path} does not know that paper {paper_id} was deleted")
        return
    try:
        known = fold(messages, paper_id)
    except ValueError as error:
        yield Complaint("lost", f"{path}: {error}")
        return
    if known != answer:
        at = known.seq if known else "nothing"
        kind: Kind = "lost" if known is None or known.seq < answer.seq else "other"
        yield Complaint(kind, f"{path} ends at {at} of paper {paper_id}, and GET answers {answer.seq}")


def _knows_it_is_gone(messages: list[Message], paper_id: str) -> bool:
    fetched = [message["data"]["snapshots"] for message in messages if message["event_type"] == FETCHED]
    return any(
        message["event_type"] == "paper_deleted" and message["data"]["paper_id"] == paper_id for message in messages
    ) or (bool(fetched) and all(snapshot["id"] != paper_id for snapshot in fetched[-1]))


def count(complaints: list[Complaint]) -> Counter[Kind]:
    return Counter(complaint.kind for complaint in complaints)
