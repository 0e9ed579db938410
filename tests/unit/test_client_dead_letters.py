"""The command `dead-letters`: what it asks for, and what it tells."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from app.api.dead_letters import LETTER
from app.api.runs import BATCH
from app.cli import cli
from app.client.dead_letters import retry_each, retry_one, show_letters
from app.client.errors import ClientError, RefusedError
from app.client.server import Server

pytestmark = [pytest.mark.anyio, pytest.mark.extended]

URL = "http://papers.test"


def service(answers: Mapping[str, Any], status: int = 200) -> Server:
    """Answers each call, named by its method and its path with the query, with this JSON."""
    return Server(
        URL,
        httpx.MockTransport(
            lambda call: httpx.Response(status, json=answers[f"{call.method} {call.url.raw_path.decode()}"])
        ),
    )


async def test_each_is_told_on_a_line_from_every_page(capsys: pytest.CaptureFixture[str]) -> None:
    letter = LETTER.model_dump(mode="json")
    other = {**letter, "paper_id": "other", "filename": "\x1b[2Jb.txt"}
    pages = {
        "GET /dead-letters": {"items": [letter], "next_cursor": "a b"},
        "GET /dead-letters?cursor=a%20b": {"items": [other], "next_cursor": None},
    }
    assert await show_letters(service(pages)) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == (
        f"2026-01-31T12:00:09.000Z  {LETTER.paper_id}  attention.pdf: "
        "The file made its reader crash (SIGSEGV). (reader_crashed, 3 attempts)"
    )
    assert "other" in second
    assert "\x1b" not in second


async def test_none_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert await show_letters(service({"GET /dead-letters": {"items": [], "next_cursor": None}})) == 0
    assert capsys.readouterr().out == "No paper's attempts ran out.\n"


async def test_one_is_retried(capsys: pytest.CaptureFixture[str]) -> None:
    assert await retry_one(service({"POST /dead-letters/p1/retry": {}}), "p1") == 0
    assert capsys.readouterr().out == f"Watch it: paper-processing watch p1 --url {URL}\n"


async def test_one_that_is_none_is_refused_in_the_words_of_the_service() -> None:
    answer = {"POST /dead-letters/p1/retry": {"detail": "Paper p1 is no dead letter.", "code": "not_a_dead_letter"}}
    with pytest.raises(RefusedError, match="no dead letter"):
        await retry_one(service(answer, 409), "p1")


async def test_all_are_retried_and_those_that_cannot_be_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert await retry_each(service({"POST /dead-letters/retry": BATCH.model_dump(mode="json")})) == 1
    told = capsys.readouterr()
    assert told.out == "1 paper is run again.\n"
    assert told.err.startswith(f"{BATCH.rejected[0].paper_id}: The paper is processing")


@pytest.mark.parametrize("answer", [{"items": [{}], "next_cursor": None}, {}])
async def test_what_is_no_list_is_told_in_a_sentence(answer: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="no Paper Processing of this version"):
        await show_letters(service({"GET /dead-letters": answer}))


@pytest.mark.parametrize("answer", [{}, {"accepted": [], "rejected": [{}]}])
async def test_what_is_no_answer_to_a_retry_is_told_in_a_sentence(answer: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="no Paper Processing of this version"):
        await retry_each(service({"POST /dead-letters/retry": answer}))


def test_one_and_all_at_once_is_refused() -> None:
    result = CliRunner().invoke(cli, ["dead-letters", "--retry", "p1", "--all"])
    assert result.exit_code == 2
