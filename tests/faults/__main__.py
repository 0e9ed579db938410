"""`python -m tests.faults`: as many rounds of each fault as wanted, a progress bar, a table."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tests.faults import report
from tests.faults.fault import AnyFault
from tests.faults.faults import FAULTS
from tests.faults.fleet_faults import FLEET_FAULTS
from tests.faults.plan import Round, parse_faults, parse_seed
from tests.faults.rounds import Outcome, run_round
from tests.faults.servers import Servers, ServersError


async def run_rounds(plan: Sequence[Round], folder: Path, jobs: int, tell: Callable[[Outcome], None]) -> None:
    """Runs each of the rounds planned, so many at once, and tells what came of it."""
    left = iter(plan)
    on_servers = any(fault in FLEET_FAULTS for fault, _ in plan)

    async def work(job: int) -> None:
        """One round after the other, on the same servers: starting a Neo4j takes longer than most rounds."""
        async with AsyncExitStack() as stack:
            servers = await stack.enter_async_context(Servers(folder / f"servers-{job}")) if on_servers else None
            for fault, seed in left:
                tell(await run_round(fault, seed, folder / f"{fault.name}-{seed}", servers))

    await asyncio.gather(*(work(job) for job in range(min(jobs, len(plan)))))


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whichever way it ends, it leaves no service running
    faults: tuple[AnyFault, ...] = FLEET_FAULTS if options.fleet else FAULTS
    tried: tuple[AnyFault, ...] = options.fault or faults
    plan = [options.seed] if options.seed else [(fault, seed) for seed in range(options.rounds) for fault in tried]
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    console = Console()
    outcomes = _run(plan, folder, options.jobs, console)
    table = Table(*report.HEADINGS, box=None)
    for row in report.rows(outcomes):
        table.add_row(*row)
    Console(width=max(console.width, 150)).print(table)
    if any(outcome.complaints for outcome in outcomes):
        return 1
    if len(outcomes) == len(plan):
        shutil.rmtree(folder)
    else:
        console.print(f"What had not ended left its logs in {folder}.")
    rounds = report.had_by_all(outcomes, faults, options.rounds)
    if rounds and not options.seed:
        command = f"make test-faults {'FLEET=1 ' * options.fleet}ROUNDS={rounds}"
        had = [outcome for outcome in outcomes if outcome.seed < rounds]
        report.write(had, command, "fleet-faults" if options.fleet else "faults")
        console.print(f"The table of {rounds} rounds of each is in {report.PAGE.relative_to(Path.cwd())}.")
    return 0 if len(outcomes) == len(plan) else 1


def _run(plan: Sequence[Round], folder: Path, jobs: int, console: Console) -> list[Outcome]:
    """What came of the rounds, until all are done or somebody would not wait for more; each failure told as it happens."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    outcomes: list[Outcome] = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("rounds", total=len(plan))

        def tell(outcome: Outcome) -> None:
            progress.advance(task)
            outcomes.append(outcome)
            if outcome.complaints:
                console.print(
                    f"[red]{outcome.name}[/] failed; again: {report.how_to_reproduce(outcome)}; see {folder / outcome.name}"
                )
                for complaint in outcome.complaints[:10]:
                    console.print(f"  {complaint.kind}: {complaint.sentence}", markup=False, soft_wrap=True)

        with suppress(KeyboardInterrupt):
            try:
                asyncio.run(run_rounds(plan, folder, jobs, tell))
            except ServersError as error:
                console.print(str(error), markup=False)
    return outcomes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of each fault")
    parser.add_argument("--fault", type=parse_faults, help="only these, separated by commas")
    parser.add_argument("--fleet", action="store_true", help="those of two APIs and three workers on real servers")
    parser.add_argument("--seed", type=parse_seed, help="only this round, as a failing one names it: worker-17")
    parser.add_argument("--jobs", type=int, default=2, help="rounds at once: most of one is waiting for a lease to end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
