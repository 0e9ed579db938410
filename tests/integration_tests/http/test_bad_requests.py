"""Requests that make no sense: each names its answer; never a 500, and nothing is touched.

The cases of a family share one conversation with the service: a service of its own for each would cost more than it tells.
"""

from collections.abc import Iterable
from urllib.parse import quote

import httpx
import pytest

from tests.support.answers import each_before_a_witness, error
from tests.support.lane import Lane
from tests.support.once import once

ROUTES = [
    ("GET", "/papers/{id}"),
    ("GET", "/papers/{id}/events"),
    ("GET", "/papers/{id}/document"),
    ("GET", "/papers/{id}/file"),
    ("POST", "/papers/{id}/process"),
    ("POST", "/papers/{id}/cancel"),
    ("DELETE", "/papers/{id}"),
    ("GET", "/graph/papers/{id}/citations"),
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
    "/graph/papers/x/citations?limit=many": "query.limit",
    "/graph/papers/x/related?limit=many": "query.limit",
    **{f"/papers/x/events?after={after}": "query.after" for after in ["-1", "first", "1.5", str(2**63), "1e400"]},
    "/papers/x/events?limit=1001": "query.limit",
}
FOREIGN_CURSORS = ["x", "", "MTIz", "%00", "AAAA====", "e30", "MjAyNi0wMS0zMVQxMjowMDowMC4wMDBa", "%F0%9F%A6%86"]
QUERIES = ['"', "AND", "OR NOT", "a*", "NEAR(a b)", "{x}: y", "'; --", "\x00", "🦆", "(" * 200]
NO_ROUTES = ["/paper", "/papers/x/y", "/papers/x/document/1", "/ws", "/graph", "/search/x", "/papers/a%2Fb"]
NO_METHODS = {
    "DELETE /papers/": {"GET", "POST"},
    "PUT /papers/x": {"GET", "DELETE"},
    "GET /papers/x/process": {"POST"},
    "GET /papers/x/cancel": {"POST"},
    "POST /papers/x/file": {"GET"},
    "POST /search": {"GET"},
    "BREW /system/status": {"GET"},
    "POST /": {"GET"},
    "POST /docs": {"GET"},
    "PUT /docs/static/swagger-ui.css": {"GET", "HEAD"},
    "PUT /docs/static/papers/": {"GET", "HEAD"},
}


CLIMBS = ["..%2F..%2Fetc%2Fpasswd", "..%5c..%5c", "%c3%28", "%ff%fe", "%0A"]

POSITION = "a socket's position"

Answers = dict[str, httpx.Response | str]
"""What each case got; a sentence where it broke something else."""


async def get_each(lane: Lane, paths: Iterable[str]) -> Answers:
    return await each_before_a_witness(lane, paths, lane.client.get)


async def on_every_route(lane: Lane, ids: dict[str, str]) -> dict[str, dict[str, httpx.Response] | str]:
    """What every route answers to each id, which is escaped already."""

    async def ask(name: str) -> dict[str, httpx.Response]:
        return {
            f"{method} {route}": await lane.client.request(method, route.format(id=ids[name]))
            for method, route in ROUTES
        }

    return await each_before_a_witness(lane, ids, ask)


@pytest.fixture
async def new_by_no_id(lane: Lane) -> dict[str, dict[str, httpx.Response] | str]:
    return await on_every_route(lane, {name: quote(no_id, safe="") for name, no_id in NO_IDS.items()})


@pytest.fixture
async def new_by_climb(lane: Lane) -> dict[str, dict[str, httpx.Response] | str]:
    return await on_every_route(lane, {path: path for path in CLIMBS})


@pytest.fixture
async def new_by_no_key(lane: Lane) -> Answers:
    keys = {name: quote(no_id.replace("\n", ""), safe="") for name, no_id in NO_IDS.items()}
    return await each_before_a_witness(lane, keys, lambda name: lane.client.get(f"/graph/entities/{keys[name]}"))


@pytest.fixture
async def new_by_bounds(lane: Lane) -> Answers:
    return await get_each(lane, OUT_OF_BOUNDS)


@pytest.fixture
async def new_by_cursor(lane: Lane) -> Answers:
    async with lane.connect("/ws") as socket:
        position = (await socket.receive_json())["data"]["position"]
    cursors = {cursor: cursor for cursor in FOREIGN_CURSORS} | {POSITION: position}
    return await each_before_a_witness(lane, cursors, lambda name: lane.client.get(f"/papers/?cursor={cursors[name]}"))


@pytest.fixture
async def new_by_query(lane: Lane) -> dict[str, tuple[httpx.Response, httpx.Response] | str]:
    async def ask(q: str) -> tuple[httpx.Response, httpx.Response]:
        params = {"q": q}
        return await lane.client.get("/search", params=params), await lane.client.get("/papers/", params=params)

    return await each_before_a_witness(lane, QUERIES, ask)


@pytest.fixture
async def new_by_no_route(lane: Lane) -> Answers:
    return await get_each(lane, NO_ROUTES)


@pytest.fixture
async def new_by_no_method(lane: Lane) -> Answers:
    return await each_before_a_witness(lane, NO_METHODS, lambda call: lane.client.request(*call.split()))


by_no_id, by_climb, by_no_key = once("new_by_no_id"), once("new_by_climb"), once("new_by_no_key")
by_bounds, by_cursor, by_query = once("new_by_bounds"), once("new_by_cursor"), once("new_by_query")
by_no_route, by_no_method = once("new_by_no_route"), once("new_by_no_method")


def short(text: str) -> str:
    return text if len(text) < 80 else f"{text[:60]}... of {len(text)}"


def refused(answer: httpx.Response | str) -> tuple[int, str]:
    assert isinstance(answer, httpx.Response), answer
    return error(answer)


@pytest.mark.parametrize("name", NO_IDS)
def test_an_id_that_is_none_is_an_unknown_paper_on_every_route(
    by_no_id: dict[str, dict[str, httpx.Response]], name: str
) -> None:
    answers = by_no_id[name]
    assert isinstance(answers, dict), answers
    assert {call: error(answer) for call, answer in answers.items()} == dict.fromkeys(answers, (404, "paper_not_found"))
    assert max(len(answer.content) for answer in answers.values()) < 1000, "an answer repeats all of it"


@pytest.mark.parametrize("path", CLIMBS)
def test_a_path_that_climbs_or_is_no_text_is_404(by_climb: dict[str, dict[str, httpx.Response]], path: str) -> None:
    answers = by_climb[path]
    assert isinstance(answers, dict), answers
    for call, answer in answers.items():
        assert error(answer) in {(404, "paper_not_found"), (404, "not_found")}, call


@pytest.mark.parametrize("name", NO_IDS)
def test_a_key_that_is_none_is_an_unknown_entity(by_no_key: Answers, name: str) -> None:
    assert refused(by_no_key[name]) == (404, "entity_not_found")


@pytest.mark.parametrize("path", OUT_OF_BOUNDS, ids=short)
def test_a_parameter_out_of_its_bounds_is_refused_by_name(by_bounds: Answers, path: str) -> None:
    answer = by_bounds[path]
    assert refused(answer) == (422, "invalid_request")
    assert isinstance(answer, httpx.Response)
    assert answer.json()["detail"].partition(":")[0] == OUT_OF_BOUNDS[path]


@pytest.mark.parametrize("cursor", [*FOREIGN_CURSORS, POSITION])
def test_a_foreign_cursor_is_refused(by_cursor: Answers, cursor: str) -> None:
    assert refused(by_cursor[cursor]) == (422, "invalid_cursor")


@pytest.mark.parametrize("q", QUERIES, ids=short)
def test_no_query_breaks_the_search(by_query: dict[str, tuple[httpx.Response, httpx.Response]], q: str) -> None:
    answers = by_query[q]
    assert isinstance(answers, tuple), answers
    found, listed = answers
    assert (found.status_code, found.json().keys()) == (200, {"items"})
    assert (listed.status_code, listed.json().keys()) == (200, {"items", "next_cursor"})


@pytest.mark.parametrize("path", NO_ROUTES)
def test_a_path_that_does_not_exist_is_404_in_our_shape(by_no_route: Answers, path: str) -> None:
    assert refused(by_no_route[path]) == (404, "not_found")


@pytest.mark.parametrize("call", NO_METHODS)
def test_a_method_that_a_path_does_not_know_is_405_in_our_shape(by_no_method: Answers, call: str) -> None:
    answer = by_no_method[call]
    assert refused(answer) == (405, "method_not_allowed")
    assert isinstance(answer, httpx.Response)
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == NO_METHODS[call]


@pytest.mark.anyio
async def test_the_bare_address_leads_to_the_reference(lane: Lane) -> None:
    answer = await lane.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")
