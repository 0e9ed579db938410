"""The service over HTTP, as far as the client needs it."""

import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from pydantic import ValidationError

from app.client.errors import ClientError, RefusedError, UnreachableError
from app.domain.paper import DeadLetter, Paper
from app.ports import DeadLetterPage

_TIMEOUT = httpx.Timeout(60, connect=5)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Server:
    """One service at one URL. Every call raises `RefusedError` or `UnreachableError` when it does not work out."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        parts = _split(url)
        self.url = url.rstrip("/")
        self.is_local = parts.hostname in _LOOPBACK
        self._http = httpx.AsyncClient(
            base_url=self.url,
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=not self.is_local,  # a proxy cannot know what this machine's own addresses mean
            verify=_trust(parts.scheme),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def socket_url(self, path: str, after: str | None) -> str:
        """The WebSocket of the same service."""
        scheme, _, rest = self.url.partition("://")
        query = "" if after is None else f"?after={quote(after, safe='')}"
        return f"{'wss' if scheme.lower() == 'https' else 'ws'}://{rest}{path}{query}"

    async def upload(self, path: Path) -> Paper:
        name = os.fsencode(path.name).decode("utf-8", "replace")
        try:
            with path.open("rb") as file:
                return self._paper(await self._call("POST", "/papers/", files={"file": (name, file)}))
        except OSError as error:
            raise ClientError(f"it cannot be read ({error.strerror})") from error

    async def process(self, paper_id: str, priority: int | None = None) -> None:
        query = "" if priority is None else f"?priority={priority}"
        await self._call("POST", f"/papers/{quote(paper_id, safe='')}/process{query}")

    async def paper(self, paper_id: str) -> Paper:
        return self._paper(await self._call("GET", f"/papers/{quote(paper_id, safe='')}"))

    async def dead_letters(self) -> AsyncIterator[DeadLetter]:
        """All of them, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            query = f"?cursor={quote(cursor, safe='')}" if cursor else ""
            try:
                page = DeadLetterPage.model_validate(await self._call("GET", f"/dead-letters{query}"))
            except ValidationError as error:
                raise ClientError(self.strange("its dead letters have other fields")) from error
            for letter in page.items:
                yield letter
            cursor = page.next_cursor

    async def retry(self, paper_id: str) -> None:
        await self._call("POST", f"/dead-letters/{quote(paper_id, safe='')}/retry")

    async def retry_all(self) -> tuple[int, Sequence[str]]:
        """How many are run again, and a sentence for each that is not."""
        answer = await self._call("POST", "/dead-letters/retry")
        try:
            return len(answer["accepted"]), [f"{each['paper_id']}: {each['detail']}" for each in answer["rejected"]]
        except (KeyError, TypeError) as error:
            raise ClientError(self.strange(f"its answer to a retry has no {error}")) from error

    async def status(self) -> Mapping[str, Any]:
        answer = await self._call("GET", "/system/status")
        if not isinstance(answer, dict):
            raise ClientError(self.strange("its status is not an object"))
        return answer

    def unreachable(self, error: Exception) -> UnreachableError:
        why = str(error) or type(error).__name__
        return UnreachableError(
            f"No service answers at {self.url} ({why}); start one with `paper-processing serve`, or name it with --url."
        )

    def strange(self, what: str) -> str:
        """The sentence for an answer that makes no sense."""
        return f"What answers at {self.url} is no Paper Processing of this version: {what}."

    async def _call(self, method: str, path: str, files: Any = None) -> Any:
        try:
            response = await self._http.request(method, path, files=files)
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        try:
            body = response.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ClientError(self.strange(f"{method} {path} got HTTP {response.status_code} without JSON")) from error
        if response.is_success:
            return body
        detail = body.get("detail") if isinstance(body, dict) else None
        raise RefusedError(response.status_code, str(detail or f"HTTP {response.status_code}"))

    def _paper(self, body: Any) -> Paper:
        try:
            return Paper.model_validate(body)
        except ValidationError as error:
            raise ClientError(self.strange("its papers have other fields")) from error


def _trust(scheme: str) -> ssl.SSLContext:
    """Whom to believe over https. Plain http needs no certificates: reading them costs each start 60 to 200 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if scheme == "http" else httpx.create_ssl_context()


def _split(url: str) -> Any:
    try:
        httpx.URL(url)
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except (ValueError, httpx.InvalidURL):  # a port that is no number, a bracket that is not closed, a line break
        usable = False
    if not usable:
        raise ClientError(f"--url is {url!r}, which is no place of a service; it looks like http://127.0.0.1:8000.")
    return parts
