"""Uploads a second and papers a minute of `paper-processing serve`, and where the time goes.

The papers are the same that one plain loop works through in this process without any service: no store, no events, no
child process. The ratio says what it costs to be durable, watched and safe from bad files, and what a second core brings.
The flame graph is of papers that come after those measured: looking costs time.
"""

import asyncio
import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import httpx
import psutil

from app.extraction import readers
from app.extraction.assemble import build_document
from app.extraction.content_type import detect
from app.extraction.entities import extract_entities
from app.extraction.references import extract_references
from app.extraction.relations import extract_relations
from tests.bench.figures import FIGURES, bars
from tests.bench.report import Report, Step
from tests.support.live import LiveServer

ROOT = Path(__file__).parents[2]
PAPERS = ROOT / "tests" / "test_papers"
COUNT, SAMPLED = 100, 50
STEPS = 3
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


def endless_papers() -> Iterator[tuple[str, bytes]]:
    """Without end. No two are the same bytes, as no two of a service's users' are."""
    files = [file for file in sorted(PAPERS.iterdir()) if file.name != "LICENSES.md"]
    for number in count():
        file = files[number % len(files)]
        yield file.name, file.read_bytes() + b"\n" * number


def alone(papers: list[tuple[str, bytes]]) -> float:
    """Papers a minute of the plain loop."""
    start = time.perf_counter()
    for _, data in papers:
        work_through(data)
    return 60 * len(papers) / (time.perf_counter() - start)


async def served(url: str, papers: list[tuple[str, bytes]]) -> tuple[float, float, dict[str, float]]:
    """Uploads a second, papers a minute from the first hint to the last end, and the seconds spent in each stage."""
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def upload(name: str, data: bytes) -> str:
            answer = await client.post("/papers/", files={"file": (name, data)})
            paper_id: str = answer.raise_for_status().json()["id"]
            return paper_id

        start = time.perf_counter()
        ids = await asyncio.gather(*(upload(name, data) for name, data in papers))
        uploads = len(ids) / (time.perf_counter() - start)

        start = time.perf_counter()
        (await client.post("/papers/batch/process", json={"paper_ids": list(ids)})).raise_for_status()
        while await unfinished(client):
            await asyncio.sleep(0.1)
        minute = 60 * len(ids) / (time.perf_counter() - start)
        metrics = (await client.get("/metrics")).text
    return uploads, minute, {stage: float(seconds) for stage, seconds in STAGE_SECONDS.findall(metrics)}


async def unfinished(client: httpx.AsyncClient) -> int:
    status = (await client.get("/system/status")).json()
    left: int = status["queue_length"] + status["active_tasks"] + status["waiting"]
    return left


@contextmanager
def flame_graph(server: psutil.Process, to: Path) -> Iterator[None]:
    """Samples every process of the service while the context lasts."""
    program = str(Path(sys.executable).with_name("py-spy"))
    command = [program, "record", "--subprocesses", "--rate", "50", "--output", str(to), "--pid", str(server.pid)]
    recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)  # it writes what it has
        recorder.wait(60)
        # Nobody's own folders in it, nor the beginning of one, cut off to fit a box.
        drawn = to.read_text().replace(f"{ROOT}/", "")
        to.write_text(re.sub(r"&quot;/[^<]*\.\.<", "&quot;..<", drawn))


async def run(folder: Path, step: Step) -> Report:
    papers = list(islice(endless_papers(), COUNT + SAMPLED))
    with LiveServer(folder) as server:
        step(f"{COUNT} papers to the service")
        uploads, minute, stages = await served(server.url, papers[:COUNT])
        step(f"{SAMPLED} more, and where the time goes")
        with flame_graph(psutil.Process(server.pid), FIGURES / "flames.svg"):
            await served(server.url, papers[COUNT:])
    step(f"{COUNT} papers in a plain loop")
    plain = await asyncio.to_thread(alone, papers[:COUNT])
    total = sum(stages.values())
    milliseconds = {stage: 1000 * seconds / COUNT for stage, seconds in stages.items()}
    bars(milliseconds, "milliseconds a paper", FIGURES / "stages.svg")
    megabytes = sum(len(data) for _, data in papers[:COUNT]) / 2**20
    return Report(
        (f"{COUNT} papers, {megabytes:.0f} MB, {psutil.cpu_count()} cores", "figure"),
        [
            ("uploads a second", f"{uploads:.1f}"),
            ("papers a minute, the service", f"{minute:.0f}"),
            ("papers a minute, the plain loop on one core", f"{plain:.0f}"),
            *(
                (f"of the time in stages: {stage}", f"{100 * seconds / total:.1f} %")
                for stage, seconds in stages.items()
            ),
        ],
        [f"the service works through {minute / plain:.2f} times the papers of the plain loop"],
    )
