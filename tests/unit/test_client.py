"""The client's model of what it follows, and its way with a service that is as it should be."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from app.client.board import Board
from app.client.commands import check_service, submit_and_watch, submit_only, watch_paper
from app.client.display import Lines, describe, printable
from app.client.errors import ClientError
from app.client.server import Server
from tests.support.client_service import CONNECTED, URL, Service, event, json_of, paper, plain, status

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


# -- the board


def test_the_board_folds_events_and_ends_with_the_run() -> None:
    shown: list[str] = []
    board = Board(lambda paper: shown.append(paper.status))
    board.follow(paper(), 1)
    assert board.unfinished == ["p1"]
    for seq, name in enumerate(("queued", "processing", "completed"), start=2):
        assert board.fold(event(status(seq, name, 100)))
    assert shown == ["uploaded", "queued", "processing", "completed"]
    assert board.unfinished == []


def test_the_end_of_the_run_before_is_not_the_end() -> None:
    board = Board(lambda _: None)
    board.follow(paper(status="failed", run=1, seq=5), 2)
    assert board.unfinished == ["p1"]


def test_a_repeated_event_changes_nothing_and_a_gap_is_told() -> None:
    shown: list[int] = []
    board = Board(lambda paper: shown.append(paper.seq))
    board.follow(paper(seq=3), 1)
    assert board.fold(event(status(3, "processing")))
    assert not board.fold(event(status(5, "processing")))
    assert shown == [3]


def test_events_of_other_papers_are_nothing_to_the_board() -> None:
    board = Board(lambda _: None)
    assert board.fold(event(status(7, "processing", paper_id="other")))
    assert board.papers == []


def test_an_older_snapshot_does_not_take_the_board_back() -> None:
    board = Board(lambda _: None)
    board.follow(paper(seq=4, status="processing", progress=50), 1)
    board.update(paper(seq=2))
    assert board.papers[0][0].progress == 50


# -- submit --watch


async def test_submit_connects_first_and_follows_to_the_end(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.sockets = [[CONNECTED, status(2, "queued"), status(3, "processing", 40), status(4, "completed", 100)]]
    assert await submit_and_watch(service.server(), [file], service.way) == 0
    assert service.opened == ["ws://papers.test/ws"]
    assert service.asked == ["POST /papers/", "POST /papers/p1/process"]
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "a.pdf: 0 %, uploaded", "a.pdf: 0 %, queued", "a.pdf: 40 %, processing", "a.pdf: 100 %, completed",
    ]  # fmt: skip
    assert "\x1b" not in out


async def test_a_failed_paper_is_told_with_its_sentence(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "encrypted", "detail": "The PDF is encrypted.", "stage": "read"}
    service.sockets = [[CONNECTED, status(2, "queued"), status(3, "failed", 0, error=error)]]
    assert await submit_and_watch(service.server(), [file], service.way) == 1
    assert capsys.readouterr().err == "a.pdf: The PDF is encrypted.\n"


@pytest.mark.parametrize("code", [413, 415, 422])
async def test_a_refused_upload_is_told_in_the_words_of_the_service_and_the_others_go_on(
    service: Service, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    bad = tmp_path / "bad.bin"
    bad.touch()
    answers = iter(
        [httpx.Response(code, json={"detail": "No.", "code": "x"}), httpx.Response(201, json=json_of(paper()))]
    )
    service.answers["POST /papers/"] = lambda _: next(answers)
    service.sockets = [[CONNECTED, status(2, "queued"), status(3, "completed", 100)]]
    assert await submit_and_watch(service.server(), [bad, file], service.way) == 1
    assert capsys.readouterr().err == "bad.bin: No.\n"


async def test_a_dropped_socket_resumes_where_it_broke_off(service: Service, file: Path) -> None:
    dropped = ConnectionClosedError(None, None)
    service.sockets = [
        [CONNECTED, status(2, "queued"), dropped],
        [plain("connection", position="at-2"), status(3, "completed", 100)],
    ]
    assert await submit_and_watch(service.server(), [file], service.way) == 0
    assert service.opened == ["ws://papers.test/ws", "ws://papers.test/ws?after=at-2"]


async def test_a_resync_and_a_gap_are_mended_with_the_snapshot(service: Service, file: Path) -> None:
    snapshots = iter([paper(seq=4, status="processing", run=1), paper(seq=8, status="completed", run=1, progress=100)])
    service.answers["GET /papers/p1"] = lambda _: httpx.Response(200, json=json_of(next(snapshots)))
    resync = plain("resync", paper_id=None, reason="log_lost", position="at-4")
    service.sockets = [[CONNECTED, status(2, "queued"), resync, status(7, "processing")]]
    assert await submit_and_watch(service.server(), [file], service.way) == 0
    assert service.asked.count("GET /papers/p1") == 2


async def test_a_paper_deleted_while_it_is_watched_is_told(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deleted = {**status(3, "queued"), "event_type": "paper_deleted"}
    deleted["data"] = {"paper_id": "p1", "seq": 3, "run": 1, "changes": {}}
    service.sockets = [[CONNECTED, status(2, "queued"), deleted]]
    assert await submit_and_watch(service.server(), [file], service.way) == 1
    assert "it was deleted" in capsys.readouterr().err


async def test_of_several_papers_it_is_told_how_many_completed(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = file.with_name("b.pdf")
    other.touch()
    uploads = iter([paper(), paper(id="p2", filename="b.pdf")])
    service.answers["POST /papers/"] = lambda _: httpx.Response(201, json=json_of(next(uploads)))
    service.answers["POST /papers/p2/process"] = lambda _: httpx.Response(200, json={})
    ends = [status(3, "completed", 100), status(2, "queued", paper_id="p2"), status(3, "cancelled", 40, "p2")]
    service.sockets = [[CONNECTED, status(2, "queued"), *ends]]
    assert await submit_and_watch(service.server(), [file, other], service.way) == 1
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "1 of 2 papers completed."
    assert told.err == "b.pdf: cancelled\n"


async def test_only_missing_files_need_no_service(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert await submit_and_watch(service.server(), [Path("none.pdf")], service.way) == 1
    assert capsys.readouterr().err == "none.pdf: it cannot be read (No such file or directory).\n"
    assert service.opened == []


async def test_without_watch_submit_tells_the_ids(
    service: Service, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await submit_only(service.server(), [file]) == 0
    assert capsys.readouterr().out == f"p1  a.pdf\nWatch one of them: paper-processing watch ID --url {URL}\n"


@pytest.mark.parametrize("watched", [True, False])
async def test_submit_asks_for_runs_of_its_priority(service: Service, file: Path, watched: bool) -> None:
    queries: list[bytes] = []

    def process(request: httpx.Request) -> httpx.Response:
        queries.append(request.url.query)
        return httpx.Response(200, json={})

    service.answers["POST /papers/p1/process"] = process
    service.sockets = [[CONNECTED, status(2, "queued"), status(3, "completed", 100)]]
    if watched:
        assert await submit_and_watch(service.server(), [file], service.way, priority=9) == 0
    else:
        assert await submit_only(service.server(), [file], priority=9) == 0
    assert queries == [b"priority=9"]


# -- watch


async def test_watch_begins_with_the_snapshot(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = json_of(paper(status="processing", run=1, seq=3, progress=30))
    service.sockets = [[plain("connection", position="x", snapshot=snapshot), status(4, "completed", 100)]]
    assert await watch_paper(service.server(), "p1", service.way) == 0
    assert service.opened == ["ws://papers.test/ws/p1"]
    assert capsys.readouterr().out == "a.pdf: 30 %, processing\na.pdf: 100 %, completed\n"


@pytest.mark.parametrize(("code", "words"), [(4404, "no paper has this id"), (4410, "deleted"), (4403, "not for you")])
async def test_a_final_close_code_is_told_in_a_sentence(service: Service, code: int, words: str) -> None:
    service.sockets = [[ConnectionClosedError(Close(code, ""), None)]]
    with pytest.raises(ClientError, match=words):
        await watch_paper(service.server(), "p1", service.way)


async def test_a_service_that_was_never_there_is_told_at_once(service: Service) -> None:
    service.sockets = [[ConnectionRefusedError(111, "refused")]]
    with pytest.raises(ClientError, match=r"No service answers at http://papers\.test .*refused"):
        await watch_paper(service.server(), "p1", service.way)


@pytest.mark.parametrize("message", [{"event_type": "paper_status", "data": {}}, {"event_type": "connection"}, {}])
async def test_what_is_no_event_is_told_in_a_sentence(service: Service, message: dict[str, Any]) -> None:
    service.sockets = [[{"event_type": "", **message} if message else plain("connection")]]
    with pytest.raises(ClientError, match="no Paper Processing of this version"):
        await watch_paper(service.server(), "p1", service.way)


# -- check


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("degraded", 1)])
async def test_check_tells_how_the_service_is(
    service: Service, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    reasons = [] if state == "ok" else ["No worker is there.", "store: it is full."]
    answer = {
        "status": state,
        "reasons": reasons,
        "services": {"store": "ok"},
        "workers": 2,
        "queue_length": 1,
        "active_tasks": 0,
        "connections": 3,
    }
    service.answers["GET /system/status"] = lambda _: httpx.Response(200, json=answer)
    assert await check_service(service.server()) == code
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [["status", state], ["store", "ok"], ["workers", "2"]]
    assert lines[5:] == [f"  - {reason}" for reason in reasons]


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=[]), httpx.Response(200, json={})]
)
async def test_what_is_no_service_is_told_in_a_sentence(service: Service, answer: httpx.Response) -> None:
    service.answers["GET /system/status"] = lambda _: answer
    with pytest.raises(ClientError, match="no Paper Processing of this version"):
        await check_service(service.server())


@pytest.mark.parametrize(
    "url", ["papers.test", "ftp://papers.test", "http://", "http://a:b", "http://[::1", "http://a\n", ""]
)
async def test_a_url_that_is_none_is_told_in_a_sentence(url: str) -> None:
    with pytest.raises(ClientError, match="--url"):
        Server(url)


# -- what is shown


def test_lines_come_for_what_is_news_only(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for progress in range(101):
        lines.show(paper(status="processing", stage="references", progress=progress))
    lines.show(paper(status="extracting_entities", progress=80, counts={"entities": 4, "relationships": 1}))
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in shown] == ["0", "25", "50", "75", "100", "80"]
    assert shown[-1] == "a.pdf: 80 %, extracting entities, 4 entities, 1 relationships"


def test_the_stage_is_told_where_it_says_more_than_the_status() -> None:
    assert describe(paper(status="processing", stage="references")) == "processing (references)"
    assert describe(paper(status="extracting_entities", stage="entities")) == "extracting entities"


def test_a_file_name_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2J\u202eb\n") == "a�[2J�b�"
