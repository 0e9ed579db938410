"""A line of the log says what it is about, for people or for programs."""

import json
import logging
from collections.abc import Iterator

import anyio
import pytest

from app.logs import JsonLine, TextLine, about, note
from tests.support.bench import Bench
from tests.support.log_lines import log_lines


class Kept(logging.Handler):
    """Keeps every line as it would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


logger = logging.getLogger(__name__)


def test_a_line_for_people_ends_with_what_it_is_about(kept: Kept) -> None:
    kept.setFormatter(TextLine("worker"))
    with about(paper="p1", run=2):
        logger.info("the %s is done", "stage")
    (line,) = kept.lines
    assert line.endswith(f"{__name__}: the stage is done paper=p1 run=2")
    assert " INFO    worker[" in line


def test_a_line_for_programs_is_one_json_object_with_the_traceback_inside(kept: Kept) -> None:
    kept.setFormatter(JsonLine("api"))
    with about(paper="p1"):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logger.exception("it failed")
    (line,) = kept.lines
    assert "\n" not in line
    told = json.loads(line)
    assert (told["process"], told["level"], told["message"], told["paper"]) == ("api", "ERROR", "it failed", "p1")
    assert told["time"].endswith("+00:00")
    assert told["exception"].endswith("ValueError: two\nlines")


def test_what_is_inside_adds_to_what_is_around_and_ends_with_it(kept: Kept) -> None:
    kept.setFormatter(TextLine("api"))
    with about(paper="p1"):
        with about(stage="read"):
            logger.info("a")
        note(run=3)
        logger.info("b")
    logger.info("c")
    assert [line.partition("test_logs: ")[2] for line in kept.lines] == [
        "a paper=p1 stage=read",
        "b paper=p1 run=3",
        "c",
    ]


@pytest.mark.parametrize("form", [TextLine("worker"), JsonLine("worker")])
def test_an_error_takes_along_what_it_is_about_to_whoever_tells_it(kept: Kept, form: logging.Formatter) -> None:
    kept.setFormatter(form)
    try:
        with about(paper="p1"), about(stage="read"):
            raise ValueError("a bug")
    except ValueError:
        logger.exception("Celery, say, or the loop around it")
    logger.info("the next line")
    assert [("p1" in line, "read" in line.partition("Traceback")[0]) for line in kept.lines] == [
        (True, True),
        (False, False),
    ]


def test_a_client_s_id_cannot_make_a_line_of_its_own(kept: Kept) -> None:
    kept.setFormatter(TextLine("api"))
    with about(paper="x\n2026 ERROR forged"):
        logger.info("GET %s", "/papers/x")
    (line,) = kept.lines
    assert line.endswith(r'GET /papers/x paper="x\n2026 ERROR forged"')


@pytest.mark.anyio
async def test_it_follows_into_tasks_and_threads(kept: Kept) -> None:
    kept.setFormatter(TextLine("worker"))

    async def task() -> None:
        logger.info("task")
        await anyio.to_thread.run_sync(logger.info, "thread")

    with about(paper="p1"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(task)
    assert [line.partition("test_logs: ")[2] for line in kept.lines] == ["task paper=p1", "thread paper=p1"]


@pytest.mark.anyio
async def test_a_worker_s_lines_are_about_the_run_whoever_told_it_of_it(bench: Bench) -> None:
    """Between two processes no context goes along, as it does from the dispatcher to an eager task."""
    paper_id = await bench.submit_and_queue()
    with log_lines() as lines:
        await bench.services.pipeline.run(paper_id, 1)
    assert {(line.get("paper"), line.get("run")) for line in lines.all} == {(paper_id, 1)}
