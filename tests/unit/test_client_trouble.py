"""The client where the service is not as it should be: each trouble told in a sentence, or lived through."""

import io
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.http11 import Response

from app.client import display
from app.client.commands import submit_and_watch, watch_paper
from app.client.display import Bars, Lines, opened_display
from app.client.errors import ClientError, RefusedError, UnreachableError
from app.client.run import run
from app.client.server import Server
from tests.support.client_service import CONNECTED, URL, Service, json_of, paper, plain, status

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


def refusal(code: int, body: bytes) -> InvalidStatus:
    return InvalidStatus(Response(code, "", Headers(), body))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (json.dumps({"detail": "This page may not.", "code": "x"}).encode(), r"This page may not\."),
        (b"<p>", r"HTTP 403\."),
    ],
    ids=["a sentence", "none"],
)
async def test_a_refused_socket_is_told_in_the_words_of_the_service(service: Service, body: bytes, told: str) -> None:
    service.sockets = [[refusal(403, body)]]
    with pytest.raises(ClientError, match=f"refuses the socket: {told}"):
        await watch_paper(service.server(), "p1", service.way)


async def test_a_service_that_cannot_take_sockets_yet_counts_as_away(service: Service) -> None:
    service.sockets = [[refusal(503, b"")]]
    with pytest.raises(UnreachableError):
        await watch_paper(service.server(), "p1", service.way)


async def test_a_socket_that_just_ends_is_opened_again(service: Service) -> None:
    snapshot = json_of(paper(status="processing", run=1, seq=3))
    service.sockets = [
        [plain("connection", position="x", snapshot=snapshot)],
        [refusal(502, b"")],
        [plain("connection", position="y"), status(4, "completed", 100)],
    ]
    assert await watch_paper(service.server(), "p1", service.way) == 0
    assert service.opened[1:] == ["ws://papers.test/ws/p1?after=x"] * 2


async def test_a_client_that_comes_back_in_vain_for_too_long_gives_up(service: Service) -> None:
    snapshot = json_of(paper(status="processing", run=1, seq=3))
    service.sockets = [[plain("connection", position="x", snapshot=snapshot)], [ConnectionRefusedError(111, "refused")]]
    with pytest.raises(ClientError, match=r"That was so for 0 seconds; the papers may go on\."):
        await watch_paper(service.server(), "p1", replace(service.way, patience_seconds=0))


async def test_a_paper_that_is_gone_when_its_snapshot_is_needed_counts_as_deleted(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers["GET /papers/p1"] = lambda _: httpx.Response(404, json={"detail": "No.", "code": "paper_not_found"})
    service.sockets = [[CONNECTED, status(2, "queued"), status(7, "processing")]]
    assert await submit_and_watch(service.server(), [file], service.way) == 1
    assert "it was deleted" in capsys.readouterr().err


async def test_a_snapshot_that_cannot_be_had_now_is_asked_for_again(service: Service, file: Path) -> None:
    done = json_of(paper(seq=8, status="completed", run=1, progress=100))
    answers = iter(
        [httpx.Response(503, json={"detail": "Away.", "code": "unavailable"}), httpx.Response(200, json=done)]
    )
    service.answers["GET /papers/p1"] = lambda _: next(answers)
    gap = status(7, "processing")
    service.sockets = [[CONNECTED, status(2, "queued"), gap], [plain("connection", position="at-2"), gap]]
    assert await submit_and_watch(service.server(), [file], service.way) == 0


async def test_a_snapshot_that_is_refused_ends_the_watching_with_the_words_of_the_service(
    service: Service, file: Path
) -> None:
    service.answers["GET /papers/p1"] = lambda _: httpx.Response(403, json={"detail": "Not for you.", "code": "no"})
    service.sockets = [[CONNECTED, status(2, "queued"), status(7, "processing")]]
    with pytest.raises(RefusedError, match=r"Not for you\."):
        await submit_and_watch(service.server(), [file], service.way)


async def test_an_upload_answered_with_something_else_than_a_paper_is_told(service: Service, file: Path) -> None:
    service.answers["POST /papers/"] = lambda _: httpx.Response(201, json={"id": "p1"})
    with pytest.raises(ClientError, match="no Paper Processing of this version: its papers have other fields"):
        await service.server().upload(file)


async def test_a_file_that_goes_before_it_is_sent_is_told_with_the_reason(service: Service, file: Path) -> None:
    file.unlink()
    with pytest.raises(ClientError, match=r"^it cannot be read \(No such file or directory\)$"):
        await service.server().upload(file)


@pytest.mark.parametrize("kind", ["system_status", "pong", "of a later version"])
async def test_what_is_no_news_of_a_paper_is_passed_over(service: Service, kind: str) -> None:
    snapshot = json_of(paper(status="processing", run=1, seq=3))
    connection = plain("connection", position="x", snapshot=snapshot)
    service.sockets = [[connection, plain(kind), status(4, "completed", 100)]]
    assert await watch_paper(service.server(), "p1", service.way) == 0


def test_ctrl_c_ends_the_watching_and_says_that_the_service_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async def interrupted(_: Server) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(URL, interrupted)
    assert capsys.readouterr().err == "\nNo longer watching; the service goes on.\n"


async def test_a_run_that_somebody_else_opened_is_watched_all_the_same(service: Service, file: Path) -> None:
    service.answers["POST /papers/p1/process"] = lambda _: httpx.Response(
        409, json={"detail": "Busy.", "code": "paper_busy"}
    )
    service.sockets = [[CONNECTED, status(2, "queued"), status(3, "completed", 100)]]
    assert await submit_and_watch(service.server(), [file], service.way) == 0


async def test_a_run_that_is_refused_is_told_and_not_waited_for(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers["POST /papers/p1/process"] = lambda _: httpx.Response(
        422, json={"detail": "Never.", "code": "invalid"}
    )
    service.sockets = [[CONNECTED, ConnectionClosedError(None, None)]]
    assert await submit_and_watch(service.server(), [file], service.way) == 1
    assert "a.pdf: Never." in capsys.readouterr().err


async def test_a_service_that_goes_away_is_told_once_and_not_for_each_file(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    service.answers["POST /papers/"] = away
    service.sockets = [[CONNECTED, ConnectionClosedError(None, None)]]
    assert await submit_and_watch(service.server(), [file, file], service.way) == 1
    assert capsys.readouterr().err.count("a.pdf and what follows it was not sent") == 1


def test_a_terminal_shows_one_bar_a_paper() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Bars(console) as bars:
        bars.show(paper(status="processing", progress=30))
        bars.show(paper(status="processing", progress=60))
        assert [(task.description, task.completed) for task in bars.tasks] == [("a.pdf", 60)]


@pytest.mark.parametrize(("terminal", "kind"), [(True, Bars), (False, Lines)])
def test_the_display_suits_where_the_output_goes(terminal: bool, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    monkeypatch.setattr(display, "Console", lambda: console)
    with opened_display() as shown:
        assert type(shown) is kind
