"""What is told of a paper, from its upload to its deletion. One recorded life serves most tests (see `recording.py`)."""

import re
from collections import Counter
from typing import Any

import httpx
import pytest

from conftest import Connect
from tests.integration_tests.websocket.conftest import WebSocketMessageQueue
from tests.integration_tests.websocket.recording import Recording
from tests.integration_tests.websocket.steps import EMPTY_INSIDE, of, opened, run, seqs, snapshot, types, upload
from tests.support.lane import Lane
from tests.support.sockets import Socket

STAGES = ["read", "structure", "references", "entities", "relationships", "knowledge_graph"]
WAY = [
    ("paper_status", "queued", 0),
    ("paper_status", "processing", 0),
    ("paper_progress", "read", 40),
    ("paper_progress", "structure", 45),
    ("paper_progress", "references", 55),
    ("paper_status", "extracting_entities", 55),
    ("entity_extraction", None, None),
    ("paper_progress", "entities", 80),
    ("paper_status", "extracting_relationships", 80),
    ("relationship_extraction", None, None),
    ("paper_progress", "relationships", 90),
    ("paper_status", "building_knowledge_graph", 90),
    ("paper_progress", "knowledge_graph", 100),
    ("paper_status", "completed", 100),
]
SHARED = {"paper_id", "seq", "run", "changes"}
FIELDS = {
    "paper_status": {"status", "previous_status", "progress"},
    "paper_progress": {"progress", "stage", "stage_progress", "stages_completed", "stages_total"},
    "entity_extraction": {"count", "types", "entities"},
    "relationship_extraction": {"count", "types", "relationships"},
    "paper_deleted": set[str](),
}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def way(events: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """Type, status or stage, and progress of each event that is no progress inside a stage."""
    told = [event for event in events if event["data"].get("stage_progress", 100) == 100]
    data = [(event["event_type"], event["data"]) for event in told]
    return [(kind, d.get("status") or d.get("stage"), d.get("progress")) for kind, d in data]


def test_a_run_tells_every_step_in_order(recording: Recording) -> None:
    assert way(recording.of_run(1)) == WAY


def test_a_second_run_goes_the_same_way_again(recording: Recording) -> None:
    assert way(recording.of_run(2)) == WAY


def test_a_life_begins_with_the_upload_and_ends_with_the_deletion(recording: Recording) -> None:
    first, last = recording.everything[0], recording.everything[-1]
    assert (first["event_type"], first["data"]["status"], first["data"]["previous_status"]) == (
        "paper_status",
        "uploaded",
        None,
    )
    assert first["data"]["run"] == 0
    assert last["event_type"] == "paper_deleted"


def test_every_event_has_the_envelope_and_the_data_of_its_type(recording: Recording) -> None:
    for event in recording.everything:
        assert event.keys() == {"event_type", "id", "timestamp", "message", "data"}
        assert event["data"].keys() == SHARED | FIELDS[event["event_type"]], event["event_type"]
        assert event["message"], f"{event} says nothing to people"
    assert set(types(recording.everything)) == FIELDS.keys(), "a type of event did not occur"


def test_seq_counts_the_events_of_the_paper_from_one(recording: Recording) -> None:
    assert seqs(recording.everything) == list(range(1, len(recording.everything) + 1))


def test_the_socket_of_the_paper_gets_exactly_what_ws_gets_after_its_snapshot(recording: Recording) -> None:
    connection, *events = [event for event in recording.paper if event["event_type"] != "pong"]
    seen = connection["data"]["snapshot"]["seq"]
    assert events == [event for event in recording.everything if event["data"]["seq"] > seen]


def test_http_tells_the_same_events_with_seq_as_their_position(recording: Recording) -> None:
    assert recording.history == [{**event, "id": None} for event in recording.everything[:-1]]


def test_logged_events_have_an_id_of_their_own_and_others_none(recording: Recording) -> None:
    ids = [event["id"] for event in recording.everything]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    others = [event for event in recording.paper if event["event_type"] not in FIELDS]
    assert set(types(others)) == {"connection", "pong"}
    assert all(event["id"] is None for event in others)


def test_times_are_utc_with_a_z_and_do_not_run_backwards(recording: Recording) -> None:
    times = [event["timestamp"] for event in recording.everything]
    assert [time for time in times if not TIMESTAMP.fullmatch(time)] == []
    assert times == sorted(times)


@pytest.mark.parametrize("number", [1, 2])
def test_progress_never_falls_within_a_run_and_ends_at_100(recording: Recording, number: int) -> None:
    progress = [event["data"]["progress"] for event in recording.of_run(number) if "progress" in event["data"]]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)


def test_each_stage_counts_as_completed_once_it_is_at_100_percent(recording: Recording) -> None:
    ends = [
        event["data"]
        for event in recording.of_run(1)
        if event["event_type"] == "paper_progress" and event["data"]["stage_progress"] == 100
    ]
    assert [data["stage"] for data in ends] == STAGES
    assert [data["stages_completed"] for data in ends] == [1, 2, 3, 4, 5, 6]
    assert {data["stages_total"] for data in ends} == {6}


@pytest.mark.parametrize("number", [1, 2])
def test_a_run_has_one_terminal_event_and_it_is_the_last(recording: Recording, number: int) -> None:
    events = recording.of_run(number)
    ends = [event for event in events if event["data"].get("status") in {"completed", "failed", "cancelled"}]
    assert ends == events[-1:]


def test_each_status_names_the_one_before(recording: Recording) -> None:
    moves = [event["data"] for event in recording.everything if event["event_type"] == "paper_status"]
    assert [data["previous_status"] for data in moves] == [None, *(data["status"] for data in moves[:-1])]


def test_the_first_event_carries_the_whole_snapshot(recording: Recording) -> None:
    assert {**recording.everything[0]["data"]["changes"], "seq": 1} == recording.uploaded


def test_changes_are_the_snapshot_fields_that_an_event_set(recording: Recording) -> None:
    """Laid over each other, with no knowledge of any event type."""
    last_of_first_run = recording.completed["seq"]
    laid: dict[str, Any] = {}
    for event in recording.everything[:last_of_first_run]:
        laid |= event["data"]["changes"] | {"seq": event["data"]["seq"]}
    assert laid == recording.completed


def test_queueing_is_answered_over_http_with_the_seq_of_its_event(recording: Recording) -> None:
    queued = recording.of_run(1)[0]["data"]
    assert recording.accepted == {
        "paper_id": recording.paper_id,
        "status": "queued",
        "run": queued["run"],
        "seq": queued["seq"],
    }


def test_entities_are_told_with_their_number_their_types_and_the_first_hundred(recording: Recording) -> None:
    (data,) = [event["data"] for event in recording.of_run(1) if event["event_type"] == "entity_extraction"]
    assert data["count"] == len(recording.entities) == recording.completed["counts"]["entities"] > 0
    assert data["types"] == Counter(entity["type"] for entity in recording.entities)
    assert data["entities"] == [
        {**{name: entity[name] for name in ("key", "name", "type")}, "mentions": len(entity["mentions"])}
        for entity in recording.entities[:100]
    ]


def test_relationships_are_told_with_their_number_their_types_and_the_first_hundred(recording: Recording) -> None:
    (data,) = [event["data"] for event in recording.of_run(1) if event["event_type"] == "relationship_extraction"]
    assert data["count"] == len(recording.relationships) == recording.completed["counts"]["relationships"] > 0
    assert data["types"] == Counter(relationship["type"] for relationship in recording.relationships)
    assert data["relationships"] == [
        {name: relationship[name] for name in ("source", "target", "type")}
        for relationship in recording.relationships[:100]
    ]


def test_a_second_run_starts_from_nothing(recording: Recording) -> None:
    queued = recording.of_run(2)[0]["data"]
    assert queued["previous_status"] == "completed"
    assert {"progress": 0, "error": None, "finished_at": None, "run": 2}.items() <= queued["changes"].items()
    assert recording.again["run"] == 2


@pytest.mark.anyio
@pytest.mark.smoke
async def test_whoever_watches_a_paper_sees_its_run_to_the_end(
    lane: Lane, paper_websocket_client: Socket, test_paper_id: str
) -> None:
    queue = WebSocketMessageQueue(paper_websocket_client)
    await queue.start_listening()
    await lane.process(test_paper_id)
    last = await queue.wait_for("paper_status", where={"status": "completed"})
    await queue.stop_listening()
    assert last["data"]["progress"] == 100
    assert way(of(test_paper_id, queue.messages)) == WAY


@pytest.mark.anyio
@pytest.mark.smoke
async def test_an_upload_is_told_to_everyone_on_ws(lane: Lane, websocket_client: Socket) -> None:
    paper = await lane.upload("a paper.txt", b"We train BERT on SQuAD.")
    event = await websocket_client.receive_until("paper_status", paper_id=paper["id"])
    assert (event["data"]["status"], event["data"]["seq"], event["message"]) == (
        "uploaded",
        1,
        "a paper.txt was uploaded",
    )


@pytest.mark.anyio
async def test_nothing_of_one_paper_reaches_the_socket_of_another(lane: Lane, connect: Connect) -> None:
    mine, other = await upload(lane), await upload(lane)
    async with connect(f"/ws/{mine}") as my_socket, connect(f"/ws/{other}") as other_socket:
        await opened(my_socket)
        await run(lane, other, other_socket)
        assert await lane.fence(my_socket) == []


@pytest.mark.anyio
async def test_a_file_that_cannot_be_read_ends_its_run_with_the_reason(
    lane: Lane, connect: Connect, api_client: httpx.AsyncClient
) -> None:
    paper_id = await upload(lane, EMPTY_INSIDE)
    async with connect(f"/ws/{paper_id}") as socket:
        failed = await run(lane, paper_id, socket, until="failed")
        assert await lane.fence(socket) == [], "something came after the terminal event"
    data = failed["data"]
    assert data["previous_status"] == "processing"
    assert data["progress"] < 40, "the first stage counts as done"
    error = data["changes"]["error"]
    assert (error["code"], error["stage"]) == ("no_text", "read")
    assert error["detail"] in failed["message"]
    assert (await snapshot(lane, paper_id))["error"] == error
    assert (await api_client.get(f"/papers/{paper_id}/document")).status_code == 404


@pytest.mark.anyio
async def test_a_failed_paper_can_be_run_again_and_says_no_more_that_it_failed(lane: Lane, connect: Connect) -> None:
    paper_id = await upload(lane, EMPTY_INSIDE)
    async with connect(f"/ws/{paper_id}") as socket:
        await run(lane, paper_id, socket, until="failed")
        assert (await lane.process(paper_id))["run"] == 2
        queued = await socket.receive_until("paper_status", status="queued")
        assert (queued["data"]["run"], queued["data"]["changes"]["error"]) == (2, None)
        await socket.receive_until("paper_status", status="failed", run=2)
