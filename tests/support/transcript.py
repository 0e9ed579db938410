"""What a socket received, as a table that people can read and as facts that are always checked."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from app.domain.events import PAPER_EVENT
from app.domain.lifecycle import TERMINAL
from app.domain.paper import Paper
from app.domain.projection import apply

Message = dict[str, Any]

NOT_LOGGED = {
    "connection", "system_status", "system_metrics", "resync", "pong", "subscribed", "unsubscribed", "error",
}  # fmt: skip


@dataclass
class Transcript:
    """Every event one socket received, in order, and how it was closed."""

    path: str
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    rows: list[tuple[float, Message]] = field(default_factory=list)
    ending: str = "open"

    def __post_init__(self) -> None:
        self.started = self.clock()

    def add(self, message: Message) -> None:
        self.rows.append((self.clock() - self.started, message))

    @property
    def messages(self) -> list[Message]:
        return [message for _, message in self.rows]

    def table(self) -> str:
        """Offset, time, event, status and progress of every event."""
        lines = [f"  transcript of {self.path} ({len(self.rows)} events, {self.ending})"]
        lines.append(f"  {'#':>3} {'ms':>7}  {'event':<24} {'paper':<8} {'seq':>4} {'run':>3}  {'status':<26} progress")
        for kind, same in groupby(enumerate(self.rows), lambda row: row[1][1].get("event_type", "?")):
            rows = [_line(offset, seconds, message) for offset, (seconds, message) in same]
            if kind == "pong" and len(rows) > 3:  # a fence that waits pings on and on
                rows[1:-1] = [f"  ... {len(rows) - 2} more of them"]
            lines += rows
        return "\n".join(lines)


def _line(offset: int, seconds: float, message: Message) -> str:
    data: Mapping[str, Any] = message.get("data") or {}
    data = {**data, **(data.get("snapshot") or {})}
    status = data.get("status") or data.get("stage") or data.get("code") or data.get("reason") or ""
    paper = str(data.get("paper_id") or data.get("id") or "")[:8]
    return (
        f"  {offset:>3} {seconds * 1000:>7.1f}  {message.get('event_type', '?'):<24} {paper:<8} "
        f"{data.get('seq', ''):>4} {data.get('run', ''):>3}  {status:<26} {data.get('progress', '')}"
    )


def fold(messages: Iterable[Message], paper_id: str) -> Paper | None:
    """The snapshot a client ends with: the last one it was given, and every event after it, through `apply()`."""
    paper: Paper | None = None
    for message in messages:
        data = message["data"]
        for snapshot in _snapshots(message):
            if snapshot["id"] == paper_id:
                paper = Paper.model_validate(snapshot)
        if message["event_type"] not in NOT_LOGGED and data.get("paper_id") == paper_id:
            paper = apply(paper, PAPER_EVENT.validate_python(message))
    return paper


@dataclass
class _Seen:
    seq: int
    run: int = 0
    progress: int = 0
    ended_run: int | None = None
    deleted: bool = False
    skipped: set[int] = field(default_factory=set)


class Checker:
    """Reads a transcript as the guarantees have it: no gap, repeat, inversion, foreign paper, second terminal event
    or falling progress. Anything else is a list of sentences.
    """

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        only = transcript.path.partition("?")[0].removeprefix("/ws").removeprefix("/")
        self._address: set[str] | None = {only} if only else None
        self._only = self._address
        self._papers: dict[str, _Seen] = {}
        self.complaints: list[str] = []

    def check(self) -> list[str]:
        for offset, message in enumerate(self._transcript.messages):
            if offset == 0 and message["event_type"] != "connection":
                self._complain(offset, "the first event is not `connection`")
            if message["event_type"] in NOT_LOGGED:
                self._note(offset, message)
            else:
                self._paper_event(offset, message)
        return self.complaints

    def _complain(self, offset: int, sentence: str) -> None:
        self.complaints.append(f"#{offset}: {sentence}")

    def _note(self, offset: int, message: Message) -> None:
        kind, data = message["event_type"], message["data"]
        if message["id"] is not None:
            self._complain(offset, f"{kind} is not in the log, but has an id")
        if kind == "connection":
            self._only = self._address  # a client that came back with `?after=` subscribes anew
        if kind == "resync":
            self._papers.clear()
        if kind in {"subscribed", "unsubscribed"}:
            self._only = set(data["paper_ids"])
            self._papers = {paper: seen for paper, seen in self._papers.items() if paper in self._only}
        for snapshot in _snapshots(message):
            ended = snapshot["run"] if snapshot["status"] in TERMINAL else None
            self._papers[snapshot["id"]] = _Seen(snapshot["seq"], snapshot["run"], snapshot["progress"], ended)

    def _paper_event(self, offset: int, message: Message) -> None:
        kind, data = message["event_type"], message["data"]
        paper_id, seq, run = data["paper_id"], data["seq"], data["run"]
        if message["id"] is None:
            self._complain(offset, f"{kind} is in the log, but has no id")
        if self._only is not None and paper_id not in self._only:
            self._complain(offset, f"an event of paper {paper_id}, which this socket does not follow")
        seen = self._papers.setdefault(paper_id, _Seen(seq - 1, run))
        if seq != seen.seq + 1:
            word = "gap" if seq > seen.seq else "inversion" if seq in seen.skipped else "repeat"
            self._complain(offset, f"{word}: seq {seq} after {seen.seq} of paper {paper_id}")
            seen.skipped.update(range(seen.seq + 1, seq))
        if seen.deleted:
            self._complain(offset, f"an event of paper {paper_id} after its deletion")
        if run < seen.run:
            self._complain(offset, f"run falls from {seen.run} to {run} of paper {paper_id}")
        if run != seen.run:
            seen.run, seen.progress, seen.ended_run = run, 0, None
        progress = data.get("progress", seen.progress)
        if progress < seen.progress:
            self._complain(offset, f"progress falls from {seen.progress} to {progress} within run {run}")
        if kind != "paper_deleted" and seen.ended_run == run:
            self._complain(offset, f"an event of run {run} after its terminal event")
        if kind == "paper_status" and data["status"] in TERMINAL:
            seen.ended_run = run
        seen.seq, seen.progress, seen.deleted = seq, progress, kind == "paper_deleted"


def check_transcript(transcript: Transcript) -> None:
    """Fails with the table when the transcript breaks a guarantee."""
    complaints = Checker(transcript).check()
    if complaints:
        raise AssertionError("a guarantee is broken:\n  " + "\n  ".join(complaints) + "\n" + transcript.table())


def _snapshots(message: Message) -> list[Message]:
    data = message["data"]
    single = data.get("snapshot")
    return [*([single] if single else []), *data.get("snapshots", ())]
