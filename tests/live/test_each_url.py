"""Each backing service by its URL: alone, with everything else on this machine, and all together."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import SEED_PAPER
from tests.support.fleet import PARTS, real_services
from tests.support.live import LiveLane, LiveServer
from tests.support.s3 import s3_server

pytestmark = [pytest.mark.anyio, pytest.mark.live]

FILES = "PAPERS_FILES_URL"


@pytest.fixture(params=[*PARTS, FILES, "all"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveServer]:
    named = [*PARTS, FILES] if request.param == "all" else [request.param]
    with ExitStack() as stack:
        settings = stack.enter_context(real_services(*(setting for setting in named if setting in PARTS)))
        if FILES in named:
            settings |= {FILES: "s3://papers/files", **stack.enter_context(s3_server()).environment}
        yield stack.enter_context(LiveServer(tmp_path, None, **settings))


async def test_a_paper_goes_all_its_way_over_what_the_urls_name(server: LiveServer) -> None:
    content = SEED_PAPER.read_bytes()
    async with LiveLane(server) as lane:
        paper_id = (await lane.upload(SEED_PAPER.name, content))["id"]
        async with lane.connect(f"/ws/{paper_id}") as socket:
            await lane.process(paper_id)
            await socket.receive_until("paper_status", status="completed")
        assert (await lane.client.get(f"/papers/{paper_id}/file")).content == content
        assert (await lane.client.get("/graph/entities/method:scibert")).json()["papers"] == [paper_id]
        found = (await lane.client.get("/search", params={"q": "named entity recognition"})).json()["items"]
        assert [hit["paper_id"] for hit in found] == [paper_id]
        assert (await lane.client.delete(f"/papers/{paper_id}")).status_code == 204
        await lane.settled()
        assert (await lane.client.get("/graph/entities/method:scibert")).status_code == 404
        lane.check_transcripts()
