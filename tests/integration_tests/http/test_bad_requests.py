"""Requests that make no sense: each names its answer; never a 500, and nothing is touched.

Each family is one test over a table, because a service of its own for each line would cost more than it tells.
"""

from collections.abc import Iterable
from urllib.parse import quote

import httpx
import pytest

from tests.support.answers import body, error
from tests.support.lane import Lane

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("witness")]

ROUTES = [
    ("GET", "/papers/{id}"),
    ("GET", "/papers/{id}/events"),
    ("GET", "/papers/{id}/document"),
    ("GET", "/papers/{id}/file"),
    ("POST", "/papers/{id}/process"),
    ("POST", "/papers/{id}/cancel"),
    ("DELETE", "/papers/{id}"),
    ("GET", "/graph/papers/{id}/related"),
]
NO_IDS = {
    "like a UUID": "00000000-0000-4000-8000-000000000000",
    "SQL": "x' OR '1'='1'; DROP TABLE papers; --",
    "a query of MongoDB": '{"$ne": null}',
    "NUL": "a\x00b",
    "other letters": "論文-ñ-🦆",
    "a direction mark": "\u202eabc",
    "10 kB": "x" * 10_000,
    "a wildcard": "*",
    "space": " ",
    "a line break": "a\r\nX-Evil: 1",
}


LIMITS = ["-1", "0", "201", "1000000000", "ten", "1.5", "", "1e3", "9" * 5000]
OUT_OF_BOUNDS = {
    **{f"/papers/?limit={limit}": "query.limit" for limit in LIMITS},
    "/papers/?status=sleeping": "query.status",
    "/papers/?status=": "query.status",
    "/papers/?status=COMPLETED": "query.status",
    f"/papers/?q={'x' * 201}": "query.q",
    f"/papers/?cursor={'x' * 501}": "query.cursor",
    "/search": "query.q",
    "/search?q=": "query.q",
    f"/search?q={'x' * 501}": "query.q",
    "/search?q=x&limit=-1": "query.limit",
    "/search?q=x&limit=201": "query.limit",
    "/graph/entities/method:crf?limit=0": "query.limit",
    "/graph/papers/x/related?limit=many": "query.limit",
    **{f"/papers/x/events?after={after}": "query.after" for after in ["-1", "first", "1.5", str(2**63), "1e400"]},
    "/papers/x/events?limit=1001": "query.limit",
}
FOREIGN_CURSORS = ["x", "", "MTIz", "%00", "AAAA====", "e30", "MjAyNi0wMS0zMVQxMjowMDowMC4wMDBa", "%F0%9F%A6%86"]
QUERIES = ['"', "AND", "OR NOT", "a*", "NEAR(a b)", "{x}: y", "'; --", "\x00", "🦆", "(" * 200]
NO_ROUTES = ["/paper", "/papers/x/y", "/papers/x/document/1", "/ws", "/graph", "/search/x", "/papers/a%2Fb"]
NO_METHODS = {
    ("DELETE", "/papers/"): {"GET", "POST"},
    ("PUT", "/papers/x"): {"GET", "DELETE"},
    ("GET", "/papers/x/process"): {"POST"},
    ("GET", "/papers/x/cancel"): {"POST"},
    ("POST", "/papers/x/file"): {"GET"},
    ("POST", "/search"): {"GET"},
    ("BREW", "/system/status"): {"GET"},
}


async def get_each(lane: Lane, paths: Iterable[str]) -> dict[str, httpx.Response]:
    return {path: await lane.client.get(path) for path in paths}


async def test_an_id_that_is_none_is_an_unknown_paper_on_every_route(lane: Lane) -> None:
    for name, no_id in NO_IDS.items():
        for method, route in ROUTES:
            answer = await lane.client.request(method, route.format(id=quote(no_id, safe="")))
            assert error(answer) == (404, "paper_not_found"), f"{method} {route} with {name}"
            assert len(answer.content) < 1000, f"{method} {route} repeats all of {name}"


async def test_a_key_that_is_none_is_an_unknown_entity(lane: Lane) -> None:
    keys = {name: quote(no_id.replace("\n", ""), safe="") for name, no_id in NO_IDS.items()}
    answers = {name: error(await lane.client.get(f"/graph/entities/{key}")) for name, key in keys.items()}
    assert answers == dict.fromkeys(NO_IDS, (404, "entity_not_found"))


async def test_a_path_that_climbs_or_is_no_text_is_404(lane: Lane) -> None:
    for path in ("..%2F..%2Fetc%2Fpasswd", "..%5c..%5c", "%c3%28", "%ff%fe"):
        for method, route in ROUTES:
            answer = await lane.client.request(method, route.format(id=path))
            assert error(answer) in {(404, "paper_not_found"), (404, "not_found")}, f"{method} {route} with {path}"


async def test_a_parameter_out_of_its_bounds_is_refused_by_name(lane: Lane) -> None:
    answers = await get_each(lane, OUT_OF_BOUNDS)
    named = {path: (*error(answer), answer.json()["detail"].partition(":")[0]) for path, answer in answers.items()}
    assert named == {path: (422, "invalid_request", name) for path, name in OUT_OF_BOUNDS.items()}


async def test_a_foreign_cursor_is_refused(lane: Lane) -> None:
    async with lane.connect("/ws") as socket:
        position = (await socket.receive_json())["data"]["position"]
    paths = [f"/papers/?cursor={cursor}" for cursor in (*FOREIGN_CURSORS, position)]
    answers = {path: error(answer) for path, answer in (await get_each(lane, paths)).items()}
    assert answers == dict.fromkeys(paths, (422, "invalid_cursor"))


async def test_no_query_breaks_the_search(lane: Lane) -> None:
    for q in QUERIES:
        assert body(await lane.client.get("/search", params={"q": q})).keys() == {"items"}, q
        assert body(await lane.client.get("/papers/", params={"q": q})).keys() == {"items", "next_cursor"}, q


async def test_a_path_that_does_not_exist_is_404_in_our_shape(lane: Lane) -> None:
    answers = {path: error(answer) for path, answer in (await get_each(lane, NO_ROUTES)).items()}
    assert answers == dict.fromkeys(NO_ROUTES, (404, "not_found"))


async def test_the_bare_address_leads_to_the_reference(lane: Lane) -> None:
    answer = await lane.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")


async def test_a_method_that_a_path_does_not_know_is_405_in_our_shape(lane: Lane) -> None:
    for (method, path), known in NO_METHODS.items():
        answer = await lane.client.request(method, path)
        assert error(answer) == (405, "method_not_allowed"), f"{method} {path}"
        allowed = set(answer.headers["Allow"].replace(" ", "").split(","))

        assert allowed == known, f"{method} {path}"
