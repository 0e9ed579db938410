"""The reader stage against bare pypdfium2, which gives each character and its box and nothing more."""

import asyncio
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import pypdfium2 as pdfium
from anyio.from_thread import BlockingPortal, start_blocking_portal

from app.adapters.reader.subprocess import SubprocessReader
from app.extraction import readers
from app.extraction.content_type import PDF, TEXT
from tests.bench.figures import FIGURES, bars
from tests.bench.report import Report, Step

FILES = sorted((Path(__file__).parents[1] / "test_papers").glob("*.pdf"))
ROUNDS = 5
STEPS = len(FILES)
BARE, OURS, CHILD = "bare pypdfium2", "our reader", "our reader in its child process"

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


def child(portal: BlockingPortal, reader: SubprocessReader, content_type: str, data: bytes) -> int:
    """As a worker does it: in a process of its own, with limits."""

    async def nothing(done: int, total: int) -> None: ...

    return portal.call(reader.read, data, content_type, nothing).pages


@contextmanager
def worker() -> Iterator[Callable[[str, bytes], int]]:
    """A reader of child processes, as one worker has it for all its files."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(SubprocessReader()) as reader:
        yield partial(child, portal, reader)


async def run(_: Path, step: Step) -> Report:
    pages, seconds, processor = await asyncio.to_thread(measure, step)
    first, later = await asyncio.to_thread(a_line)
    rates = {name: pages / spent for name, spent in seconds.items()}
    bars(rates, "pages a second", FIGURES / "reading.svg")
    plain, of_plain = rates[BARE], {name: processor[BARE] / spent for name, spent in processor.items()}
    return Report(
        (f"{len(FILES)} papers, {pages} pages", "pages/s", "of bare pypdfium2", "by CPU"),
        [(name, f"{rate:.1f}", f"{rate / plain:.2f}", f"{of_plain[name]:.2f}") for name, rate in rates.items()],
        [
            f"our reader gives {rates[OURS] / plain:.2f} of bare pypdfium2's pages a second, "
            f"{rates[CHILD] / plain:.2f} in a child process",
            f"in a second of the processor {of_plain[OURS]:.2f}, and {of_plain[CHILD]:.2f} in a child process",
            f"a file of one line takes {later * 1000:.1f} ms in a child, the first one of a worker {first * 1000:.0f} ms",
        ],
    )


def measure(step: Step) -> tuple[int, dict[str, float], dict[str, float]]:
    """Pages of all files, and what each way took for them: the best seconds of some rounds, each file in turn; and
    the seconds of processor time in all rounds, other processes and their start included."""
    pages, seconds, processor = 0, defaultdict[str, float](float), defaultdict[str, float](float)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    with worker() as in_a_child:
        ways: dict[str, Way] = {BARE: bare, OURS: ours, CHILD: partial(in_a_child, PDF)}
        for file in FILES:
            step(file.name)
            data = file.read_bytes()
            best = dict.fromkeys(ways, float("inf"))
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    start, worked = time.perf_counter(), time.process_time()
                    count = way(data)
                    best[name] = min(best[name], time.perf_counter() - start)
                    processor[name] += time.process_time() - worked
            pages += count
            for name, spent in best.items():
                seconds[name] += spent
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor[CHILD] += ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime
    return pages, seconds, processor


def a_line() -> tuple[float, float]:
    """Seconds that a worker's first file takes when there is next to nothing in it, and the median of later ones."""
    spent = []
    with worker() as in_a_child:
        for _ in range(10 * ROUNDS):
            start = time.perf_counter()
            in_a_child(TEXT, b"One line.")
            spent.append(time.perf_counter() - start)
    return spent[0], median(spent[1:])
