"""The two WebSocket endpoints and their AsyncAPI document."""

from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from app.logs import about
from app.realtime.asyncapi import build_asyncapi
from app.realtime.session import Session
from app.realtime.shared import Realtime

router = APIRouter(tags=["events"])


@router.websocket("/ws")
async def watch_everything(websocket: WebSocket, after: str | None = None) -> None:
    await _serve(websocket, None, after)


@router.websocket("/ws/{paper_id}")
async def watch_paper(websocket: WebSocket, paper_id: str, after: str | None = None) -> None:
    await _serve(websocket, paper_id, after)


@router.get("/asyncapi.json")
async def get_asyncapi() -> dict[str, Any]:
    """The events and messages of the WebSockets as an AsyncAPI 3 document."""
    return build_asyncapi()


async def _serve(websocket: WebSocket, paper_id: str | None, after: str | None) -> None:
    shared = cast(Realtime, websocket.state.realtime)
    if not _is_allowed(websocket, shared.allowed_origins):
        body = {"detail": "Pages of this origin may not open sockets; PAPERS_ALLOWED_ORIGINS lists those that may."}
        await websocket.send_denial_response(JSONResponse({**body, "code": "origin_refused"}, 403))
        return
    with about(**({} if paper_id is None else {"paper": paper_id})):
        await Session(websocket, paper_id, after, shared).run()


def _is_allowed(websocket: WebSocket, allowed: tuple[str, ...]) -> bool:
    """A browser says which page opens the socket: ours may, and those listed. Other clients say nothing."""
    origin = websocket.headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed:
        return True
    try:
        return urlsplit(origin).netloc == websocket.headers.get("host")
    except ValueError:
        return False  # no URL at all
