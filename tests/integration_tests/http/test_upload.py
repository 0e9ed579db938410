"""`POST /papers/`: what is taken in, and under which name and type."""

from hashlib import sha256
from pathlib import Path

import pytest

from app.extraction import content_type as types
from tests.support.answers import body
from tests.support.lane import Lane

pytestmark = pytest.mark.anyio

PAPERS = Path(__file__).parents[2] / "test_papers"
PAPER = b"A Short Paper\n\nWe say little, and we say it in plain text."

TYPES = {
    "specter.pdf": types.PDF,
    "test_paper_content.txt": types.TEXT,
    "collaborative_writing.md": types.MARKDOWN,
    "wheat_metabolites.html": types.HTML,
    "collaborative_writing.docx": types.DOCX,
    "wheat_metabolites.xml": types.JATS,
    "own_example.tex": types.LATEX,
}


async def test_an_upload_is_answered_by_201_its_location_and_its_snapshot(lane: Lane) -> None:
    answer = await lane.client.post("/papers/", files={"file": ("short.txt", PAPER)})
    paper = body(answer, 201)
    assert answer.headers["Location"] == f"/papers/{paper['id']}"
    times = {name: paper.pop(name) for name in list(paper) if name.endswith("_at")}
    assert times.pop("created_at") == times.pop("updated_at")
    assert set(times.values()) == {None}, "a run has times before there is one"
    assert paper == {
        "id": paper["id"],
        "filename": "short.txt",
        "content_type": "text/plain",
        "size": len(PAPER),
        "sha256": sha256(PAPER).hexdigest(),
        "title": None,
        "authors": [],
        "status": "uploaded",
        "progress": 0,
        "stage": None,
        "run": 0,
        "seq": 1,
        "error": None,
        "counts": dict.fromkeys(["pages", "sections", "references", "entities", "mentions", "relationships"], 0),
    }


async def test_the_location_leads_to_the_paper(lane: Lane) -> None:
    answer = await lane.client.post("/papers/", files={"file": ("short.txt", PAPER)})
    assert body(await lane.client.get(answer.headers["Location"])) == answer.json()


async def test_the_type_is_told_by_the_content_whatever_the_name_says(lane: Lane) -> None:
    told = {}
    for paper in TYPES:
        file = ("holiday.png", (PAPERS / paper).read_bytes(), "image/png")
        told[paper] = body(await lane.client.post("/papers/", files={"file": file}), 201)["content_type"]
    assert told == TYPES


async def test_other_fields_of_the_form_are_passed_over(lane: Lane) -> None:
    answer = await lane.client.post("/papers/", files={"file": ("short.txt", PAPER)}, data={"note": "urgent"})
    assert body(answer, 201)["size"] == len(PAPER)


async def test_the_same_file_twice_is_two_papers(lane: Lane) -> None:
    first, second = await lane.upload("one.txt", PAPER), await lane.upload("one.txt", PAPER)
    assert first["id"] != second["id"]
    assert first["sha256"] == second["sha256"]
