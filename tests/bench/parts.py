"""Runs parts of a benchmark, all or those named as arguments: each in a folder of its own, its findings kept on a page."""

import asyncio
import sys
import tempfile
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench.report import Report, Step


class Part(Protocol):
    """A module that measures one thing."""

    STEPS: int
    """How often `run` tells what it does next."""

    def run(self, folder: Path, step: Step, /) -> Coroutine[None, None, Report]: ...


def main(parts: Mapping[str, Part], page: Path) -> None:
    """The parts by their names on the command line and on the page."""
    names = sys.argv[1:]
    unknown = set(names) - set(parts)
    if unknown:
        sys.exit(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(parts)}.")
    console = Console()
    for name in names or parts:
        report = asyncio.run(_measure(name, parts[name], console))
        console.print(f"[bold]{name}[/]")
        report.show(console)
        report.keep(page, name)


async def _measure(name: str, part: Part, console: Console) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=part.STEPS + 1)
        return await part.run(Path(folder), lambda what: progress.update(task, description=what, advance=1))
