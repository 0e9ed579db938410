"""Uploads a second and papers a minute of `paper-processing serve`, and where the time goes.

The papers are the same that one plain loop works through in this process without any service: no store, no events, no
child process. The ratio says what it costs to be durable, watched and safe from bad files, and what a second core brings.

    python -m tests.bench.whole_service [PAPERS [FLAME GRAPH]]
"""

import asyncio
import io
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import httpx
import psutil
from rich.progress import Progress

from app.extraction import readers
from app.extraction.assemble import build_document
from app.extraction.content_type import detect
from app.extraction.entities import extract_entities
from app.extraction.references import extract_references
from app.extraction.relations import extract_relations
from tests.bench.figures import FIGURES, bars
from tests.support.live import LiveServer

ROOT = Path(__file__).parents[2]
PAPERS = ROOT / "tests" / "test_papers"
AT_ONCE = 8
"""Uploads under way."""
STAGE_SECONDS = re.compile(r'stage_seconds_sum\{stage="(\w+)"\} ([\d.e+-]+)')


def silent(done: int, total: int) -> None:
    pass


def work_through(data: bytes) -> None:
    """All stages but the graph, one after the other."""
    reading = readers.read(data, detect(io.BytesIO(data)), silent)
    document = build_document(reading)
    extract_references(reading, document)
    extract_relations(document, extract_entities(document, silent), silent)


def alone(papers: list[tuple[str, bytes]], progress: Progress) -> float:
    """Papers a minute of the plain loop."""
    start = time.perf_counter()
    for _, data in progress.track(papers, description="the plain loop"):
        work_through(data)
    return 60 * len(papers) / (time.perf_counter() - start)


async def served(
    url: str, papers: list[tuple[str, bytes]], progress: Progress
) -> tuple[float, float, dict[str, float]]:
    """Uploads a second, papers a minute from the first hint to the last end, and the seconds spent in each stage."""
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        task = progress.add_task("uploads", total=len(papers))

        async def upload(name: str, data: bytes) -> str:
            answer = await client.post("/papers/", files={"file": (name, data)})
            progress.advance(task)
            paper_id: str = answer.raise_for_status().json()["id"]
            return paper_id

        start = time.perf_counter()
        ids = await asyncio.gather(*(upload(name, data) for name, data in papers))
        uploads = len(ids) / (time.perf_counter() - start)

        task = progress.add_task("papers", total=len(ids))
        start = time.perf_counter()
        (await client.post("/papers/batch/process", json={"paper_ids": list(ids)})).raise_for_status()
        while left := await unfinished(client):
            progress.update(task, completed=len(ids) - left)
            await asyncio.sleep(0.1)
        minute = 60 * len(ids) / (time.perf_counter() - start)
        progress.update(task, completed=len(ids))
        metrics = (await client.get("/metrics")).text
    return uploads, minute, {stage: float(seconds) for stage, seconds in STAGE_SECONDS.findall(metrics)}


async def unfinished(client: httpx.AsyncClient) -> int:
    status = (await client.get("/system/status")).json()
    left: int = status["queue_length"] + status["active_tasks"] + status["waiting"]
    return left


@contextmanager
def flame_graph(server: psutil.Process, to: Path | None) -> Iterator[None]:
    """Samples every process of the service while the context lasts, where a file for it is named."""
    if to is None:
        yield
        return
    program = str(Path(sys.executable).with_name("py-spy"))
    command = [program, "record", "--subprocesses", "--rate", "50", "--output", str(to), "--pid", str(server.pid)]
    recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)  # it writes what it has
        recorder.wait(60)
        to.write_text(to.read_text().replace(f"{ROOT}/", ""))  # nobody's own folders in it


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    flames = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    files = [file for file in sorted(PAPERS.iterdir()) if file.suffix != ".md" or file.stem != "LICENSES"]
    # No two papers of the service are the same bytes, as no two of its users' are.
    papers = [
        (file.name, file.read_bytes() + b"\n" * number) for number, file in enumerate(islice(cycle(files), count))
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        LiveServer(Path(folder)) as server,
        Progress(transient=True) as progress,
    ):
        with flame_graph(psutil.Process(server.pid), flames):
            uploads, minute, stages = asyncio.run(served(server.url, papers, progress))
        plain = alone(papers, progress)
    print(f"{count} papers, {sum(len(data) for _, data in papers) / 2**20:.1f} MB, {psutil.cpu_count()} cores")
    print(f"  uploads                    {uploads:8.1f} a second")
    print(f"  the service                {minute:8.1f} papers a minute   {minute / plain:5.2f} of the plain loop")
    print(f"  the plain loop, one core   {plain:8.1f} papers a minute")
    total = sum(stages.values())
    for stage, seconds in stages.items():
        print(f"    {stage:24} {100 * seconds / total:6.1f} % of the time in stages")
    bars(
        {stage: 1000 * seconds / count for stage, seconds in stages.items()},
        "milliseconds a paper",
        FIGURES / "stages.svg",
    )


if __name__ == "__main__":
    main()
