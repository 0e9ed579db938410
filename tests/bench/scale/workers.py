"""One worker and two: papers a minute, and the processor time of a paper over all processes of the service."""

from itertools import islice
from pathlib import Path

import psutil

from tests.bench.report import Report, Step
from tests.bench.scale.growth import Growth
from tests.bench.whole_service import endless_papers, served
from tests.support.live import LiveServer

SIZES = (1, 2)
STEPS = len(SIZES)
COUNT = 30


async def run(folder: Path, step: Step) -> Report:
    growth = Growth("workers", "workers")
    sent = list(islice(endless_papers(), COUNT))
    for size in SIZES:
        step(f"{COUNT} papers with {size} at work")
        place = folder / str(size)
        place.mkdir()
        with LiveServer(place, PAPERS_WORKERS=str(size)) as server:
            before = _spent(server.pid)
            _, minute, _ = await served(server.url, sent)
            spent = _spent(server.pid) - before
        growth.note(size, papers_a_minute=minute, cpu_ms_a_paper=spent / COUNT * 1e3)
    return growth.report("papers_a_minute", "cpu_ms_a_paper")


def _spent(pid: int) -> float:
    """Seconds of a process and all below it; those that ended are in their parents' account."""
    serve = psutil.Process(pid)
    times = [process.cpu_times() for process in (serve, *serve.children(recursive=True))]
    return float(sum(each.user + each.system + each.children_user + each.children_system for each in times))
