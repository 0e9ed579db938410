"""`make bench`: all parts, or those named as arguments."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.bench.fan_out import CLIENT_CORE, KINDS, PLAIN, RATE, SERVICE, Step, fan_out
from tests.bench.figures import FIGURES, bars
from tests.bench.idle import memory, unwatched
from tests.bench.round_trip import ROUNDS, round_trip

COUNTS = (200, 1000)
SECONDS = 4.0

console = Console()


async def run_round_trip(folder: Path, step: Step) -> None:
    found = await round_trip(folder, step)
    table = Table("round trip, in-process", "µs", title="A message there and back")
    for name, microseconds in found.items():
        table.add_row(name, f"{microseconds:,.0f}")
    console.print(table)
    empty, ours = found.values()
    console.print(f"the suite takes [bold]{ours / empty:.1f} times[/] as long as an empty application\n")
    bars(found, "µs", FIGURES / "round-trip.svg")


async def run_fan_out(folder: Path, step: Step) -> None:
    found = await fan_out(folder, COUNTS, SECONDS, step)
    columns = (
        "sockets",
        "server",
        "deliveries/s",
        "a CPU second",
        f"p50 ms at {RATE}/s",
        "p99 ms",
        "CPU µs a delivery",
    )
    table = Table(*columns, title="From log append to socket")
    for (count, name), result in found.items():
        figures = (result.saturated, result.per_cpu_second, result.p50, result.p99, result.cpu_per_delivery)
        table.add_row(str(count), name, *(f"{figure:,.{0 if figure > 1000 else 1}f}" for figure in figures))
    console.print(table)
    for count in COUNTS:
        plain, ours = found[count, PLAIN.name], found[count, SERVICE.name]
        console.print(
            f"{count} sockets: [bold]{ours.saturated / plain.saturated:.1f} times[/] the plain loop at saturation "
            f"({ours.per_cpu_second / plain.per_cpu_second:.1f} times by CPU), "
            f"[bold]{ours.p50 / plain.p50:.2f} times[/] its median latency, {ours.p99 / plain.p99:.2f} times its p99"
        )
    console.print()
    named = {f"{name}, {count} sockets": result for (count, name), result in found.items()}
    saturated = {name: result.saturated / 1000 for name, result in named.items()}
    bars(saturated, "thousand deliveries a second, at saturation", FIGURES / "fan-out.svg")
    medians = {name: result.p50 for name, result in named.items()}
    bars(medians, f"median ms from append to socket, at {RATE} events a second", FIGURES / "fan-out-latency.svg")


async def run_idle(folder: Path, step: Step) -> None:
    sockets, events = await memory(folder, step), await unwatched(folder, step)
    table = Table("idle", "cost", title="Who hears nothing")
    for name, kilobytes in sockets.items():
        table.add_row(f"a socket, {name}", f"{kilobytes:,.1f} KB")
    for what, microseconds in events.items():
        table.add_row(f"an event of a paper that {what}", f"{microseconds:,.0f} µs of CPU")
    console.print(table)
    console.print(
        f"an idle socket takes [bold]{sockets[SERVICE.name] / sockets[PLAIN.name]:.1f} times[/] the plain one's"
    )
    nobody, everybody = events.values()
    console.print(f"an event nobody watches costs [bold]{nobody / everybody:.2f}[/] of one that 200 sockets get\n")
    bars(sockets, "KB of the server's memory an idle socket", FIGURES / "idle-sockets.svg")
    bars(events, "µs of the service's processor time an event", FIGURES / "unwatched.svg")


PARTS: dict[str, tuple[int, Callable[[Path, Step], Awaitable[None]]]] = {
    "round-trip": (ROUNDS, run_round_trip),
    "fan-out": (len(COUNTS) * len(KINDS), run_fan_out),
    "idle": (len(KINDS) + 2, run_idle),
}


async def main(names: list[str]) -> None:
    psutil.Process().cpu_affinity([CLIENT_CORE])
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    for name in names or PARTS:
        steps, run = PARTS[name]
        with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(name, total=steps + 1)

            def step(what: str, progress: Progress = progress, task: object = task) -> None:
                progress.update(task, description=what, advance=1)  # type: ignore[arg-type]

            await run(Path(folder), step)


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    asyncio.run(main(sys.argv[1:]))
