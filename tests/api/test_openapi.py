"""The OpenAPI document says what the HTTP interface does: every call, its answer, and its errors in our one shape."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.api.errors import ErrorBody, documented, status_of
from app.domain import errors
from app.domain.errors import PaperProcessingError
from app.main import app

pytestmark = pytest.mark.extended

# Section 2 of the design, written out: what people call.
CALLS = [
    ("post", "/papers/", 201),
    ("get", "/papers/", 200),
    ("get", "/papers/{paper_id}", 200),
    ("delete", "/papers/{paper_id}", 204),
    ("get", "/papers/{paper_id}/events", 200),
    ("get", "/papers/{paper_id}/document", 200),
    ("get", "/papers/{paper_id}/entities", 200),
    ("get", "/papers/{paper_id}/relationships", 200),
    ("get", "/papers/{paper_id}/references", 200),
    ("get", "/papers/{paper_id}/file", 200),
    ("post", "/papers/{paper_id}/process", 200),
    ("post", "/papers/{paper_id}/cancel", 200),
    ("post", "/papers/batch/process", 200),
    ("get", "/dead-letters", 200),
    ("post", "/dead-letters/retry", 200),
    ("post", "/dead-letters/{paper_id}/retry", 200),
    ("get", "/search", 200),
    ("get", "/graph/entities/{key}", 200),
    ("get", "/graph/papers/{paper_id}/citations", 200),
    ("get", "/graph/papers/{paper_id}/related", 200),
    ("get", "/system/status", 200),
    ("get", "/health/live", 200),
    ("get", "/health/ready", 200),
    ("get", "/metrics", 200),
    ("get", "/asyncapi.json", 200),
]
# What a call refuses, beside "unavailable" (503) and what nobody foresaw.
REFUSALS = {
    ("post", "/papers/"): {
        "413": {"file_too_large"},
        "415": {"unsupported_type"},
        "422": {"empty_file", "missing_file"},
    },
    ("get", "/papers/"): {"422": {"invalid_cursor", "invalid_request"}},
    ("post", "/papers/{paper_id}/process"): {
        "404": {"paper_not_found"},
        "409": {"paper_busy"},
        "422": {"invalid_request"},
    },
    ("post", "/papers/{paper_id}/cancel"): {"404": {"paper_not_found"}, "409": {"paper_not_running"}},
    ("post", "/papers/batch/process"): {"422": {"invalid_request"}},
    ("get", "/papers/{paper_id}/events"): {"404": {"paper_not_found"}, "422": {"invalid_request"}},
    ("get", "/papers/{paper_id}/document"): {"404": {"paper_not_found", "not_extracted"}},
    ("get", "/papers/{paper_id}/entities"): {"404": {"paper_not_found", "not_extracted"}},
    ("get", "/papers/{paper_id}/relationships"): {"404": {"paper_not_found", "not_extracted"}},
    ("get", "/papers/{paper_id}/references"): {"404": {"paper_not_found", "not_extracted"}},
    ("get", "/papers/{paper_id}/file"): {"404": {"paper_not_found", "file_lost"}},
    ("get", "/papers/{paper_id}"): {"404": {"paper_not_found"}},
    ("delete", "/papers/{paper_id}"): {"404": {"paper_not_found"}},
    ("get", "/dead-letters"): {"422": {"invalid_cursor", "invalid_request"}},
    ("post", "/dead-letters/{paper_id}/retry"): {
        "404": {"paper_not_found"},
        "409": {"not_a_dead_letter", "paper_busy"},
    },
    ("get", "/search"): {"422": {"invalid_request"}},
    ("get", "/graph/entities/{key}"): {"404": {"entity_not_found"}, "422": {"invalid_request"}},
    ("get", "/graph/papers/{paper_id}/citations"): {"404": {"paper_not_found"}, "422": {"invalid_request"}},
    ("get", "/graph/papers/{paper_id}/related"): {"404": {"paper_not_found"}, "422": {"invalid_request"}},
}
# The HTTP status of each error. None: it ends a run, stops a worker or is the base; no request is answered with it.
STATUSES = {
    "PaperProcessingError": None,
    "NotFoundError": 404,
    "PaperNotFoundError": 404,
    "PaperGoneError": 404,
    "EntityNotFoundError": 404,
    "NotExtractedError": 404,
    "FileLostError": 404,
    "ConflictError": 409,
    "PaperBusyError": 409,
    "PaperNotRunningError": 409,
    "NotDeadLetterError": 409,
    "IllegalTransitionError": 409,
    "LeaseLostError": 409,
    "ContendedError": 409,
    "FileTooLargeError": 413,
    "UnsupportedTypeError": 415,
    "InvalidError": 422,
    "EmptyFileError": 422,
    "MissingFileError": 422,
    "InvalidCursorError": 422,
    "InvalidPositionError": 422,
    "BadMessageError": 422,
    "UnknownActionError": 422,
    "NotAllowedHereError": 422,
    "UnavailableError": 503,
    "StorageFullError": 507,
    "ReadError": None,
    "RetryableError": None,
    "ReaderCrashedError": None,
    "ReaderTimedOutError": None,
    "ReaderOutOfMemoryError": None,
    "StageTimedOutError": None,
    "WorkerLostError": None,
    "WorkerOutOfMemoryError": None,
}

DOCUMENT = app.openapi()
OPERATIONS = {
    (method, path): operation for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
}


def family(error: type[PaperProcessingError]) -> Iterator[type[PaperProcessingError]]:
    yield error
    for child in error.__subclasses__():
        yield from family(child)


def examples_of(content: dict[str, Any]) -> dict[str, Any]:
    named = {name: example["value"] for name, example in content.get("examples", {}).items()}
    return named or ({"answer": content["example"]} if "example" in content else {})


def named(*parts: object) -> str:
    return " ".join(map(str, parts))


# -- the calls


@pytest.mark.parametrize(("method", "path", "success"), CALLS, ids=[named(*call) for call in CALLS])
def test_every_call_of_the_design_is_there(method: str, path: str, success: int) -> None:
    assert str(success) in OPERATIONS[method, path]["responses"]


def test_there_is_no_other_call() -> None:
    assert set(OPERATIONS) == {(method, path) for method, path, _ in CALLS}


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: named(*call))
def test_each_says_what_it_does(call: tuple[str, str]) -> None:
    operation = OPERATIONS[call]
    assert operation["summary"]
    assert operation["description"].endswith(".")


def test_each_has_a_name_of_its_own() -> None:
    assert len({operation["operationId"] for operation in OPERATIONS.values()}) == len(OPERATIONS)


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: named(*call))
def test_each_documents_the_shape_of_its_success(call: tuple[str, str]) -> None:
    successes = {status: answer for status, answer in OPERATIONS[call]["responses"].items() if status.startswith("2")}
    assert len(successes) == 1
    for status, answer in successes.items():
        schemas = [content["schema"] for content in answer.get("content", {}).values()]
        assert all(schemas) if status != "204" else not schemas


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: named(*call))
def test_each_answer_has_examples_that_fit_its_schema(call: tuple[str, str]) -> None:
    for status, answer in OPERATIONS[call]["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if content is None or call == ("get", "/asyncapi.json"):  # which is its own example
            continue
        validator = Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]})
        examples = examples_of(content)
        assert examples, status
        for name, example in examples.items():
            assert [f"{status} {name}: {error.message}" for error in validator.iter_errors(example)] == []


# -- its errors


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: named(*call))
def test_every_error_has_our_shape(call: tuple[str, str]) -> None:
    for status, answer in OPERATIONS[call]["responses"].items():
        if status.startswith(("4", "5", "default")) and (*call, status) != ("get", "/health/ready", "503"):
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


@pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: named(*call))
def test_each_documents_what_it_refuses(call: tuple[str, str]) -> None:
    refusals = {
        status: set(examples_of(answer["content"]["application/json"]))
        for status, answer in OPERATIONS[call]["responses"].items()
        if status.startswith("4")
    }
    assert refusals == REFUSALS.get(call, {})


def test_no_error_has_the_shape_of_the_framework() -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(DOCUMENT["components"]["schemas"])


def test_our_shape_is_a_detail_and_a_code() -> None:
    assert set(ErrorBody.model_fields) == {"detail", "code"}
    assert DOCUMENT["components"]["schemas"]["ErrorBody"]["required"] == ["detail", "code"]


# Those of the domain: the upload's own kind of FileTooLargeError is the same to a client.
ERRORS = [error for error in family(PaperProcessingError) if error.__module__ == errors.__name__]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error.code}-{error.__name__}")
def test_each_error_has_its_http_status(error: type[PaperProcessingError]) -> None:
    expected = STATUSES[error.__name__]
    assert status_of(error) == (expected or 500)


def test_the_statuses_here_name_every_error_and_no_other() -> None:
    declared = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert {error.__name__ for error in ERRORS} == set(STATUSES)
    assert set(STATUSES) <= declared


def test_an_error_of_its_own_kind_has_a_code_of_its_own() -> None:
    """`PaperGoneError` alone shares its parent's: to the outside a deleted paper never was."""
    codes: dict[str, list[str]] = {}
    for error in ERRORS:
        codes.setdefault(error.code, []).append(error.__name__)
    shared = {code: names for code, names in codes.items() if len(names) > 1}
    assert shared == {
        "paper_not_found": ["PaperNotFoundError", "PaperGoneError"],
        "internal_error": ["PaperProcessingError", "ReadError", "RetryableError"],
    }


@pytest.mark.parametrize("code", sorted(errors.ReadError.CODES))
def test_a_file_that_cannot_be_read_is_no_http_error(code: str) -> None:
    assert list(documented(errors.ReadError(code, "why"))) == [500]


# -- the document as such


def test_each_schema_is_valid() -> None:
    checker = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    schemas = DOCUMENT["components"]["schemas"]
    assert [f"{name}: {error.message}" for name in schemas for error in checker.iter_errors(schemas[name])] == []
