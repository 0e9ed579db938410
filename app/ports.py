"""What the services need from the world. `app/wiring.py` alone knows who provides it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import BinaryIO, Protocol

from pydantic import JsonValue

from app.domain.citing import NO_WORKS, Bibliography
from app.domain.decisions import Change
from app.domain.due import Due
from app.domain.embedding import Embedding
from app.domain.events import PaperEvent
from app.domain.graph import Citations, EntityNeighbours, RelatedPaper
from app.domain.knowledge import Entity, Reading, Relationship
from app.domain.lifecycle import Status
from app.domain.model import Value
from app.domain.paper import PRIORITY, DeadLetter, Output, Paper, PaperRecord
from app.domain.stages import Load

Progress = Callable[[int, int], Awaitable[None]]
"""Called with (done, total)."""


class Clock(Protocol):
    """Time, as the services read it."""

    def now(self) -> datetime:
        """The time in UTC, cut to milliseconds."""

    async def sleep(self, seconds: float) -> None: ...

    async def pause(self, seconds: float) -> None:
        """A sleep that ends by itself, also where a test lets the time stand still: somebody else is to go first."""


class PaperPage(Value):
    """One page of the list, newest first."""

    items: tuple[Paper, ...]
    next_cursor: str | None


class DeadLetterPage(Value):
    """One page of the dead letters, newest paper first."""

    items: tuple[DeadLetter, ...]
    next_cursor: str | None


class StoreCounts(Value):
    """How much is going on, counted in the store."""

    queued: int
    active: int
    """Runs claimed by a worker."""
    waiting: int
    """Events in the outbox, not yet in the log."""


class SearchHit(Value):
    """A paper whose text has all the words of the query, or that is near to it in meaning."""

    paper_id: str
    title: str | None
    filename: str
    snippet: str
    score: float


class PaperStore(Protocol):
    """Papers, their events, and what was extracted. The store is the truth; everything else can be made again from it."""

    async def insert(self, change: Change) -> None:
        """Stores a new paper with its first event. Raises `ConflictError` when the id is taken."""

    async def get(self, paper_id: str) -> PaperRecord | None:
        """The record, a tombstone too; its `waiting` counted."""

    async def replace(self, change: Change, write_id: str) -> bool:
        """Stores record and events in one write if the record's revision is still `change.record.revision`.

        The stored record has the next revision. False when somebody else wrote first.
        """

    async def has_written(self, paper_id: str, write_id: str) -> bool:
        """Whether that write is among the paper's last ones: the question after a broken connection."""

    async def list(self, status: Status | None, q: str | None, limit: int, cursor: str | None) -> PaperPage:
        """Papers whose title or file name holds `q`. Raises `InvalidCursorError`."""

    async def dead_letters(self, limit: int, cursor: str | None) -> DeadLetterPage:
        """Failed runs whose error is none of `ReadError.CODES`: trying again might have helped, but the attempts ran out."""

    async def events(self, paper_id: str, after: int, limit: int) -> Sequence[PaperEvent]:
        """Events with a `seq` above `after`, oldest first, whether in the outbox or not."""

    async def outbox(self, limit: int) -> Sequence[PaperEvent]:
        """Events not marked relayed: papers together, each in order of `seq`."""

    async def relayed_since(self, moment: datetime) -> Sequence[PaperEvent]:
        """Events marked relayed at `moment` or later: papers together, each in order of `seq`."""

    async def last_relayed_at(self) -> datetime | None:
        """The newest mark."""

    async def mark_relayed(self, paper_id: str, seq: int, at: datetime) -> None:
        """Marks the paper's events up to `seq`; those that were marked keep their mark."""

    async def mark_again(self, since: datetime, at: datetime) -> None:
        """Gives the events marked at `since` or later this new mark."""

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """Queued runs and runs whose lease ended: the highest priority first, then the oldest."""

    async def counts(self) -> StoreCounts: ...

    async def tombstones(self, swept: bool, limit: int) -> Sequence[PaperRecord]: ...

    async def purge(self, paper_id: str) -> None:
        """Removes every trace of a tombstone."""

    async def put_output(self, paper_id: str, run: int, kind: Output, body: JsonValue) -> None:
        """Stores or replaces an output. A document's title and text become searchable once it is visible.

        Raises `ReadError` when it is larger than the store can take.
        """

    async def get_output(self, paper_id: str, run: int, kind: Output) -> JsonValue | None: ...

    async def output_owners(self) -> Sequence[str]:
        """The papers that outputs belong to, each once."""

    async def prune_outputs(self, paper_id: str, keep: dict[Output, int]) -> None:
        """Removes the paper's outputs but those of the runs kept, by kind, and those of a run that began since."""

    async def put_embedding(self, paper_id: str, run: int, embedding: Embedding) -> None:
        """Stores or replaces what the document of that run means: with it it becomes visible, and with it it goes."""

    async def search(self, q: str, limit: int) -> Sequence[SearchHit]:
        """Papers whose visible document has all words of `q`, best first."""

    async def nearest(self, meaning: Embedding, limit: int) -> Sequence[str]:
        """Papers whose visible document the same model gave a direction at an acute angle to this one, nearest first."""

    async def check(self) -> None:
        """Raises when the store does not answer."""

    async def close(self) -> None: ...


class LogEntry(Value):
    """An event in the log."""

    id: str
    """Of the log's own making; ids of later entries are greater by `entry_order`."""
    event: PaperEvent | None
    """None for the entry that begins a log."""


class Appended(Value):
    """The answer to an append."""

    accepted: bool
    last: int
    """The paper's last `seq` in the log, now."""


class EventLog(Protocol):
    """One stream of events for all papers: a window on the newest ones."""

    async def append(self, event: PaperEvent) -> Appended:
        """Adds the event if its `seq` is the one after the paper's last; drops one that is there already.

        Not accepted, with `last`, when events before it are missing.
        """

    async def tail(self) -> str:
        """The id of the newest entry; an empty log is given its first."""

    async def holds(self, entry_id: str) -> bool:
        """Whether that very entry is in the log."""

    async def read(self, after: str, limit: int) -> Sequence[LogEntry]:
        """Entries after an id, oldest first, at once. Raises `ValueError` when one cannot be read."""

    async def wait(self, after: str, limit: int) -> Sequence[LogEntry]:
        """Like `read`, but waits for a second or so when there is none."""

    async def oldest_at(self) -> datetime | None:
        """When the oldest entry was made; None when nothing was trimmed yet."""

    async def last_seqs(self, paper_ids: Sequence[str]) -> Mapping[str, int]:
        """The last `seq` of each paper that the log has ever taken: 0 of one that it does not know."""

    async def forget(self, paper_id: str) -> None:
        """Forgets the last `seq` of a paper that was purged."""

    async def now(self) -> datetime:
        """The time by the clock of the log's server."""

    async def epoch(self) -> str:
        """Changes when another server answers, or the same one after a restart: it may have lost its newest entries."""

    async def eviction(self) -> str:
        """What the log's server does when its memory is full: with anything but `noeviction` it forgets entries."""

    async def check(self) -> None: ...

    async def close(self) -> None: ...


class TaskQueue(Protocol):
    """Hints to workers that a run could be claimed, in a queue for each load. Losing one does no harm."""

    async def send(self, paper_id: str, run: int, load: Load, priority: int = PRIORITY) -> None:
        """Hints of a higher priority are taken first."""

    async def length(self, load: Load) -> int:
        """Hints no worker has taken yet."""

    async def announce(self, worker: str, out_of_memory_at: datetime | None = None) -> None:
        """Says that this worker lives, and when it last ran out of memory."""

    async def workers(self) -> int:
        """Workers heard of in the last quarter of a minute."""

    async def out_of_memory(self) -> Mapping[str, datetime]:
        """Workers that ran out of memory in the last minute, and when; those too that died of it."""

    async def close(self) -> None: ...


class Graph(Protocol):
    """The knowledge graph: papers mention entities, entities relate."""

    async def replace(
        self,
        paper_id: str,
        run: int,
        title: str | None,
        entities: Sequence[Entity],
        relationships: Sequence[Relationship],
        works: Bibliography = NO_WORKS,
    ) -> bool:
        """Makes this the paper's contribution, in one transaction. False when a later run's is there already."""

    async def remove(self, paper_id: str) -> None:
        """Removes the paper's contribution, and entities that no paper mentions any more."""

    async def papers(self) -> Sequence[str]:
        """The papers that have a contribution."""

    async def neighbours(self, key: str, limit: int) -> EntityNeighbours | None: ...

    async def citations(self, paper_id: str, limit: int) -> Citations:
        """The papers here that this one cites, by their place in its list, and those that cite it, by their ids."""

    async def related(self, paper_id: str, limit: int) -> Sequence[RelatedPaper]:
        """Papers that share entities, weighted by how rare each is; best first."""

    async def check(self) -> None: ...

    async def close(self) -> None: ...


class KeptFile(Value):
    """A file as it lies there, whole or not."""

    paper_id: str
    size: int
    """Bytes."""
    whole: bool
    """Not what is left of a put that was killed."""
    changed_at: datetime


class Files(Protocol):
    """The original bytes, by paper."""

    async def put(self, paper_id: str, source: BinaryIO) -> None: ...

    async def get(self, paper_id: str) -> bytes:
        """Raises `FileNotFoundError`."""

    def stream(self, paper_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes in chunks. Raises `FileNotFoundError` on entering."""

    async def remove(self, paper_id: str) -> None:
        """Removes the file, or the part of one, if it is there."""

    async def list(self) -> Sequence[KeptFile]:
        """All files, and what is left of puts that were killed."""

    async def check(self) -> None: ...


class Reader(Protocol):
    """Reads a file's bytes, well away from everything else."""

    async def read(self, data: bytes, content_type: str, on_progress: Progress) -> Reading:
        """Raises `ReadError` for a file nobody can read and `RetryableError` when another attempt may do."""


class Machine(Protocol):
    """How busy this machine is."""

    def usage(self) -> tuple[float, float]:
        """CPU and memory in use, each in percent."""
