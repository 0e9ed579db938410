"""`POST /papers/`: what is taken in, and under which name and type."""

from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from app.extraction import content_type as types
from tests.support.answers import body, error, snapshot
from tests.support.lane import Lane

pytestmark = pytest.mark.anyio

PAPERS = Path(__file__).parents[2] / "test_papers"
PAPER = b"A Short Paper\n\nWe say little, and we say it in plain text."


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


@pytest.mark.parametrize(
    ("paper", "content_type"),
    [
        ("specter.pdf", types.PDF),
        ("test_paper_content.txt", types.TEXT),
        ("collaborative_writing.md", types.MARKDOWN),
        ("wheat_metabolites.html", types.HTML),
        ("collaborative_writing.docx", types.DOCX),
        ("wheat_metabolites.xml", types.JATS),
        ("own_example.tex", types.LATEX),
    ],
)
async def test_the_type_is_told_by_the_content_whatever_the_name_says(
    paper: str, content_type: str, lane: Lane
) -> None:
    file = ("holiday.png", (PAPERS / paper).read_bytes(), "image/png")
    answer = await lane.client.post("/papers/", files={"file": file})
    assert body(answer, 201)["content_type"] == content_type


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("../../etc/passwd", "passwd", id="dots and slashes"),
        pytest.param("C:\\papers\\one.pdf", "one.pdf", id="backslashes"),
        pytest.param("..", "paper", id="only dots"),
        pytest.param("a%00b%0D%0A.txt", "a%00b%0D%0A.txt", id="escapes are a name like any other"),
        pytest.param("n\x00ul.txt", "nul.txt", id="NUL"),
        pytest.param("n" * 1000 + ".txt", "n" * 255, id="1,000 characters"),
        pytest.param("gpj.\u202etxt\u200f.exe", "gpj.txt.exe", id="right-to-left marks"),
        pytest.param("résumé 論文.txt", "résumé 論文.txt", id="letters of any script"),
        pytest.param('quo"te.txt', 'quo"te.txt', id="a quotation mark"),
    ],
)
async def test_a_file_name_is_kept_without_its_tricks(sent: str, kept: str, lane: Lane) -> None:
    answer = await _post(lane.client, sent)
    paper = body(answer, 201)
    assert paper["filename"] == kept
    assert (await snapshot(lane, paper["id"]))["filename"] == kept
    file = await lane.client.get(f"/papers/{paper['id']}/file")
    assert file.content == PAPER
    name = httpx.QueryParams(f"name={file.headers['Content-Disposition'].rpartition(chr(39))[2]}")["name"]
    assert name == kept, "the name of the download is not the paper's"


async def test_a_file_without_a_name_is_a_form_without_a_file(lane: Lane) -> None:
    assert error(await _post(lane.client, "")) in {(422, "missing_file")}


async def test_other_fields_of_the_form_are_passed_over(lane: Lane) -> None:
    answer = await lane.client.post("/papers/", files={"file": ("short.txt", PAPER)}, data={"note": "urgent"})
    assert body(answer, 201)["size"] == len(PAPER)


async def test_the_same_file_twice_is_two_papers(lane: Lane) -> None:
    first, second = await lane.upload("one.txt", PAPER), await lane.upload("one.txt", PAPER)
    assert first["id"] != second["id"]
    assert first["sha256"] == second["sha256"]


async def _post(client: httpx.AsyncClient, filename: str) -> httpx.Response:
    """The form byte by byte, as a client without manners writes it: httpx would escape the name."""
    name = filename.replace('"', "%22").encode() if '"' in filename else filename.encode()
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % name
    return await client.post(
        "/papers/",
        content=head + PAPER + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
