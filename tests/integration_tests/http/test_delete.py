"""`DELETE /papers/{id}`: from then on there is no such paper."""

import pytest

from tests.support.answers import body, error, run_to_its_end
from tests.support.lane import Lane

pytestmark = pytest.mark.anyio

TEXT = b"On Deletion\n\nAbstract\n\nWe use a conditional random field (CRF) for zanzibarian tagging.\n"

ROUTES = [
    ("GET", "/papers/{id}"),
    ("GET", "/papers/{id}/events"),
    ("GET", "/papers/{id}/document"),
    ("GET", "/papers/{id}/entities"),
    ("GET", "/papers/{id}/relationships"),
    ("GET", "/papers/{id}/references"),
    ("GET", "/papers/{id}/file"),
    ("POST", "/papers/{id}/process"),
    ("POST", "/papers/{id}/cancel"),
    ("DELETE", "/papers/{id}"),
    ("GET", "/graph/papers/{id}/citations"),
    ("GET", "/graph/papers/{id}/related"),
]


async def test_a_deleted_paper_is_404_everywhere_and_in_no_list(lane: Lane) -> None:
    paper_id = (await lane.upload("on deletion.txt", TEXT))["id"]
    assert (await run_to_its_end(lane, paper_id))["status"] == "completed"
    answer = await lane.client.delete(f"/papers/{paper_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    for method, route in ROUTES:
        gone = await lane.client.request(method, route.format(id=paper_id))
        assert error(gone) == (404, "paper_not_found"), f"{method} {route}"
    batch = body(await lane.client.post("/papers/batch/process", json={"paper_ids": [paper_id]}))
    assert [(found["paper_id"], found["code"]) for found in batch["rejected"]] == [(paper_id, "paper_not_found")]
    listed = body(await lane.client.get("/papers/", params={"q": "on deletion", "limit": 200}))["items"]
    assert paper_id not in {paper["id"] for paper in listed}
    hits = body(await lane.client.get("/search", params={"q": "zanzibarian"}))["items"]
    assert paper_id not in {hit["paper_id"] for hit in hits}


async def test_a_paper_that_never_ran_can_be_deleted(lane: Lane) -> None:
    paper_id = (await lane.upload("never.txt", TEXT))["id"]
    assert (await lane.client.delete(f"/papers/{paper_id}")).status_code == 204
    assert error(await lane.client.get(f"/papers/{paper_id}")) == (404, "paper_not_found")
