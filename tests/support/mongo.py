"""A MongoDB for tests, in memory: mongomock behind the few calls the adapter makes, made as honest as the real one.

What mongomock does not do by itself, and MongoDB does: one call is atomic among threads, a call gives way to other tasks, an
update that fails changes nothing, a document has at most 16 MB.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import bson
import mongomock
from mongomock_motor import AsyncMongoMockClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DocumentTooLarge, WriteError

T = TypeVar("T")
Document = dict[str, Any]

LIMIT = 16 * 1024 * 1024
"""Bytes a document may have."""


class MongoServer:
    """What any number of clients share: the data, and one lock round each call."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.data: Any = mongomock.MongoClient()
        self.lock = threading.Lock()
        self.limit = limit

    async def travel(self) -> None:
        """The way of a call to the server: others' calls come in between."""
        await asyncio.sleep(0)

    async def travel_back(self) -> None:
        """The way of the answer."""

    def connect(self, name: str = "papers") -> AsyncDatabase[Document]:
        """A client of its own, as each event loop needs one."""
        return cast("AsyncDatabase[Document]", _Database(self, name))


class _Database:
    def __init__(self, server: MongoServer, name: str) -> None:
        self._server = server
        self.client = _Client()
        self._mock: Any = AsyncMongoMockClient(mock_mongo_client=server.data)[name]

    def __getitem__(self, name: str) -> "_Collection":
        return _Collection(self._server, self._mock[name])

    async def command(self, command: str) -> Document:
        answer: Document = await self._mock.command(command)
        return answer


class _Client:
    async def close(self) -> None:
        """The data stays, as a server's does."""


class _Collection:
    """The calls an adapter may make. Any other is an AttributeError: mongomock and MongoDB differ there."""

    def __init__(self, server: MongoServer, mock: Any) -> None:
        self._server = server
        self._mock = mock

    async def find_one(self, *args: Any, **kwargs: Any) -> Document | None:
        return await self._call(lambda: self._mock.find_one(*args, **kwargs))

    def find(self, *args: Any) -> "_Cursor":
        return _Cursor(self._call, self._mock.find(*args))

    async def count_documents(self, wanted: Document) -> int:
        return await self._call(lambda: self._mock.count_documents(wanted))

    async def estimated_document_count(self) -> int:
        return await self._call(self._mock.estimated_document_count)

    async def create_index(self, keys: list[tuple[str, int]]) -> str:
        return await self._call(lambda: self._mock.create_index(keys))

    async def insert_one(self, document: Document) -> Any:
        self._check_sent(document)
        return await self._call(lambda: self._mock.insert_one(document))

    async def insert_many(self, documents: list[Document], *, ordered: bool) -> Any:
        for document in documents:
            self._check_sent(document)
        return await self._call(lambda: self._mock.insert_many(documents, ordered=ordered))

    async def replace_one(self, wanted: Document, document: Document, *, upsert: bool) -> Any:
        self._check_sent(document)
        return await self._call(lambda: self._mock.replace_one(wanted, document, upsert=upsert))

    async def update_one(self, wanted: Document, update: Document) -> Any:
        return await self._call(lambda: self._whole(wanted, lambda: self._mock.update_one(wanted, update)))

    async def update_many(self, wanted: Document, update: Document) -> Any:
        assert len(update) == 1, "with several operators a failed update leaves half a document"
        return await self._call(lambda: self._mock.update_many(wanted, update))

    async def find_one_and_update(self, wanted: Document, update: Document, **kwargs: Any) -> Document | None:
        return await self._call(
            lambda: self._whole(wanted, lambda: self._mock.find_one_and_update(wanted, update, **kwargs))
        )

    async def delete_one(self, wanted: Document) -> Any:
        return await self._call(lambda: self._mock.delete_one(wanted))

    async def delete_many(self, wanted: Document) -> Any:
        return await self._call(lambda: self._mock.delete_many(wanted))

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._server.travel()
        with self._server.lock:
            answer = await call()  # never waits for anything, so the lock is held for the call alone
        await self._server.travel_back()
        return answer

    async def _whole(self, wanted: Document, update: Callable[[], Awaitable[T]]) -> T:
        """The update, or nothing of it."""
        before = await self._mock.find_one(wanted)
        if before is None:
            return await update()
        this = {"_id": before["_id"]}
        try:
            answer = await update()
            if len(bson.encode(await self._mock.find_one(this))) > self._server.limit:
                raise WriteError("Resulting document after update is larger than the limit", 17419)
        except BaseException:
            await self._mock.replace_one(this, before)
            raise
        return answer

    def _check_sent(self, document: Document) -> None:
        if len(bson.encode(document)) > self._server.limit:
            raise DocumentTooLarge("the document is larger than the limit")


class _Cursor:
    """Reads when it is first asked for a document, like the driver's."""

    def __init__(self, call: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]], mock: Any) -> None:
        self._call = call
        self._mock = mock
        self._found: list[Document] | None = None

    def sort(self, keys: list[tuple[str, int]]) -> "_Cursor":
        self._mock.sort(keys)
        return self

    def limit(self, limit: int) -> "_Cursor":
        self._mock.limit(limit)
        return self

    async def to_list(self, length: None) -> list[Document]:
        return cast("list[Document]", await self._call(lambda: self._mock.to_list(length)))

    def __aiter__(self) -> "_Cursor":
        return self

    async def __anext__(self) -> Document:
        if self._found is None:
            self._found = list(reversed(await self.to_list(None)))
        if not self._found:
            raise StopAsyncIteration
        return self._found.pop()

    async def close(self) -> None:
        self._found = []
