"""`make bench`: all parts, or those named as arguments."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import fan_out, idle, reading, round_trip, whole_service
from tests.bench.report import Report, Step

Part = Callable[[Path, Step], Awaitable[Report]]

PARTS: dict[str, tuple[int, Part]] = {
    "round-trip": (round_trip.STEPS, round_trip.run),
    "fan-out": (fan_out.STEPS, fan_out.run),
    "idle": (idle.STEPS, idle.run),
    "reading": (reading.STEPS, reading.run),
    "whole-service": (whole_service.STEPS, whole_service.run),
}
"""And how many steps each tells of."""


async def main(names: list[str]) -> None:
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    for name in names or PARTS:
        steps, run = PARTS[name]
        with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(name, total=steps + 1)
            report = await run(Path(folder), lambda what: progress.update(task, description=what, advance=1))  # noqa: B023
        console.print(f"[bold]{name}[/]")
        report.show(console)
        report.keep(name)


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    asyncio.run(main(sys.argv[1:]))
