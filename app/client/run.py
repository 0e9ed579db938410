"""Runs a command against a service."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import typer

from app.client.server import Server


def run(url: str, command: Callable[[Server], Coroutine[Any, Any, int]]) -> int:
    """The exit status of the command; Ctrl-C ends it, and not the service."""

    async def ask() -> int:
        async with Server(url) as server:
            return await command(server)

    try:
        return asyncio.run(ask())
    except KeyboardInterrupt:
        typer.echo("\nNo longer watching; the service goes on.", err=True)
        raise
