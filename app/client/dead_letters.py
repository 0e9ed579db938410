"""What the command `dead-letters` does; each answers the exit status."""

import typer

from app.client.display import printable
from app.client.run import run
from app.client.server import Server
from app.domain.model import format_timestamp


def show(url: str) -> int:
    return run(url, show_letters)


def retry(url: str, paper_id: str) -> int:
    return run(url, lambda server: retry_one(server, paper_id))


def retry_all(url: str) -> int:
    return run(url, retry_each)


async def show_letters(server: Server) -> int:
    """A line for each: when, after how many attempts, which paper, why."""
    count = 0
    async for letter in server.dead_letters():
        count += 1
        when, paper = format_timestamp(letter.failed_at), f"{letter.paper_id}  {printable(letter.filename)}"
        reason = f"{letter.error.detail} ({letter.error.code}, {letter.attempts} attempts)"
        typer.echo(f"{when}  {paper}: {printable(reason)}")
    if not count:
        typer.echo("No paper's attempts ran out.")
    return 0


async def retry_one(server: Server, paper_id: str) -> int:
    await server.retry(paper_id)
    typer.echo(f"Watch it: paper-processing watch {printable(paper_id)} --url {server.url}")
    return 0


async def retry_each(server: Server) -> int:
    """1 when one of them could not be run again."""
    accepted, rejected = await server.retry_all()
    typer.echo(f"{accepted} {'paper is' if accepted == 1 else 'papers are'} run again.")
    for reason in rejected:
        typer.echo(printable(reason), err=True)
    return 1 if rejected else 0
