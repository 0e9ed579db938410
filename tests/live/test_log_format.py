"""`PAPERS_LOG_FORMAT` arrives in every process that `serve` starts."""

import re
from pathlib import Path

import pytest

from tests.support.live import LiveLane, LiveServer

pytestmark = [pytest.mark.anyio, pytest.mark.live]


async def test_every_process_writes_its_log_as_the_setting_says(tmp_path: Path) -> None:
    with LiveServer(tmp_path, PAPERS_LOG_FORMAT="text", PAPERS_WORKER="1") as server:
        async with LiveLane(server) as lane:
            paper = await lane.upload("short.txt", b"We train BERT on SQuAD.")
            await lane.process(paper["id"])
            await lane.settled()
    said = server.log.read_text()
    told = set(re.findall(r"^[\d-]{10} [\d:.]{12} [A-Z]+ +(\w+)\[\d+\] ", said, re.MULTILINE))
    assert told == {"serve", "api", "worker"}, said
    assert '{"time"' not in said
