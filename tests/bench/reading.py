"""The reader stage against bare pypdfium2, which gives each character and its box and nothing more.

python -m tests.bench.reading [FOLDER OF PDFS]
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium
from rich.progress import track

from app.adapters.reader.subprocess import SubprocessReader
from app.extraction import readers
from app.extraction.content_type import PDF
from tests.bench.figures import FIGURES, bars

PAPERS = Path(__file__).parents[1] / "test_papers"
ROUNDS = 5

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


def measure(files: list[Path]) -> tuple[int, dict[str, float]]:
    """Pages of all files, and the seconds each way took for them: the best of some rounds, each file in turn."""
    pages, seconds = 0, dict.fromkeys(WAYS, 0.0)
    for file in track(files, "reading", transient=True):
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


def main() -> None:
    files = sorted(Path(sys.argv[1] if len(sys.argv) > 1 else PAPERS).rglob("*.pdf"))
    pages, seconds = measure(files)
    rates = {name: pages / spent for name, spent in seconds.items()}
    print(f"{len(files)} papers, {pages} pages, the best of {ROUNDS} rounds each")
    for name, rate in rates.items():
        print(f"  {name:34} {rate:7.1f} pages/s   {rate / rates['bare pypdfium2']:5.2f} of bare pypdfium2")
    bars(rates, "pages a second", FIGURES / "reading.svg")


if __name__ == "__main__":
    main()
