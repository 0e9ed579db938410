"""The composition root: which adapter a URL picks. Nothing here connects to anything."""

from pathlib import Path

import pytest

from app import main
from app.adapters.event_log.redis import RedisEventLog
from app.adapters.files.fsspec import FsspecFiles
from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.machine import PsutilMachine
from app.domain.errors import PaperNotFoundError
from app.settings import Settings, SettingsError
from app.wiring import _open_files, broker_url, open_services
from app.worker.celery_app import create_celery, refuse

pytestmark = pytest.mark.anyio
NOWHERE = "unix:///nowhere/redis.sock"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAPERS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PAPERS_REDIS_URL", NOWHERE)


async def open_and_close(settings: Settings) -> dict[str, type]:
    """The kinds of adapters that these settings pick."""
    celery, task = create_celery(broker_url(settings.redis_url), refuse)
    try:
        async with open_services(settings, task) as services:
            with pytest.raises(PaperNotFoundError):  # opens what is opened when it is needed
                await services.papers.get("nobody")
            return {"log": type(services.log), "graph": type(services.graph)}
    finally:
        celery.close()


async def test_alone_on_one_machine_everything_lives_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    kinds = await open_and_close(Settings(data_dir=folder, redis_url=NOWHERE))
    assert kinds == {"log": RedisEventLog, "graph": SqliteGraph}
    assert (folder / "papers.sqlite").exists()


@pytest.mark.parametrize("slashes", ["sqlite:///", "sqlite:////"], ids=["relative", "absolute"])
async def test_a_sqlite_url_says_where(slashes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = "elsewhere.sqlite" if slashes == "sqlite:///" else str(tmp_path / "elsewhere.sqlite")[1:]
    await open_and_close(Settings(data_dir=tmp_path / "data", redis_url=NOWHERE, store_url=slashes + path))
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (tmp_path / "data" / "papers.sqlite").exists()


async def test_a_place_for_files_that_nothing_serves_is_told_in_a_sentence(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url=NOWHERE, files_url="teapot://kitchen")
    with pytest.raises(SettingsError, match=r"^PAPERS_FILES_URL is 'teapot://kitchen', which cannot be: .*\.$"):
        await open_and_close(settings)


@pytest.mark.usefixtures("environment")
async def test_the_served_application_opens_what_the_environment_says(tmp_path: Path) -> None:
    async with main._from_environment() as (settings, services):
        assert settings.data_dir == tmp_path
        assert isinstance(services.graph, SqliteGraph)


@pytest.mark.parametrize(
    ("redis", "broker"),
    [
        ("redis://host:6379/2", "redis://host:6379/2"),
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
    ],
)
def test_celery_is_told_the_same_redis_in_its_own_spelling(redis: str, broker: str) -> None:
    assert broker_url(redis) == broker


async def test_files_are_kept_where_their_url_says(tmp_path: Path) -> None:
    files = _open_files(Settings(data_dir=tmp_path))
    assert isinstance(files, FsspecFiles)
    with (tmp_path / "paper").open("wb+") as source:
        source.write(b"A paper.")
        source.seek(0)
        await files.put("p1", source)
    assert [path.read_bytes() for path in (tmp_path / "files").rglob("*") if path.is_file()] == [b"A paper."]


def test_the_machine_is_between_idle_and_busy() -> None:
    assert all(0 <= share <= 100 for share in PsutilMachine().usage())
