"""The contract in small: what a paper is after each command, when nothing is left under way but runs that are held."""

from dataclasses import dataclass

from app.domain.lifecycle import ACTIVE, RUNNING, Status
from app.domain.stages import STAGES

EVENTS_OF_STAGE = {
    "read": 1,  # progress
    "structure": 1,
    "references": 2,  # progress, and the next status
    "entities": 3,  # what was found, progress, status
    "relationships": 3,
    "knowledge_graph": 2,  # progress, completed
}
DISPATCH = "dispatch"
"""Held there, hints reach no worker."""
LEASES = 3
"""So many may be lost until the run fails."""


@dataclass
class PaperModel:
    """One paper."""

    status: Status = Status.UPLOADED
    run: int = 0
    seq: int = 1
    done: int = 0
    """Stages of the present run."""
    claims: int = 0
    deleted: bool = False

    def process(self) -> str | None:
        """The code of the refusal, None where it is accepted; the same for the others."""
        if self.deleted:
            return "paper_not_found"
        if self.status in ACTIVE:
            return "paper_busy"
        self.status, self.run, self.seq, self.done, self.claims = Status.QUEUED, self.run + 1, self.seq + 1, 0, 0
        return None

    def cancel(self) -> str | None:
        if self.deleted:
            return "paper_not_found"
        if self.status not in ACTIVE:
            return "paper_not_running"
        self._end(Status.CANCELLED)
        return None

    def delete(self) -> str | None:
        if self.deleted:
            return "paper_not_found"
        self.deleted = True
        self.seq += 1
        return None

    def lose_worker(self) -> None:
        """Another one claims the run, and goes on where the last one stood."""
        if self.deleted or self.status not in RUNNING:
            return
        if self.claims == LEASES:
            self._end(Status.FAILED)
        else:
            self.claims += 1

    def work(self, held: str | None) -> None:
        """As far as a worker comes."""
        if self.deleted or self.status not in ACTIVE:
            return
        if self.status is Status.QUEUED:
            if held == DISPATCH:
                return
            self.status, self.seq, self.claims = STAGES[0].status, self.seq + 1, 1
        while self.done < len(STAGES) and STAGES[self.done].name != held:
            self.seq += EVENTS_OF_STAGE[STAGES[self.done].name]
            self.done += 1
            self.status = STAGES[self.done].status if self.done < len(STAGES) else Status.COMPLETED

    def _end(self, status: Status) -> None:
        self.status = status
        self.seq += 1
