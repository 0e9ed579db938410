"""With an encoder of one's own, papers are found by what they mean: made by the worker, asked of the API."""

from pathlib import Path

import pytest

from app.settings import Settings
from tests.support.answers import items, run_to_its_end
from tests.support.in_process import InProcessLane
from tests.support.networks import encoder
from tests.support.shared import NO_FOLDER

# What runs the network takes longer to import than all of this.
pytestmark = [pytest.mark.anyio, pytest.mark.in_process, pytest.mark.slow]

STARS = (
    b"Looking Far\n\nSomeone Else\n\nAbstract\nA telescope shows a galaxy.\n\n1 Introduction\nThere is more of it.\n"
)
CELLS = (
    b"Looking Near\n\nSomeone Else\n\nAbstract\nA microscope shows a tissue.\n\n1 Introduction\nNo astronomy here.\n"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Astronomy is where telescopes and galaxies are."""
    sky, flesh = (0, 1), (1, 0)
    directions = {"telescope": sky, "galaxy": sky, "astronomy": sky, "microscope": flesh, "tissue": flesh}
    return Settings(data_dir=NO_FOLDER, embedder=encoder(tmp_path / "encoder", directions))


async def process(lane: InProcessLane, name: str, content: bytes) -> str:
    paper_id: str = (await lane.upload(name, content))["id"]
    paper = await run_to_its_end(lane, paper_id)
    assert paper["status"] == "completed"
    return paper_id


async def test_a_paper_is_found_by_what_it_means(in_process: InProcessLane) -> None:
    stars = await process(in_process, "stars.txt", STARS)
    cells = await process(in_process, "cells.txt", CELLS)

    with_the_word, near = await items(in_process, "/search?q=astronomy")
    assert (with_the_word["paper_id"], near["paper_id"]) == (cells, stars)
    assert (near["title"], near["filename"]) == ("Looking Far", "stars.txt")
    assert near["snippet"] == "A telescope shows a galaxy."
    assert with_the_word["score"] == near["score"] == pytest.approx(1 / 61)

    [best] = await items(in_process, "/search?q=telescope&limit=1")
    assert best["paper_id"] == stars
    assert await items(in_process, "/search?q=%3F!") == []

    await in_process.client.delete(f"/papers/{stars}")
    assert [hit["paper_id"] for hit in await items(in_process, "/search?q=astronomy")] == [cells]


async def test_a_paper_is_found_as_soon_as_its_abstract_is_known(in_process: InProcessLane) -> None:
    hold = in_process.hold("references")
    paper_id = (await in_process.upload("stars.txt", STARS))["id"]
    await in_process.process(paper_id)
    await hold.reached()
    assert [hit["paper_id"] for hit in await items(in_process, "/search?q=astronomy")] == [paper_id]
    hold.release()
    await in_process.settled()
