"""The checker of transcripts finds each kind of breakage, and nothing where there is none."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.transcript import Checker, Message, Transcript, check_transcript

pytestmark = pytest.mark.extended

Script = Callable[[list[Message]], None]

SNAPSHOT = {"id": "a", "seq": 1, "run": 0, "progress": 0, "status": "uploaded"}


def message(event_type: str, *, id: str | None = None, **data: Any) -> Message:
    return {"event_type": event_type, "id": id, "timestamp": "", "message": "", "data": data}


def status(seq: int, name: str, progress: int, *, paper: str = "a", run: int = 1) -> Message:
    data = {"paper_id": paper, "seq": seq, "run": run, "status": name, "progress": progress}
    return message("paper_status", id=f"id-{paper}-{seq}", **data)


def progress(seq: int, percent: int, *, run: int = 1) -> Message:
    return message("paper_progress", id=f"id-{seq}", paper_id="a", seq=seq, run=run, progress=percent)


def deleted(seq: int, *, run: int = 1) -> Message:
    return message("paper_deleted", id=f"id-{seq}", paper_id="a", seq=seq, run=run)


def a_run() -> list[Message]:
    """What a socket of paper `a` receives when all is well: offsets 0 to 5."""
    return [
        message("connection", position="p", snapshot=SNAPSHOT),
        status(2, "queued", 0),
        status(3, "processing", 0),
        progress(4, 40),
        progress(5, 100),
        status(6, "completed", 100),
    ]


def complaints(messages: list[Message], path: str = "/ws/a") -> list[str]:
    transcript = Transcript(path)
    for item in messages:
        transcript.add(item)
    return Checker(transcript).check()


def test_the_pongs_of_a_fence_that_waits_fill_no_page_of_the_table() -> None:
    transcript = Transcript("/ws/a")
    for item in [*a_run(), *(message("pong", position="p") for _ in range(3000)), deleted(7)]:
        transcript.add(item)
    rows = [line.split()[0::2] for line in transcript.table().splitlines()[2:]]
    assert [row[:2] for row in rows[5:]] == [
        ["5", "paper_status"], ["6", "pong"], ["...", "more"], ["3005", "pong"], ["3006", "paper_deleted"],
    ]  # fmt: skip
    assert "... 2998 more of them" in transcript.table()


def test_a_sound_transcript_is_passed() -> None:
    second = [status(7, "queued", 0, run=2), progress(8, 40, run=2), status(9, "failed", 40, run=2), deleted(10, run=2)]
    assert complaints([*a_run(), message("pong", position="p"), *second]) == []


def drop(offset: int) -> Script:
    return lambda messages: messages.__delitem__(offset)


def insert(offset: int, item: Message) -> Script:
    return lambda messages: messages.insert(offset, item)


def replace(offset: int, item: Message) -> Script:
    return lambda messages: messages.__setitem__(offset, item)


def swap(offset: int) -> Script:
    def do(messages: list[Message]) -> None:
        messages[offset], messages[offset + 1] = messages[offset + 1], messages[offset]

    return do


BREAKAGES: dict[str, tuple[Script, str]] = {
    "gap": (drop(3), "#3: gap: seq 5 after 3 of paper a"),
    "gap behind the snapshot": (drop(1), "#1: gap: seq 3 after 1 of paper a"),
    "repeat": (insert(3, status(3, "processing", 0)), "#3: repeat: seq 3 after 3 of paper a"),
    "repeat of what the snapshot holds": (
        insert(1, status(1, "uploaded", 0, run=0)),
        "#1: repeat: seq 1 after 1 of paper a",
    ),
    "inversion": (swap(2), "#3: inversion: seq 3 after 4 of paper a"),
    "foreign paper": (
        insert(2, status(1, "uploaded", 0, paper="b")),
        "#2: an event of paper b, which this socket does not follow",
    ),
    "second terminal event": (insert(6, status(7, "failed", 100)), "#6: an event of run 1 after its terminal event"),
    "event after the terminal one": (insert(6, progress(7, 100)), "#6: an event of run 1 after its terminal event"),
    "falling progress": (replace(4, progress(5, 39)), "#4: progress falls from 40 to 39 within run 1"),
    "falling run": (insert(6, status(7, "queued", 0, run=0)), "#6: run falls from 1 to 0 of paper a"),
    "event after deletion": (
        lambda messages: messages.extend([deleted(7), status(8, "queued", 0, run=2)]),
        "#7: an event of paper a after its deletion",
    ),
    "something before the connection": (
        insert(0, message("pong", position="p")),
        "#0: the first event is not `connection`",
    ),
    "logged event without an id": (
        replace(1, {**status(2, "queued", 0), "id": None}),
        "#1: paper_status is in the log, but has no id",
    ),
    "reply with an id": (
        insert(1, message("pong", id="x", position="p")),
        "#1: pong is not in the log, but has an id",
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_kind_of_breakage_is_found_and_named(name: str) -> None:
    script, complaint = BREAKAGES[name]
    messages = a_run()
    script(messages)
    assert complaint in complaints(messages)


def test_on_ws_every_paper_is_counted_by_itself() -> None:
    first = message("connection", position="p", snapshot=None)
    of_both = [status(7, "queued", 0), status(1, "uploaded", 0, paper="b"), status(8, "processing", 0)]
    assert complaints([first, *of_both], "/ws") == []
    assert complaints([first, *of_both, status(3, "queued", 0, paper="b")], "/ws") == [
        "#4: gap: seq 3 after 1 of paper b"
    ]


def test_after_a_resync_counting_starts_anew() -> None:
    resync = message("resync", position="p", reason="log_lost", snapshot={**SNAPSHOT, "seq": 9, "run": 1})
    assert complaints([*a_run()[:3], resync, status(10, "failed", 0)]) == []
    assert complaints([*a_run()[:3], resync, status(12, "failed", 0)]) == ["#4: gap: seq 12 after 9 of paper a"]


def test_a_narrowed_socket_is_held_to_its_papers() -> None:
    first = message("connection", position="p", snapshot=None)
    narrowed = message("subscribed", position="p", paper_ids=["a"], snapshots=[SNAPSHOT])
    assert complaints([first, narrowed, status(2, "queued", 0)], "/ws") == []
    assert complaints([first, narrowed, status(3, "queued", 0)], "/ws") == ["#2: gap: seq 3 after 1 of paper a"]
    assert complaints([first, narrowed, status(1, "uploaded", 0, paper="b")], "/ws") == [
        "#2: an event of paper b, which this socket does not follow"
    ]


def test_the_failure_shows_the_complaint_and_the_table() -> None:
    transcript = Transcript("/ws/a")
    for item in [*a_run()[:3], progress(5, 45)]:
        transcript.add(item)
    with pytest.raises(AssertionError) as failure:
        check_transcript(transcript)
    text = str(failure.value)
    assert "a guarantee is broken" in text
    assert "#3: gap: seq 5 after 3 of paper a" in text
    heading, *rows = text[text.index("transcript of /ws/a (4 events, open)") :].splitlines()[1:]
    assert heading.split() == ["#", "ms", "event", "paper", "seq", "run", "status", "progress"]
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "3"]
    assert rows[2].split()[2:] == ["paper_status", "a", "3", "1", "processing", "0"]
