"""Where the API listens: is the place free, and does the API answer there."""

import asyncio
import errno
import socket

from app.supervisor.errors import ServeError

ASK_SECONDS = 0.2
_REASONS = {
    errno.EADDRINUSE: "something else listens there; stop it, or set PAPERS_PORT to another port",
    errno.EACCES: "this user may not listen there; set PAPERS_PORT to a port above 1023",
    errno.EADDRNOTAVAIL: "this machine has no such address; set PAPERS_HOST to one it has",
}


def free_port(host: str, port: int) -> int:
    """The port, after a look whether it can be listened on; one that is free when it is 0."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does
            trial.bind(address)
            return int(trial.getsockname()[1])
    except socket.gaierror as error:
        raise ServeError(f"The host {host!r} is not known ({error.strerror}); PAPERS_HOST sets it.") from error
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror}; PAPERS_HOST and PAPERS_PORT set the place")
        raise ServeError(f"The API cannot listen on {host} port {port}: {reason}.") from error


def reachable(host: str) -> str:
    """The host as a URL of this machine names it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # it is replaced
    return f"[{host}]" if ":" in host else host


async def until_ready(host: str, port: int) -> None:
    """Returns when `GET /health/ready` answers 200."""
    while not await _is_ready(host, port):  # noqa: ASYNC110  # another process gets ready: there is nothing to wait on
        await asyncio.sleep(ASK_SECONDS)


async def _is_ready(host: str, port: int) -> bool:
    """Asks in plain HTTP: a client library would cost `serve` a fifth of a second and buy nothing."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(reachable(host).strip("[]"), port)
            try:
                writer.write(f"GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except OSError:  # refused, reset or timed out: not yet
        return False
