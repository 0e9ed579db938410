"""The tree of errors: which of them a client of HTTP can meet, and as what."""

import inspect

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from app.api.errors import STATUS, add_error_handlers, status_of
from app.domain import errors
from app.domain.errors import PaperProcessingError

HTTP = {
    "internal_error": 500,
    "not_found": 404,
    "paper_not_found": 404,
    "entity_not_found": 404,
    "not_extracted": 404,
    "file_lost": 404,
    "conflict": 409,
    "paper_busy": 409,
    "paper_not_running": 409,
    "not_a_dead_letter": 409,
    "contended": 409,
    "file_too_large": 413,
    "unsupported_type": 415,
    "invalid_request": 422,
    "empty_file": 422,
    "missing_file": 422,
    "invalid_cursor": 422,
    "service_unavailable": 503,
    "storage_full": 507,
}
"""Codes that an HTTP answer can carry."""
INSIDE = {"illegal_transition", "lease_lost"}
"""Codes that only the service itself meets: the workers' and the table of transitions'."""
OF_SOCKETS = {"invalid_position", "bad_message", "unknown_action", "not_allowed_here"}
OF_RUNS = {
    "reader_crashed",
    "reader_timed_out",
    "reader_out_of_memory",
    "worker_lost",
    "worker_out_of_memory",
    "stage_timed_out",
}
"""Codes in a paper's `error`, beside those of `ReadError.CODES`."""

CLASSES = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, PaperProcessingError)]
WITH_A_CODE = [kind for kind in CLASSES if "code" in vars(kind)]


def test_every_error_of_the_domain_is_known_here() -> None:
    codes = {kind.code for kind in CLASSES}
    assert codes == HTTP.keys() | INSIDE | OF_SOCKETS | OF_RUNS


@pytest.mark.parametrize("kind", [kind for kind in WITH_A_CODE if kind.code in HTTP], ids=lambda kind: kind.code)
def test_an_error_has_its_status(kind: type[PaperProcessingError]) -> None:
    assert status_of(kind) == HTTP[kind.code]


def test_no_two_errors_share_a_code() -> None:
    assert len({kind.code for kind in WITH_A_CODE}) == len(WITH_A_CODE)


def test_no_two_lines_of_the_table_share_a_status() -> None:
    assert len(set(STATUS.values())) == len(STATUS)


@pytest.mark.anyio
async def test_a_refusal_of_the_framework_that_nobody_foresaw_has_our_shape_too() -> None:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/kettle")
    async def boil() -> None:
        raise HTTPException(418, "I am a teapot", {"X-Tea": "green"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/kettle")
    assert (answer.status_code, answer.headers["x-tea"]) == (418, "green")
    assert answer.json() == {"detail": "I am a teapot.", "code": "http_error"}
