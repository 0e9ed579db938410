"""What the service is compared with: the two ways fan-out is usually written, over Redis pub/sub.

Run as `python -m tests.bench.servers KIND PORT REDIS_URL`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.server import ServerConnection, broadcast, serve

CHANNEL = "events"


async def messages(redis_url: str) -> AsyncIterator[str]:
    async with Redis.from_url(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(CHANNEL)
        async for message in pubsub.listen():
            if message["type"] == "message":
                yield message["data"].decode()


def run_plain(port: int, redis_url: str) -> None:
    """A Starlette application that sends each message to each socket, one after the other."""
    sockets: set[WebSocket] = set()

    async def watch(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets.add(websocket)
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            sockets.discard(websocket)

    async def send() -> None:
        async for text in messages(redis_url):
            for websocket in list(sockets):
                await websocket.send_text(text)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(send())
        yield
        sending.cancel()

    app = Starlette(routes=[WebSocketRoute("/ws", watch)], lifespan=lifespan)
    uvicorn.run(
        app,
        port=port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # behind its own backlog it would miss pongs, and drop readers that are well
        log_level="warning",
    )


async def run_broadcast(port: int, redis_url: str) -> None:
    """The `websockets` library's own server and its `broadcast()`."""
    sockets: set[ServerConnection] = set()

    async def watch(connection: ServerConnection) -> None:
        sockets.add(connection)
        try:
            await connection.wait_closed()
        finally:
            sockets.discard(connection)

    async with serve(watch, "127.0.0.1", port, compression=None, ping_interval=None):
        async for text in messages(redis_url):
            broadcast(sockets, text)


if __name__ == "__main__":
    kind, port, redis_url = sys.argv[1:]
    if kind == "plain":
        run_plain(int(port), redis_url)
    else:
        asyncio.run(run_broadcast(int(port), redis_url))
