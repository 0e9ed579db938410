"""The one renderer of errors: `{"detail": …, "code": …}` with the right status."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from app.api.dependencies import services_of
from app.api.lingering import LingeringResponse
from app.api.requests import fields_of
from app.api.upload import UploadCutOffError
from app.domain.errors import (
    ConflictError,
    FileTooLargeError,
    InvalidError,
    NotFoundError,
    PaperProcessingError,
    StorageFullError,
    UnavailableError,
    UnsupportedTypeError,
)
from app.domain.model import Value
from app.logs import about

logger = logging.getLogger(__name__)

STATUS: dict[type[PaperProcessingError], int] = {
    NotFoundError: 404,
    ConflictError: 409,
    FileTooLargeError: 413,
    UnsupportedTypeError: 415,
    InvalidError: 422,
    UnavailableError: 503,
    StorageFullError: 507,
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
UNFORESEEN = PaperProcessingError("Something unforeseen went wrong; the service's log tells more.")
# What the framework refuses by itself, in our words: its status, then ours with code and detail.
REFUSALS = {
    400: (422, InvalidError.code, "The body cannot be read; send JSON in UTF-8."),
    404: (404, NotFoundError.code, "Nothing is at this path; GET /openapi.json lists what there is."),
    405: (405, "method_not_allowed", "This path does not know the method; the header Allow names those it knows."),
}


class ErrorBody(Value):
    """Every error, whatever its status."""

    detail: str
    code: str


def status_of(error: type[PaperProcessingError]) -> int:
    """The HTTP status of the nearest ancestor in the table; 500 for one that should never reach a client."""
    return next((STATUS[kind] for kind in error.__mro__ if kind in STATUS), 500)


def documented_everywhere() -> dict[int | str, dict[str, Any]]:
    """The `responses` of the whole application; with a default, FastAPI does not add a 422 of its own shape."""
    return {"default": {**documented(UNFORESEEN)[500], "description": "Every other error has this shape too."}}


def documented(*examples: PaperProcessingError) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can answer with these errors, for OpenAPI."""
    answers: dict[int | str, dict[str, Any]] = {}
    for example in examples:
        answer = answers.setdefault(
            status_of(type(example)),
            {"model": ErrorBody, "description": example.detail, "content": {"application/json": {"examples": {}}}},
        )
        answer["content"]["application/json"]["examples"][example.code] = {
            "value": {"detail": example.detail, "code": example.code}
        }
    return answers


def answers(example: Value, *errors: PaperProcessingError, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: an example of what it answers, and the errors it can answer with."""
    success = {"content": {"application/json": {"example": example.model_dump(mode="json")}}}
    return {status: success, **documented(*errors)}


def add_error_handlers(app: FastAPI) -> None:
    """Renders the tree of errors, what FastAPI refuses, and what nobody foresaw."""
    app.add_exception_handler(PaperProcessingError, _render_ours)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(Exception, _render_unforeseen)


async def _render_ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PaperProcessingError)  # noqa: S101  # what the handler is registered for
    if isinstance(error, UploadCutOffError):
        body = ErrorBody(detail=error.detail, code=error.code).model_dump()
        return LingeringResponse(body, status_of(type(error)), services_of(request).clock)
    return render(error)


def render(error: PaperProcessingError) -> JSONResponse:
    """The answer that tells of it."""
    headers = {"Retry-After": "1"} if isinstance(error, UnavailableError) else None
    return _render(status_of(type(error)), error.detail, error.code, headers)


async def _render_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    return _render(422, "; ".join(_sentences(error.errors())) + ".", InvalidError.code)


async def _render_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    status, code, detail = REFUSALS.get(error.status_code, (error.status_code, "http_error", f"{error.detail}."))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return _render(status, detail, code, headers)


def _methods_at(request: Request) -> set[str]:
    """All that the path knows: the framework names the methods of the first route that has it, and no more."""

    def is_known(method: str) -> bool:
        scope = {**request.scope, "method": method, "root_path": root}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    root = request.scope.get(
        "app_root_path", request.scope.get("root_path", "")
    )  # a mount has left its own in the scope
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return set(filter(is_known, METHODS)) or {"GET", "HEAD"}  # of the files that are mounted


async def _render_unforeseen(request: Request, error: Exception) -> JSONResponse:
    with about(**fields_of(request.scope)):
        logger.error("%s %s failed", request.method, quote(request.url.path), exc_info=error)
    return _render(500, UNFORESEEN.detail, UNFORESEEN.code)


def _render(status: int, detail: str, code: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(ErrorBody(detail=detail, code=code).model_dump(), status, headers)


def _sentences(errors: Sequence[Any]) -> list[str]:
    return [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in errors[:3]]
