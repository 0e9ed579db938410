"""What has to be true after every schedule, whatever happened in it."""

from collections import defaultdict
from typing import Any

from app.domain.errors import PaperProcessingError
from app.domain.events import PaperEvent
from app.domain.lifecycle import TERMINAL, Status
from app.domain.paper import Output, Paper, PaperRecord
from app.domain.projection import apply
from app.domain.stages import STAGES
from tests.schedules.client import Client
from tests.schedules.stages import ENTITY
from tests.schedules.world import World
from tests.support.transcript import check_transcript

ALL = 10_000


async def audit(world: World, clients: list[Client], *, at_rest: bool = True) -> None:
    """Once every client has heard all. Raises `AssertionError`. `at_rest`: every run has ended, deleted papers are swept."""
    histories = {}
    for paper_id in [paper_id for what, paper_id, _ in world.answers if what == "upload"]:
        record = await world.auditor.store.get(paper_id)
        assert record is not None, f"paper {paper_id} was uploaded and is not in the store"
        events = list(await world.auditor.store.events(paper_id, 0, ALL))
        histories[paper_id] = events
        _check_history(record, events)
        if at_rest:
            _check_ends(record, events)
            await _check_outputs(world, record)
    if not world.trimmed:
        await _check_log(world, histories)
    _check_answers(world, histories)
    for client in clients:
        for transcript in client.transcripts:
            check_transcript(transcript)
        assert not client.complaints, "\n".join([*client.complaints, client.transcript.table()])
        await _check_holdings(world, client, list(histories))


def _check_history(record: PaperRecord, events: list[PaperEvent]) -> None:
    """The stored events are whole, and fold to the snapshot."""
    name = record.paper.id
    assert [event.data.seq for event in events] == list(range(1, record.paper.seq + 1)), f"{name}: gaps in the store"
    paper: Paper | None = None
    for event in events:
        paper = apply(paper, event)
    expected = None if record.deleted_at is not None else record.paper
    assert paper == expected, f"{name}: the events fold to {paper}, stored is {expected}"


def _check_ends(record: PaperRecord, events: list[PaperEvent]) -> None:
    """Each run went through its stages in order, and ended once; a deletion ends one without a word."""
    name = record.paper.id
    ends: dict[int, list[str]] = {run: [] for run in range(1, record.paper.run + 1)}
    stages: dict[int, list[str]] = {run: [] for run in ends}
    for event in events:
        if event.event_type == "paper_status" and event.data.status in TERMINAL:
            ends[event.data.run].append(event.data.status)
        if event.event_type == "paper_progress" and event.data.stage_progress == 100:
            stages[event.data.run].append(event.data.stage)
    for run, done in stages.items():
        count = len(STAGES) if Status.COMPLETED in ends[run] else len(done)
        assert done == [stage.name for stage in STAGES][:count], f"{name}: run {run} went through {done}"
        wordless = record.deleted_at is not None and run == record.paper.run
        assert len(ends[run]) == 1 or (wordless and not ends[run]), f"{name}: run {run} ended {ends[run]}"


async def _check_log(world: World, histories: dict[str, list[PaperEvent]]) -> None:
    """The log holds every stored event, each once and in order."""
    logged: dict[str, list[PaperEvent]] = defaultdict(list)
    for entry in await world.auditor.log.read("0-0", ALL):
        if entry.event is not None:
            logged[entry.event.data.paper_id].append(entry.event)
    for paper_id, events in histories.items():
        told = [event.data.seq for event in logged[paper_id]]
        assert logged[paper_id] == events, f"{paper_id}: {len(events)} events are stored, the log tells {told}"


def _check_answers(world: World, histories: dict[str, list[PaperEvent]]) -> None:
    """What requests were told is what happened: each accepted one is one event, each refused one none."""
    accepted: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for what, paper_id, answer in world.answers:
        if not isinstance(answer, PaperProcessingError):
            accepted[what, paper_id].append(answer)
    meant = {"process": "queued", "cancel": "cancelled"}
    for paper_id, events in histories.items():
        for what, status in meant.items():
            told = sorted(answer.seq for answer in accepted[what, paper_id])
            stored = [
                event.data.seq for event in events if event.event_type == "paper_status" and event.data.status == status
            ]
            assert told == stored, (
                f"{paper_id}: `{what}` was answered with seq {told}, the store has {status} at {stored}"
            )
        deleted = sum(event.event_type == "paper_deleted" for event in events)
        assert deleted == len(accepted["delete", paper_id]), f"{paper_id}: deleted {deleted} times"


async def _check_outputs(world: World, record: PaperRecord) -> None:
    """Of a deleted paper nothing is left; of any other what its snapshot speaks of is there."""
    paper_id = record.paper.id
    neighbours = await world.auditor.graph.neighbours(ENTITY.key, ALL)
    in_graph = neighbours is not None and paper_id in neighbours.papers
    if record.deleted_at is not None:
        assert record.swept, f"{paper_id}: deleted and not swept"
        assert not in_graph, f"{paper_id}: deleted and still in the graph"
        left = world.filesystem.glob(f"{world.root}/*/{paper_id}")
        assert not left, f"{paper_id}: deleted and its file is still there"
        for run in range(1, record.paper.run + 1):
            for kind in Output:
                assert await world.auditor.store.get_output(paper_id, run, kind) is None, f"{paper_id}: {kind} is left"
        return
    for kind, run in record.outputs.items():
        body = await world.auditor.store.get_output(paper_id, run, kind)
        assert body == {"title": "A Title", "text": f"run {run}"}, f"{paper_id}: {kind} of run {run} is {body}"
    assert in_graph or record.paper.status != "completed", f"{paper_id}: completed and not in the graph"


async def _check_holdings(world: World, client: Client, papers: list[str]) -> None:
    """A client whose socket is open holds of each paper it follows what a fresh GET answers."""
    if not client.is_open:
        return
    for paper_id in papers:
        if not client.follows(paper_id):
            continue
        record = await world.auditor.store.get(paper_id)
        fresh = None if record is None or record.deleted_at is not None else record.paper
        held = client.papers.get(paper_id)
        assert held == fresh, f"{client.name} holds {held}\na fresh GET answers {fresh}\n{client.transcript.table()}"
