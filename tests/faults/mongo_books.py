"""The books of a service that keeps papers in MongoDB, which may be away just now."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure

from tests.faults.books import Books, process_of
from tests.support.transcript import Message

ANSWER_MS = 5000
Found = dict[str, Any]


class MongoBooks(Books):
    """The database and the log of a fleet."""

    def __init__(self, store_url: str, redis_url: str) -> None:
        super().__init__(redis_url)
        self._client = AsyncMongoClient[Found](store_url, serverSelectionTimeoutMS=ANSWER_MS, socketTimeoutMS=ANSWER_MS)
        self._database = self._client.get_default_database()

    async def close(self) -> None:
        await super().close()
        await self._client.close()

    async def stored(self) -> int:
        return sum((await self.seqs()).values())

    async def waiting(self) -> int:
        return sum(len(paper["outbox"]) for paper in await self._papers({"outbox.seq": {"$gt": 0}}, "outbox.seq"))

    async def statuses(self) -> dict[str, str]:
        found = await self._papers({}, "record.paper.status")
        return {paper["_id"]: paper["record"]["paper"]["status"] for paper in found}

    async def seqs(self) -> dict[str, int]:
        return {paper["_id"]: paper["record"]["paper"]["seq"] for paper in await self._papers({}, "record.paper.seq")}

    async def leases(self) -> dict[str, int]:
        held = await self._papers({"record.lease.token": {"$gt": ""}}, "record.lease.owner")
        return {paper["_id"]: process_of(paper["record"]["lease"]["owner"]) for paper in held}

    async def events(self) -> dict[str, list[Message]]:
        """An event is in the outbox, in the collection of those that have left it, or in both."""
        found: dict[str, dict[int, Message]] = {}
        for paper in await self._papers({}, "outbox"):
            found[paper["_id"]] = {entry["seq"]: json.loads(entry["body"]) for entry in paper["outbox"]}
        for entry in await self._find("events", {}, "paper_id", "seq", "body"):
            found[entry["paper_id"]][entry["seq"]] = json.loads(entry["body"])
        return {paper_id: [events[seq] for seq in sorted(events)] for paper_id, events in found.items()}

    async def _papers(self, wanted: Mapping[str, Any], *fields: str) -> list[Found]:
        return await self._find("papers", wanted, *fields)

    async def _find(self, collection: str, wanted: Mapping[str, Any], *fields: str) -> list[Found]:
        while True:
            try:
                return await self._database[collection].find(wanted, dict.fromkeys(fields, 1)).to_list(None)
            except ConnectionFailure:
                await asyncio.sleep(0.05)
