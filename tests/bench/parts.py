"""Runs parts of a benchmark, all or those named as arguments: each in a folder of its own, its findings kept on a page."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench.report import Report, Step

Part = Callable[[Path, Step], Awaitable[Report]]
Parts = Mapping[str, tuple[int, Part]]
"""By name; and how many steps each tells of."""


def main(parts: Parts, page: Path) -> None:
    names = sys.argv[1:]
    unknown = set(names) - set(parts)
    if unknown:
        sys.exit(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(parts)}.")
    asyncio.run(_measure(parts, names or list(parts), page))


async def _measure(parts: Parts, names: list[str], page: Path) -> None:
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    for name in names:
        steps, run = parts[name]
        with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(name, total=steps + 1)
            report = await run(Path(folder), lambda what: progress.update(task, description=what, advance=1))  # noqa: B023
        console.print(f"[bold]{name}[/]")
        report.show(console)
        report.keep(page, name)
