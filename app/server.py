"""Our WebSocket protocol for uvicorn: shared frames in one write, and an end for readers who do not read.

Under uvicorn alone every `send` waits for room in the transport, one for a close frame too: a reader that stalls never
hears why it is cut off, and holds its connection for ever.
"""

import socket
from asyncio import BaseTransport, Task
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from app.realtime.protocol import MAX_MESSAGE_BYTES, Close
from app.realtime.wire import EXTENSION


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own, which offers itself to the application as a `Wire`."""

    send_buffer = 64 * 1024
    """Bytes asked of the kernel, which doubles them: small enough for a stall to show soon."""
    last_send_buffer = 256 * 1024
    """So many when the close frame is written: room for what the transport still holds and for the frame, at once."""
    abort_after = 2.0
    """Seconds a connection may take to end after that."""

    # -- the Wire

    def write(self, data: bytes) -> bool:
        if not self.transport.is_closing() and not self.close_sent:
            self.transport.write(data)
        return self.writable.is_set()

    async def drained(self) -> None:
        await self.writable.wait()

    def cut(self, code: int, reason: str) -> None:
        if self.transport.is_closing() or self.conn.state is not State.OPEN:
            return
        self.stop_keepalive()
        self._set_send_buffer(self.last_send_buffer)
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:  # the client's own close frame may be on its way
            self.read_paused = False
            self.transport.resume_reading()
        self._abort_later()

    # -- what of uvicorn's is done in another way

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=0)  # writable: the kernel has taken everything
        self._set_send_buffer(self.send_buffer)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][EXTENSION] = {"wire": self}

    def keepalive_timeout(self) -> None:
        """A client that does not answer a ping does not read."""
        self.pong_timer = None
        self.cut(Close.SLOW_CONSUMER.code, Close.SLOW_CONSUMER.reason)

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent:
            self.cut(Close.GOING_AWAY.code, Close.GOING_AWAY.reason)
        else:
            super().shutdown()

    def on_task_complete(self, task: "Task[None]") -> None:
        super().on_task_complete(task)
        if not self.disconnected and self.close_timer is None:
            self._abort_later()  # whoever left without reading what is still to be sent

    def _abort_later(self) -> None:
        self.close_timer = self.loop.call_later(self.abort_after, self.transport.abort)

    def _set_send_buffer(self, size: int) -> None:
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


OPTIONS: dict[str, Any] = {
    "ws": WebSocketProtocol,
    "ws_max_size": MAX_MESSAGE_BYTES,
    "ws_per_message_deflate": False,  # frames are shared: none can be compressed for one socket
}
"""What uvicorn is told of WebSockets."""
