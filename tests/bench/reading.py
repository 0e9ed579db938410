"""The reader stage against bare pypdfium2, which gives each character and its box and nothing more."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium

from app.adapters.reader.subprocess import SubprocessReader
from app.extraction import readers
from app.extraction.content_type import PDF
from tests.bench.figures import FIGURES, bars
from tests.bench.report import Report, Step

FILES = sorted((Path(__file__).parents[1] / "test_papers").glob("*.pdf"))
ROUNDS = 5
STEPS = len(FILES)

Way = Callable[[bytes], int]
"""Reads a file; answers its pages."""


def bare(data: bytes) -> int:
    """The text of each page, and where each of its characters stands."""
    document = pdfium.PdfDocument(data)
    for page in document:
        text = page.get_textpage()
        text.get_text_range()
        for index in range(text.count_chars()):
            text.get_charbox(index)
    return len(document)


def ours(data: bytes) -> int:
    return readers.read(data, PDF, lambda done, total: None).pages


def child(data: bytes) -> int:
    """As a worker does it: in a process of its own, with limits."""

    async def nothing(done: int, total: int) -> None: ...

    return asyncio.run(SubprocessReader().read(data, PDF, nothing)).pages


WAYS: dict[str, Way] = {"bare pypdfium2": bare, "our reader": ours, "our reader in its child process": child}


async def run(_: Path, step: Step) -> Report:
    pages, seconds = await asyncio.to_thread(measure, step)
    rates = {name: pages / spent for name, spent in seconds.items()}
    bars(rates, "pages a second", FIGURES / "reading.svg")
    plain = rates["bare pypdfium2"]
    return Report(
        (f"{len(FILES)} papers, {pages} pages", "pages/s", "of bare pypdfium2"),
        [(name, f"{rate:.1f}", f"{rate / plain:.2f}") for name, rate in rates.items()],
        [f"our reader gives {rates['our reader'] / plain:.2f} of bare pypdfium2's pages a second"],
    )


def measure(step: Step) -> tuple[int, dict[str, float]]:
    """Pages of all files, and the seconds each way took for them: the best of some rounds, each file in turn."""
    pages, seconds = 0, dict.fromkeys(WAYS, 0.0)
    for file in FILES:
        step(file.name)
        data = file.read_bytes()
        best = dict.fromkeys(WAYS, float("inf"))
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                start = time.perf_counter()
                count = way(data)
                best[name] = min(best[name], time.perf_counter() - start)
        pages += count
        for name, spent in best.items():
            seconds[name] += spent
    return pages, seconds
