"""Calls made from the OpenAPI document, right ones and wrong ones: each answer is one that the document declares.

schemathesis makes them and reads the answers. A failure shows the call as a `curl` command.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from anyio import from_thread, to_thread
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import positive_data_acceptance
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from app.main import app
from tests.support.answers import a_witness
from tests.support.lane import Lane

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.in_process]

SCHEMA = schemathesis.openapi.from_dict(app.openapi())
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
WITH_PARAMETERS = [  # a path alone cannot be wrong: any text is an id
    label for label, operation in OPERATIONS.items() if operation.query or operation.body
]
SHORT = b"We train BERT on SQuAD.\n"

# A cursor that fits its type is none of ours, bytes in a file are seldom a paper: both are refused, and rightly.
UNFIT = [positive_data_acceptance]


@pytest.mark.parametrize("label", OPERATIONS)
async def test_a_call_that_fits_the_document_gets_a_declared_answer(lane: Lane, label: str) -> None:
    async with a_witness(lane):
        await for_each(60, OPERATIONS[label].as_strategy(GenerationMode.POSITIVE), partial(check, lane))


@pytest.mark.parametrize("label", WITH_PARAMETERS)
async def test_a_call_that_breaks_the_document_is_refused_as_declared(lane: Lane, label: str) -> None:
    async with a_witness(lane):
        await for_each(60, OPERATIONS[label].as_strategy(GenerationMode.NEGATIVE), partial(check, lane))


async def test_any_calls_in_any_order_on_a_paper_get_declared_answers(lane: Lane) -> None:
    def story(cases: list[Case[Any]]) -> None:
        paper = from_thread.run(lane.upload, "short.txt", SHORT)
        for case in cases:
            if "paper_id" in case.path_parameters:
                case.path_parameters["paper_id"] = paper["id"]
            check(lane, case)

    async with a_witness(lane):
        await for_each(20, st.lists(SCHEMA.as_strategy(), min_size=2, max_size=8), story)
        await lane.settled()


async def for_each(count: int, made: SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    """Runs the check on so many examples, in a thread: Hypothesis calls plain functions."""

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(made)
    def run(example: Any) -> None:
        check(example)

    await to_thread.run_sync(run)


def check(lane: Lane, case: Case[Any]) -> None:
    """Makes the call; its answer has a status, headers and a body that the document declares, and is no 500."""
    answer = from_thread.run(send, lane.client, case)
    try:
        case.validate_response(answer, excluded_checks=UNFIT)
    except FailureGroup as failures:  # no kind of Exception
        raise AssertionError(str(failures)) from None
    declared = case.operation.definition.raw["responses"]
    assert str(answer.status_code) in declared, f"{answer.status_code} is declared by the default alone: {answer.text}"


async def send(client: httpx.AsyncClient, case: Case[Any]) -> httpx.Response:
    request = requests.Request(**case.as_transport_kwargs(str(client.base_url))).prepare()
    assert request.method is not None
    assert request.url is not None
    return await client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
