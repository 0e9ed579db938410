"""What the commands `submit`, `watch` and `check` do; each answers the exit status."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer

from app.client.board import Board
from app.client.display import describe, opened_display, printable
from app.client.errors import ClientError, RefusedError, UnreachableError
from app.client.follower import WAY, Follower, Way
from app.client.run import run
from app.client.server import Server
from app.domain.lifecycle import Status
from app.domain.paper import Paper

T = TypeVar("T")


def submit(url: str, files: Sequence[Path], watch: bool, priority: int | None) -> int:
    send = submit_and_watch if watch else submit_only
    return run(url, lambda server: send(server, files, priority=priority))


def watch(url: str, paper_id: str) -> int:
    return run(url, lambda server: watch_paper(server, paper_id))


def check(url: str) -> int:
    return run(url, check_service)


async def submit_only(server: Server, files: Sequence[Path], priority: int | None = None) -> int:
    """Uploads the files, has them processed, and says how to watch them."""
    files, problems = _readable(files)

    def tell(paper: Paper) -> None:
        typer.echo(f"{paper.id}  {printable(paper.filename)}")

    refused = await _send_all(server, files, priority, tell, lambda _: None)
    _tell_problems([*problems, *refused])
    if len(refused) < len(files):
        typer.echo(f"Watch one of them: paper-processing watch ID --url {server.url}")
    return 1 if problems or refused else 0


async def submit_and_watch(server: Server, files: Sequence[Path], way: Way = WAY, priority: int | None = None) -> int:
    """The same, and stays until every run has ended."""
    files, problems = _readable(files)
    if not files:
        _tell_problems(problems)
        return 1
    with opened_display() as display:
        board = Board(display.show)
        follower = Follower(server, board, way=way)

        async def work() -> list[str]:
            await follower.connected.wait()  # first, so that no event can be missed
            refused = await _send_all(
                server, files, priority, lambda paper: board.follow(paper, paper.run + 1), board.abandon
            )
            await board.until_over()
            return refused

        refused = await _alongside(follower.run(), work())
    return _report(board, [*problems, *refused])


async def watch_paper(server: Server, paper_id: str, way: Way = WAY) -> int:
    """Shows one paper until its run ends; at once when it has."""
    with opened_display() as display:
        board = Board(display.show)
        follower = Follower(server, board, paper_id, way)

        async def work() -> None:
            await follower.connected.wait()
            await board.until_over()

        await _alongside(follower.run(), work())
    return _report(board, [])


async def check_service(server: Server) -> int:
    """Tells how the service is; 1 unless it is well."""
    status = await server.status()
    try:
        rows = {
            "status": status["status"],
            **{f"  {name}": state for name, state in status["services"].items()},
            "workers": status["workers"],
            "queue": f"{status['queue_length']} waiting, {status['active_tasks']} at work",
            "sockets": status["connections"],
        }
        reasons = [str(reason) for reason in status["reasons"]]
    except (KeyError, AttributeError, TypeError) as error:
        raise ClientError(server.strange(f"its status has no {error}")) from error
    for name, value in rows.items():
        typer.echo(f"{printable(name):<12}{printable(str(value))}")
    for reason in reasons:
        typer.echo(f"  - {printable(reason)}")
    return 0 if status["status"] == "ok" else 1


async def _send_all(
    server: Server,
    files: Sequence[Path],
    priority: int | None,
    on_upload: Callable[[Paper], None],
    on_refusal: Callable[[str], None],
) -> list[str]:
    """Uploads each file and has it processed; answers a sentence for each that was not to be."""
    problems: list[str] = []
    for path in files:
        try:
            await _send(server, path, priority, on_upload, on_refusal)
        except UnreachableError as error:
            return [*problems, f"{printable(path.name)} and what follows it was not sent: {error}"]
        except ClientError as error:
            problems.append(f"{printable(path.name)}: {error}")
    return problems


async def _send(
    server: Server,
    path: Path,
    priority: int | None,
    on_upload: Callable[[Paper], None],
    on_refusal: Callable[[str], None],
) -> None:
    paper = await server.upload(path)
    on_upload(paper)
    try:
        await server.process(paper.id, priority)
    except ClientError as error:
        if isinstance(error, RefusedError) and error.status == 409:
            return  # somebody was faster: it is being processed
        on_refusal(paper.id)
        raise


def _readable(files: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files that can be sent, and a sentence for each that cannot."""
    problems = {}
    for path in files:
        try:
            path.open("rb").close()
        except OSError as error:
            problems[path] = f"{printable(str(path))}: it cannot be read ({error.strerror})."
    return [path for path in files if path not in problems], list(problems.values())


def _report(board: Board, problems: list[str]) -> int:
    """Says what became of the papers."""
    for paper, deleted in board.papers:
        if deleted:
            problems.append(f"{printable(paper.filename)}: it was deleted.")
        elif paper.status is not Status.COMPLETED:
            problems.append(f"{printable(paper.filename)}: {paper.error.detail if paper.error else describe(paper)}")
    completed = sum(paper.status is Status.COMPLETED and not deleted for paper, deleted in board.papers)
    _tell_problems(problems)
    if len(board.papers) > 1:
        typer.echo(f"{completed} of {len(board.papers)} papers completed.")
    return 1 if problems else 0


def _tell_problems(problems: Sequence[str]) -> None:
    for problem in problems:
        typer.echo(printable(problem), err=True)


async def _alongside(background: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, or the error of the background if that comes first. Neither outlives the other."""
    behind, ahead = asyncio.create_task(background), asyncio.create_task(work)
    try:
        await asyncio.wait((behind, ahead), return_when=asyncio.FIRST_COMPLETED)
        if not ahead.done():
            behind.result()
        return await ahead
    finally:
        behind.cancel()
        ahead.cancel()
        await asyncio.gather(behind, ahead, return_exceptions=True)
