"""A server that greets as MongoDB does, sessions and all, answers every command with `ok`, and can fall silent.

What MongoDB itself does and the servers with its protocol here do not: it has sessions, of which a client takes leave.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import Struct
from typing import Any

import bson

_HEADER = Struct("<iiii")
_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_GREETING = {
    "ok": 1.0,
    "isWritablePrimary": True,
    "ismaster": True,
    "helloOk": True,
    "minWireVersion": 0,
    "maxWireVersion": 25,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48 * 10**6,
    "maxWriteBatchSize": 100_000,
    "logicalSessionTimeoutMinutes": 30,
}


class SpeakingMongo:
    """Where it is, and what it was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.commands: list[str] = []
        self._speaks = True
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def fall_silent(self) -> None:
        """From now on it listens, and says nothing."""
        self._speaks = False

    async def hang_up(self) -> None:
        for writer in self._conversations.values():
            writer.transport.abort()
        if self._conversations:
            await asyncio.wait(self._conversations)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._conversations[asyncio.create_task(self._converse(reader, writer))] = writer

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while header := await reader.readexactly(_HEADER.size):
                length, request, _, kind = _HEADER.unpack(header)
                body = await reader.readexactly(length - _HEADER.size)
                answer = self._answer(request, kind, body)
                if self._speaks:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, request: int, kind: int, body: bytes) -> bytes:
        if kind == _OP_QUERY:  # the first word of a connection: flags, the collection's name, two numbers, the question
            return _message(request, _OP_REPLY, bytes(16) + b"\1\0\0\0" + bson.encode(_GREETING))
        command: dict[str, Any] = bson.decode(body[5:])  # after flags and the kind of its only section
        self.commands.append(next(iter(command)))
        greets = self.commands[-1] in {"hello", "ismaster", "isMaster"}
        return _message(request, _OP_MSG, bytes(5) + bson.encode(_GREETING if greets else {"ok": 1.0}))


@asynccontextmanager
async def speaking_mongo() -> AsyncIterator[SpeakingMongo]:
    mongo = SpeakingMongo()
    server = await asyncio.start_server(mongo.accept, "127.0.0.1", 0)
    mongo.url = f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/papers"
    try:
        yield mongo
    finally:
        server.close()
        await mongo.hang_up()


def _message(request: int, kind: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), 0, request, kind) + body
