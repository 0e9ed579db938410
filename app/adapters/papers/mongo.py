"""Papers in MongoDB: record and events are one document, so one update is one atomic write.

Only what every server that speaks MongoDB's protocol can do is used: no sessions, transactions, aggregation or `$text`.

    papers    _id, record, names, writes, outbox: [{seq, body}]     an event is in `outbox` until it is relayed,
    events    _id = "paper:seq", paper_id, seq, body, relayed_at    here afterwards, and in both between two steps
    outputs, terms                                                  see `mongo_outputs`
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import anyio
from pydantic import JsonValue
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.adapters.papers.cancellation import never_cancelled
from app.adapters.papers.codec import event_from_text, event_to_text, record_from_json, record_to_json
from app.adapters.papers.cursor import Place, decode_cursor, encode_cursor
from app.adapters.papers.mongo_client import open_database
from app.adapters.papers.mongo_errors import answering
from app.adapters.papers.mongo_outputs import MongoOutputs
from app.adapters.papers.text import fold, names
from app.domain.decisions import Change
from app.domain.due import Due
from app.domain.embedding import Embedding
from app.domain.errors import ConflictError, ReadError
from app.domain.events import PaperEvent
from app.domain.lifecycle import RUNNING, Status
from app.domain.model import format_timestamp
from app.domain.paper import DeadLetter, Output, PaperRecord
from app.ports import DeadLetterPage, PaperPage, SearchHit, StoreCounts

WRITES_KEPT = 16
"""Ids of a paper's last writes, for whoever lost the answer to one."""
DUPLICATE_KEY = 11000
CLOSE_SECONDS = 1.0

Found = dict[str, Any]
WITH_WAITING = {"record": 1, "outbox.seq": 1}


def connect(url: str) -> "MongoPaperStore":
    """The store at a URL; its path names the database, `paper_processing` where it has none."""
    return MongoPaperStore(open_database(url))


class MongoPaperStore:
    """The `PaperStore` of many machines."""

    def __init__(self, database: AsyncDatabase[Found]) -> None:
        self._database = database
        self._papers = database["papers"]
        self._events = database["events"]
        self._outputs = MongoOutputs(database)

    @answering
    async def prepare(self) -> None:
        """Makes the indexes that are not there yet; the store is right without them, and slow."""
        await self._papers.create_index([("record.paper.created_at", -1), ("_id", -1)])
        await self._papers.create_index([("record.paper.status", 1), ("record.paper.created_at", -1), ("_id", -1)])
        await self._papers.create_index([("record.deleted_at", 1), ("record.swept", 1)])
        await self._papers.create_index([("outbox.seq", 1)])
        await self._events.create_index([("paper_id", 1), ("seq", 1)])
        await self._events.create_index([("relayed_at", 1)])
        await self._outputs.prepare()

    @answering
    async def insert(self, change: Change) -> None:
        paper = change.record.paper
        try:
            await self._papers.insert_one(
                {
                    "_id": paper.id,
                    "record": record_to_json(change.record, change.record.revision),
                    "names": names(paper.title, paper.filename),
                    "writes": [],
                    "outbox": _entries(change.events),
                }
            )
        except DuplicateKeyError as error:
            raise ConflictError(f"There is a paper with the id {paper.id!r} already.") from error

    @answering
    async def get(self, paper_id: str) -> PaperRecord | None:
        found = await self._papers.find_one({"_id": paper_id}, WITH_WAITING)
        return None if found is None else _record(found)

    @answering
    async def replace(self, change: Change, write_id: str) -> bool:
        paper, revision = change.record.paper, change.record.revision
        written = await self._papers.find_one_and_update(
            {"_id": paper.id, "record.revision": revision},
            {
                "$set": {
                    "record": record_to_json(change.record, revision + 1),
                    "names": names(paper.title, paper.filename),
                },
                "$push": {
                    "outbox": {"$each": _entries(change.events)},
                    "writes": {"$each": [write_id], "$slice": -WRITES_KEPT},
                },
            },
            projection={"_id": 1},
        )
        return written is not None

    @answering
    async def has_written(self, paper_id: str, write_id: str) -> bool:
        return await self._papers.find_one({"_id": paper_id, "writes": write_id}, {"_id": 1}) is not None

    @answering
    async def list(self, status: Status | None, q: str | None, limit: int, cursor: str | None) -> PaperPage:
        wanted: Found = {}
        if status is not None:
            wanted["record.paper.status"] = status.value
        if q:
            # A pattern must not hold the character that ends strings in C.
            wanted["names"] = {"$regex": re.escape(fold(q)).replace("\0", r"\x00")}
        records, following = await self._newest(wanted, limit, cursor)
        return PaperPage(items=tuple(record.paper for record in records), next_cursor=following)

    @answering
    async def dead_letters(self, limit: int, cursor: str | None) -> DeadLetterPage:
        wanted = {
            "record.paper.status": Status.FAILED.value,
            "record.paper.error.code": {"$nin": sorted(ReadError.CODES)},
        }
        records, following = await self._newest(wanted, limit, cursor)
        return DeadLetterPage(items=tuple(map(DeadLetter.of, records)), next_cursor=following)

    @answering
    async def events(self, paper_id: str, after: int, limit: int) -> Sequence[PaperEvent]:
        # The outbox first: an event that has left it since is in `events` by now. One younger than this look at the
        # paper could be there without those before it, so it has to wait for the next.
        paper = await self._papers.find_one({"_id": paper_id}, {"outbox": 1, "record.paper.seq": 1})
        if paper is None:
            return []
        newest = paper["record"]["paper"]["seq"]
        relayed = self._events.find(
            {"paper_id": paper_id, "seq": {"$gt": after, "$lte": newest}}, {"seq": 1, "body": 1}
        )
        entries = {entry["seq"]: entry["body"] for entry in paper["outbox"] if entry["seq"] > after}
        entries |= {
            entry["seq"]: entry["body"] for entry in await relayed.sort([("seq", 1)]).limit(limit).to_list(None)
        }
        return [event_from_text(entries[seq]) for seq in sorted(entries)[:limit]]

    @answering
    async def outbox(self, limit: int) -> Sequence[PaperEvent]:
        events: Entries = []
        cursor = self._papers.find({"outbox.seq": {"$gt": 0}}, {"outbox": 1}).sort([("_id", 1)]).limit(limit)
        try:
            async for paper in cursor:
                events += paper["outbox"]
                if len(events) >= limit:
                    break
        finally:
            await cursor.close()
        return [event_from_text(entry["body"]) for entry in events[:limit]]

    @answering
    async def relayed_since(self, moment: datetime) -> Sequence[PaperEvent]:
        found = self._events.find({"relayed_at": {"$gte": format_timestamp(moment)}}, {"body": 1})
        return [
            event_from_text(event["body"]) for event in await found.sort([("paper_id", 1), ("seq", 1)]).to_list(None)
        ]

    @answering
    async def last_relayed_at(self) -> datetime | None:
        newest = await self._events.find_one({}, {"relayed_at": 1}, sort=[("relayed_at", -1)])
        return None if newest is None else datetime.fromisoformat(newest["relayed_at"])

    @answering
    async def mark_relayed(self, paper_id: str, seq: int, at: datetime) -> None:
        paper = await self._papers.find_one({"_id": paper_id}, {"outbox": 1})
        relayed = [entry for entry in paper["outbox"] if entry["seq"] <= seq] if paper else []
        if not relayed:
            return
        marked = format_timestamp(at)
        try:
            await self._events.insert_many(
                [
                    {"_id": f"{paper_id}:{entry['seq']}", "paper_id": paper_id, "relayed_at": marked, **entry}
                    for entry in relayed
                ],
                ordered=False,
            )
        except BulkWriteError as error:
            if any(failed["code"] != DUPLICATE_KEY for failed in error.details["writeErrors"]):
                raise
            # Another relay was here, or this one before it died: the events are safe, and the outbox can let go of them.
        await self._papers.update_one({"_id": paper_id}, {"$pull": {"outbox": {"seq": {"$lte": seq}}}})

    @answering
    async def mark_again(self, since: datetime, at: datetime) -> None:
        marked_since = {"relayed_at": {"$gte": format_timestamp(since)}}
        await self._events.update_many(marked_since, {"$set": {"relayed_at": format_timestamp(at)}})

    @answering
    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        running = {"$in": sorted(RUNNING)}
        wanted = {
            "record.deleted_at": None,
            "$or": [
                {"record.paper.status": Status.QUEUED.value},
                {"record.paper.status": running, "record.lease": None},
                {"record.paper.status": running, "record.lease.expires_at": {"$lte": format_timestamp(now)}},
            ],
        }
        first = [("record.priority", -1), ("record.paper.queued_at", 1), ("_id", 1)]
        found = await self._papers.find(wanted, {"record": 1}).sort(first).limit(limit).to_list(None)
        records = [_record(paper) for paper in found]
        return [Due.of(record) for record in records]

    @answering
    async def counts(self) -> StoreCounts:
        shown = {"record.deleted_at": None}
        # In this order a run that moves on meanwhile is seen at its old place or at its new one, and so are its events.
        queued = await self._papers.count_documents({**shown, "record.paper.status": Status.QUEUED.value})
        active = await self._papers.count_documents({**shown, "record.paper.status": {"$in": sorted(RUNNING)}})
        with_events = await self._papers.find({"outbox.seq": {"$gt": 0}}, {"outbox.seq": 1}).to_list(None)
        return StoreCounts(queued=queued, active=active, waiting=sum(len(paper["outbox"]) for paper in with_events))

    @answering
    async def tombstones(self, swept: bool, limit: int) -> Sequence[PaperRecord]:
        wanted = {"record.deleted_at": {"$gt": ""}, "record.swept": swept}
        oldest_first = [("record.deleted_at", 1), ("_id", 1)]
        found = await self._papers.find(wanted, WITH_WAITING).sort(oldest_first).limit(limit).to_list(None)
        return [_record(paper) for paper in found]

    @answering
    async def purge(self, paper_id: str) -> None:
        tombstone = {"_id": paper_id, "record.deleted_at": {"$gt": ""}}
        if await self._papers.find_one(tombstone, {"_id": 1}) is None:
            return
        # The tombstone goes last, so that a purge which is cut short is taken up again.
        await self._outputs.prune(paper_id, {})
        await self._events.delete_many({"paper_id": paper_id})
        await self._papers.delete_one(tombstone)

    @answering
    async def put_output(self, paper_id: str, run: int, kind: Output, body: JsonValue) -> None:
        await self._outputs.put(paper_id, run, kind, body)

    @answering
    async def get_output(self, paper_id: str, run: int, kind: Output) -> JsonValue | None:
        return await self._outputs.get(paper_id, run, kind)

    @answering
    async def output_owners(self) -> Sequence[str]:
        return await self._outputs.owners()

    @answering
    async def prune_outputs(self, paper_id: str, keep: dict[Output, int]) -> None:
        await self._outputs.prune(paper_id, keep)

    @answering
    async def put_embedding(self, paper_id: str, run: int, embedding: Embedding) -> None:
        await self._outputs.put_embedding(paper_id, run, embedding)

    @answering
    async def search(self, q: str, limit: int) -> Sequence[SearchHit]:
        return await self._outputs.search(q, limit)

    @answering
    async def nearest(self, meaning: Embedding, limit: int) -> Sequence[str]:
        return await self._outputs.nearest(meaning, limit)

    @answering
    async def check(self) -> None:
        await self._database.command("ping")

    async def close(self) -> None:
        with anyio.move_on_after(CLOSE_SECONDS):  # the driver takes leave of the server, which may stand still
            await never_cancelled(self._database.client.close())

    async def _newest(self, wanted: Found, limit: int, cursor: str | None) -> tuple[Sequence[PaperRecord], str | None]:
        """A page of the papers that are shown, newest first, and the cursor of the next one."""
        wanted = {"record.deleted_at": None, **wanted}
        if cursor is not None:
            place = decode_cursor(cursor)
            wanted["$or"] = [
                {"record.paper.created_at": {"$lt": place.created_at}},
                {"record.paper.created_at": place.created_at, "_id": {"$lt": place.paper_id}},
            ]
        newest_first = [("record.paper.created_at", -1), ("_id", -1)]
        found = await self._papers.find(wanted, {"record": 1}).sort(newest_first).limit(limit + 1).to_list(None)
        records = [_record(paper) for paper in found[:limit]]
        return records, encode_cursor(Place.of(records[-1].paper)) if len(found) > limit else None


Entries = list[Found]


def _entries(events: Sequence[PaperEvent]) -> Entries:
    return [{"seq": event.data.seq, "body": event_to_text(event)} for event in events]


def _record(found: Mapping[str, Any]) -> PaperRecord:
    return record_from_json(found["record"], len(found.get("outbox", ())))
