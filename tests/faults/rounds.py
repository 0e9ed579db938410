"""One round: a service, its papers and its watchers, a fault at seeded moments, and then a verdict."""

import asyncio
import shutil
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
from anyio.abc import TaskGroup

from app.domain.decisions import LEASE
from app.domain.lifecycle import TERMINAL, Status
from app.domain.paper import Paper
from app.domain.position import entry_order
from tests.faults.desk import Desk
from tests.faults.fault import AnyFault, Strike
from tests.faults.servers import Servers
from tests.faults.stand import Stand
from tests.faults.verdict import Complaint, Evidence, judge
from tests.faults.watcher import Watcher
from tests.support.transcript import NOT_LOGGED, Message

SEEDS = Path(__file__).parents[1] / "test_papers"
LARGEST = 100_000
"""Bytes: larger papers only make the rounds longer."""
FILES = sorted(path for path in SEEDS.iterdir() if path.name != "LICENSES.md" and path.stat().st_size < LARGEST)
PAPERS = 5
LONGEST_SECONDS = 600.0
"""A round that takes longer hangs."""
TAKEN_UP_WITHIN = LEASE.total_seconds() + 5
"""Seconds from a strike to the next event of what it hit. Beside them, for what had to start again, twice as long as the
service took to start in that round: so a busy machine is not taken for a fault.
"""
PEOPLES = {Status.UPLOADED, Status.QUEUED, Status.CANCELLED}


@dataclass(frozen=True, order=True)
class Arrival:
    """An event as a watcher heard it."""

    at: float
    paper_id: str
    seq: int
    asked_for: bool
    """Somebody's request made it, no worker did."""


@dataclass
class Outcome:
    """What came of a round."""

    fault: AnyFault
    seed: int
    start: float = 0.0
    """Seconds the service took to be ready."""
    strikes: int = 0
    papers: int = 0
    terminal: int = 0
    sockets: int = 0
    events: int = 0
    resyncs: int = 0
    complaints: list[Complaint] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    """Seconds from a strike to the next event of a paper that it hit."""

    @property
    def name(self) -> str:
        return f"{self.fault.name}-{self.seed}"


async def run_round(fault: AnyFault, seed: int, folder: Path, servers: Servers | None = None) -> Outcome:
    """`servers`: where the fault wants real ones.

    The folder keeps what is worth reading when the verdict is not clean; otherwise it is removed.
    """
    outcome = Outcome(fault, seed)
    folder.mkdir(parents=True)
    party = _Round(outcome, Random(f"{fault.name}-{seed}"))
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            async with fault.stand(folder, servers) as stand, Desk(stand.urls) as desk:
                outcome.start = stand.start_took
                await party.run(stand, desk)
    except Exception as error:  # a round that breaks is a finding, and the others go on
        outcome.complaints += [Complaint("other", f"the round did not end: {reason!r}") for reason in _reasons(error)]
        (folder / "error.txt").write_text("".join(traceback.format_exception(error)))
    if outcome.complaints:
        tables = "\n\n".join(watcher.transcript.table() for watcher in party.watchers)
        (folder / "transcripts.txt").write_text(tables)
    else:
        shutil.rmtree(folder)
    return outcome


class _Round:
    def __init__(self, outcome: Outcome, rng: Random) -> None:
        self._outcome = outcome
        self._rng = rng
        self._strikes: list[Strike] = []
        self._ids: list[str] = []
        self._gone: set[str] = set()
        self._struck = False
        self._watching: TaskGroup
        self.watchers: list[Watcher] = []

    async def run(self, stand: Stand, desk: Desk) -> None:
        async with anyio.create_task_group() as self._watching:
            for restless in (None, 2.0):
                await self._watch(desk, "/ws", restless).connected.wait()
            async with anyio.create_task_group() as doing:
                doing.start_soon(self._strike, stand)
                for number in range(PAPERS):
                    doing.start_soon(self._author, stand, desk, number, Random(self._rng.random()))
            evidence = await self._come_to_rest(stand, desk)
            self._watching.cancel_scope.cancel()
        self._sum_up(evidence)

    def _watch(self, desk: Desk, path: str, restless: float | None = None) -> Watcher:
        watcher = Watcher(desk, path, Random(self._rng.random()), restless)
        self.watchers.append(watcher)
        self._watching.start_soon(watcher.run)
        return watcher

    async def _strike(self, stand: Stand) -> None:
        """The moments are counted in stored events, so that a seed means the same on a slow machine."""
        fault, rng = self._outcome.fault, Random(self._rng.random())
        for _ in range(rng.randint(*fault.strikes)):
            await stand.until_events(await stand.books.stored() + rng.randint(4, 25))
            await asyncio.sleep(rng.uniform(0, 0.05))
            self._strikes.append(await fault.strike(stand, rng))
        self._struck = True

    async def _author(self, stand: Stand, desk: Desk, number: int, rng: Random) -> None:
        """Somebody with one paper: most process it, some twice, one cancels and one deletes it."""
        file = rng.choice(FILES)
        await asyncio.sleep(rng.uniform(0, 2))
        paper_id = await desk.upload(f"{number}-{file.name}", file.read_bytes())
        self._ids.append(paper_id)
        self._watch(desk, f"/ws/{paper_id}", rng.choice((None, 3.0)))
        runs = rng.randint(1, 2)
        while runs > 0 or not self._struck:  # there is work to hit until the last blow has fallen
            runs -= 1
            await desk.call("POST", f"/papers/{paper_id}/process")
            if number == 0:
                await asyncio.sleep(rng.uniform(0, 1))
                await desk.call("POST", f"/papers/{paper_id}/cancel")
            elif number == 1:
                await asyncio.sleep(rng.uniform(0, 3))
                await desk.call("DELETE", f"/papers/{paper_id}")
                self._gone.add(paper_id)
                return
            await stand.until_ended(paper_id)
            await asyncio.sleep(rng.uniform(0, 1) if runs > 0 else rng.uniform(2, 4))

    async def _come_to_rest(self, stand: Stand, desk: Desk) -> Evidence:
        """Waits until nothing is on its way, and every watcher has heard all there is."""
        tails = [await _settled(desk, url) for url in desk.urls]
        await asyncio.gather(*(watcher.reach(max(tails, key=entry_order)) for watcher in self.watchers))
        stored = await stand.books.events()
        answers: dict[str, Paper | None] = {}
        for paper_id in stored:
            answer = await desk.call("GET", f"/papers/{paper_id}")
            gone = answer.status_code in {404, 410}
            answers[paper_id] = None if gone else Paper.model_validate(answer.json())
        return Evidence(stored, await stand.books.logged(), answers)

    def _sum_up(self, evidence: Evidence) -> None:
        outcome = self._outcome
        outcome.strikes = len(self._strikes)
        outcome.papers = len(self._ids)
        for paper_id in self._ids:
            paper = evidence.answers[paper_id]
            ended = paper_id in self._gone if paper is None else paper.status in TERMINAL
            outcome.terminal += ended
            if not ended:
                status = "gone" if paper is None else paper.status
                outcome.complaints.append(Complaint("other", f"paper {paper_id} ends {status}"))
        outcome.sockets = sum(watcher.connections for watcher in self.watchers)
        outcome.resyncs = sum(watcher.heard("resync") for watcher in self.watchers)
        arrivals = sorted(self._arrivals())
        outcome.events = len(arrivals)
        for strike in self._strikes:
            outcome.pauses += pauses(strike, arrivals)
        within = TAKEN_UP_WITHIN + 2 * outcome.start
        outcome.complaints += [
            Complaint("late", f"nothing new was heard for {pause:.1f} s after a strike; {within:.1f} s are allowed")
            for pause in outcome.pauses
            if pause > within
        ]
        outcome.complaints += judge(evidence, self.watchers)

    def _arrivals(self) -> list[Arrival]:
        """Each event that a watcher heard, and when."""
        return [
            Arrival(watcher.transcript.started + seconds, **_facts(message))
            for watcher in self.watchers
            for seconds, message in watcher.transcript.rows
            if message["event_type"] not in NOT_LOGGED and message["id"] is not None
        ]


def _facts(message: Message) -> dict[str, Any]:
    data = message["data"]
    asked_for = message["event_type"] == "paper_deleted" or data.get("status") in PEOPLES
    return {"paper_id": data["paper_id"], "seq": data["seq"], "asked_for": asked_for}


def pauses(strike: Strike, arrivals: list[Arrival]) -> list[float]:
    """Until something new is heard of each paper that a victim had in hand; of any paper when it had none.

    A paper that people cancelled or deleted meanwhile needed nobody to take it up.
    """
    first_heard = {(event.paper_id, event.seq): event for event in reversed(arrivals)}
    new = sorted(
        event
        for event in first_heard.values()
        if event.seq > strike.seqs.get(event.paper_id, 0) and event.at >= strike.at
    )
    firsts = [next((event for event in new if event.paper_id == held), None) for held in strike.held]
    if not strike.held:
        firsts = [next(iter(new), None)]
    return [first.at - strike.at for first in firsts if first is not None and not (strike.held and first.asked_for)]


def _reasons(error: BaseException) -> list[BaseException]:
    """What happened, out of the groups it comes in."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for inner in error.exceptions for reason in _reasons(inner)]
    return [error]


async def _settled(desk: Desk, url: str) -> str:
    """The log's end, once nothing is on its way as that API sees it."""
    while True:
        status = await desk.status(url)
        # A service that is degraded may have been too slow to count.
        if (
            status
            and status["status"] == "ok"
            and not (status["queue_length"] or status["active_tasks"] or status["waiting"])
        ):
            if status["hub_position"] == status["log_position"]:
                return str(status["log_position"])
        await asyncio.sleep(0.1)
