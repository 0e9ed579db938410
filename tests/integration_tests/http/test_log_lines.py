"""One paper can be followed through the log of every process: its id is on each line of its way."""

from collections.abc import Iterator

import pytest

from app.domain.stages import STAGES
from tests.support.in_process import InProcessLane
from tests.support.log_lines import LogLines, log_lines

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with log_lines() as lines:
        yield lines


async def test_a_paper_s_whole_way_is_found_by_its_id(in_process: InProcessLane, lines: LogLines) -> None:
    paper = await in_process.upload("a.txt", b"A Title\n\nAbstract\nWe evaluate a neural network on MNIST.\n")
    await in_process.process(paper["id"])
    await in_process.settled()
    told = lines.of(paper["id"])
    messages = [line["message"] for line in told]
    for wanted in ("was uploaded", "POST /papers/ 201", "the run is queued", "/process 200", "the run is claimed"):
        assert sum(wanted in message for message in messages) == 1, (wanted, messages)
    assert [line["stage"] for line in told if "the stage is done" in line["message"]] == [
        stage.name for stage in STAGES
    ]
    assert any("in the log" in message for message in messages), "the relay's part"
    (end,) = [line for line in told if line["message"].startswith("the run is completed")]
    assert end["run"] == 1


async def test_what_ends_a_paper_early_and_its_sockets_is_found_by_its_id_too(
    in_process: InProcessLane, lines: LogLines
) -> None:
    paper_id = (await in_process.upload("a.txt", b"A Title\n\nAbstract\nAll is well.\n"))["id"]
    hold = in_process.hold("dispatch")
    async with in_process.connect(f"/ws/{paper_id}") as socket:
        await in_process.process(paper_id)
        await in_process.client.post(f"/papers/{paper_id}/cancel")
        await in_process.client.delete(f"/papers/{paper_id}")
        await socket.receive_close()
    hold.release()
    await in_process.settled()
    messages = [line["message"] for line in lines.of(paper_id)]
    for wanted in ("the run is cancelled", "the paper is deleted", "the socket is closed"):
        assert sum(wanted in message for message in messages) == 1, (wanted, messages)


async def test_a_file_nobody_can_read_is_told_in_one_line_without_a_traceback(
    in_process: InProcessLane, lines: LogLines
) -> None:
    paper = await in_process.upload("bad.pdf", b"%PDF-1.4 broken")
    await in_process.process(paper["id"])
    await in_process.settled()
    (line,) = [line for line in lines.of(paper["id"]) if "the run is failed" in line["message"]]
    assert "in the stage read: The PDF is damaged" in line["message"]
    assert [line for line in lines.all if line["level"] != "INFO" or "exception" in line] == []


async def test_probes_are_not_told_at_every_turn(in_process: InProcessLane, lines: LogLines) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        await in_process.client.get(path)
    await in_process.client.get("/papers/?q=x")
    told = [line["message"] for line in lines.all if line["logger"] == "app.api.requests"]
    assert len(told) == 1
    assert told[0].startswith("GET /papers/ 200")
