"""`check` on a machine: what it prints, and its exit status, with real files and no service running."""

import asyncio
import fcntl
import importlib.metadata
import io
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.client.installation import check, how_it_is, is_running, not_as_locked, trouble_with, versions
from app.settings import Settings, unknown_settings
from app.wiring import broker_url, open_services
from app.worker.celery_app import create_celery, refuse
from tests.support.client_service import URL, Service

pytestmark = pytest.mark.extended

GONE = "00000000-0000-4000-8000-000000000000"
NOWHERE = "unix:///nowhere/redis.sock"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=9)


def test_before_the_first_start_nothing_is_wrong(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(settings, {}, repair=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "No `serve` is running on this data folder.",
        f"The data folder {settings.data_dir} is not there yet; `serve` makes it.",
        "Nothing is wrong.",
    ]
    assert not settings.data_dir.exists(), "it only looks"


@pytest.mark.slow  # it waits for a server that is not there
def test_servers_are_asked_though_there_is_no_data_folder(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    away = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nobody.sock"})
    assert check(away, {}, repair=False) == 1
    assert "redis: Redis does not answer" in capsys.readouterr().out


@pytest.mark.slow
def test_a_stray_file_is_told_and_with_repair_removed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    stray = settings.data_dir / "files" / "00" / GONE
    stray.parent.mkdir(parents=True)
    stray.write_text("x")
    os.utime(stray, (time.time() - 7200,) * 2)
    assert check(settings, {}, repair=False) == 1
    assert f"There is something among the files that belongs to no paper: {GONE}." in capsys.readouterr().out
    assert stray.exists()
    assert check(settings, {}, repair=True) == 0
    assert "* Removed among the files what belonged to no paper: 1." in capsys.readouterr().out
    assert not stray.exists()
    assert check(settings, {}, repair=False) == 0


async def _with_a_paper(settings: Settings) -> str:
    """Makes everything in the data folder that a start makes, and a paper; answers its id."""
    celery, task = create_celery(broker_url(NOWHERE), refuse)
    try:
        async with open_services(settings.model_copy(update={"redis_url": NOWHERE}), task) as services:
            await services.graph.replace(GONE, 1, "Of no paper", [], [])
            paper = await services.papers.submit(io.BytesIO(b"A paper."), "a.txt", limit_mb=1)
            return paper.id
    finally:
        celery.close()


def damage(database: Path, *tables: str) -> None:
    """Writes over the first page of each table."""
    with closing(sqlite3.connect(database)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        found = dict(connection.execute("SELECT name, rootpage FROM sqlite_master").fetchall())
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.open("r+b") as file:
        for table in tables:
            file.seek((found[table] - 1) * size)
            file.write(b"\xff" * size)


@pytest.mark.slow
def test_a_paper_that_lost_its_file_is_told_and_no_repair_is_promised(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    paper_id = asyncio.run(_with_a_paper(settings))
    (settings.data_dir / "files" / paper_id[:2] / paper_id).unlink()
    check(settings, {}, repair=True)
    capsys.readouterr()
    assert check(settings, {}, repair=True) == 1, "what cannot be mended is still wrong"
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"  - Papers have lost their files: {paper_id}; restore them from a backup, or delete them.",
        "Wrong: 1.",
    ]


@pytest.mark.slow
def test_a_repair_that_does_not_work_out_is_told_with_its_reason(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_with_a_paper(settings))
    damage(settings.data_dir / "graph.sqlite", "graph_mentions")
    assert check(settings, {}, repair=True) == 1
    said = capsys.readouterr().out
    assert f"  - There is something in the graph that belongs to no paper: {GONE}. (--repair does something" in said
    assert "  * It could not be mended: The database" in said
    assert "the file is damaged; restore it from a backup.\n" in said


@pytest.mark.slow
def test_a_damage_that_the_checks_pass_by_is_told_when_it_is_met(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_with_a_paper(settings))
    damage(settings.data_dir / "papers.sqlite", "events", "events_waiting")
    assert check(settings, {}, repair=False) == 1
    last, count = capsys.readouterr().out.splitlines()[-2:]
    assert last.endswith("papers.sqlite does not work: the file is damaged; restore it from a backup.")
    assert count == "Wrong: 1."


@pytest.mark.slow
def test_a_store_that_is_no_database_is_told_and_nothing_is_compared_with_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "papers.sqlite").write_bytes(b"no database " * 100)
    assert check(settings, {}, repair=True) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"  - store: The database {settings.data_dir}/papers.sqlite does not work: the file is not a SQLite database.",
        "Wrong: 1.",
    ]


@pytest.mark.slow
def test_a_redis_of_one_s_own_has_to_answer_whether_the_service_runs_or_not(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.data_dir.mkdir()
    assert check(settings, {}, repair=False) == 0, "the embedded one ends with the service"
    capsys.readouterr()
    assert check(settings.model_copy(update={"redis_url": NOWHERE}), {}, repair=False) == 1
    assert "  - redis: Redis does not answer" in capsys.readouterr().out


@pytest.mark.anyio
async def test_a_service_that_runs_and_does_not_answer_is_told_in_its_place() -> None:
    service = Service()

    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    service.answers["GET /system/status"] = away
    said = await how_it_is(service.server())
    assert said.startswith(f"The service runs here, but No service answers at {URL} (refused)")


@pytest.mark.anyio
async def test_a_service_that_runs_tells_how_it_is() -> None:
    service = Service()
    status = {"status": "ok", "workers": 2, "queue_length": 3, "active_tasks": 1}
    service.answers["GET /system/status"] = lambda _: httpx.Response(200, json=status)
    assert await how_it_is(service.server()) == (
        f"The service runs at {URL} and says that it is ok: 2 workers, 3 papers wait, 1 are at work."
    )


def test_a_setting_that_is_none_is_told_with_the_one_that_may_be_meant(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"PAPERS_LOGLEVEL": "DEBUG", "PAPERS_PORT": "1", "PAPERS_XYZZY": "1", "PATH": "/bin"}
    assert unknown_settings(environment) == [
        "PAPERS_LOGLEVEL is no setting; perhaps PAPERS_LOG_LEVEL is meant.",
        "PAPERS_XYZZY is no setting.",
    ]
    assert check(settings, environment, repair=True) == 1
    assert "  - PAPERS_XYZZY is no setting.\n" in capsys.readouterr().out


def test_a_folder_is_in_use_while_somebody_holds_its_lock(tmp_path: Path) -> None:
    assert not is_running(tmp_path)
    with (tmp_path / ".lock").open("wb") as lock:
        assert not is_running(tmp_path), "a lock that nobody holds"
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert is_running(tmp_path)


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    assert list(trouble_with(tmp_path)) == []
    (sentence,) = trouble_with(Path("/proc/self"))
    assert sentence.startswith("Nothing can be written to the data folder /proc/self: ")


def test_packages_other_than_those_locked_are_told() -> None:
    installed = importlib.metadata.version("anyio")
    lock = f"anyio=={installed}\ncelery==0.1 ; sys_platform == 'x'\nno-such-package==1\n"
    (sentence,) = not_as_locked(lock)
    assert f"celery {importlib.metadata.version('celery')} instead of 0.1;" in sentence
    assert list(not_as_locked(f"anyio=={installed}\n")) == []
    either = f"anyio==0.1 ; python_full_version < '3.12'\nanyio=={installed} ; python_full_version >= '3.12'\n"
    assert list(not_as_locked(either)) == [], "a lock for several Pythons names a package more than once"


@pytest.mark.slow
def test_this_environment_is_the_one_that_is_locked() -> None:
    assert list(versions()) == []
