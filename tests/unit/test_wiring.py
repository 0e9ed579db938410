"""The composition root: which adapter a URL picks. Nothing here connects to anything."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app import main
from app.adapters.clock import SystemClock
from app.adapters.event_log.redis import RedisEventLog
from app.adapters.files.fsspec import FsspecFiles
from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.machine import PsutilMachine
from app.adapters.papers import mongo
from app.adapters.reader.grobid import GrobidReader
from app.adapters.reader.subprocess import SubprocessReader
from app.domain.errors import PaperNotFoundError
from app.extraction import embedding, tagger
from app.settings import Settings, SettingsError
from app.wiring import _open_files, _open_graph, _open_reader, broker_url, check_urls, open_services, own_weights
from app.worker.celery_app import create_celery, refuse
from tests.support.networks import encoder

pytestmark = [pytest.mark.anyio, pytest.mark.extended]
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


async def test_the_limits_of_the_settings_reach_the_log_the_stages_and_the_reader(tmp_path: Path) -> None:
    limits = {"log_retention": 2000, "stage_timeout_seconds": 70, "read_timeout_seconds": 80, "read_memory_mb": 900}
    settings = Settings.model_validate({"data_dir": tmp_path, "redis_url": NOWHERE, **limits})
    celery, task = create_celery(broker_url(NOWHERE), refuse)
    async with open_services(settings, task) as services, AsyncExitStack() as stack:
        reader = await _open_reader(settings, services.clock, stack)
        assert isinstance(services.log, RedisEventLog)
        assert isinstance(reader, SubprocessReader)
        assert services.log._retention == 2000
        assert services.pipeline._terms.stage_seconds == 70
        assert (reader._timeout, reader._memory_mb) == (80, 900)
    celery.close()


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


async def test_a_tagger_that_is_no_model_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"?")
    with pytest.raises(
        SettingsError, match=rf"^PAPERS_TAGGER is '{path}', which cannot be: it is no model of crfsuite\.$"
    ):
        await open_and_close(Settings(data_dir=tmp_path, redis_url=NOWHERE, tagger=path))


def test_a_tagger_that_is_not_there_any_more_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.touch()
    settings = Settings(data_dir=tmp_path, tagger=path)
    path.unlink()
    with pytest.raises(
        SettingsError, match=rf"^PAPERS_TAGGER is '{path}', which cannot be: No such file or directory\.$"
    ):
        own_weights(settings)


def test_a_folder_that_holds_no_network_is_told_in_a_sentence(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, tagger=tmp_path)
    with pytest.raises(
        SettingsError, match=r"^PAPERS_TAGGER is '.*', which cannot be: it holds no model\.onnx and .*\.$"
    ):
        own_weights(settings)


def test_the_user_s_own_tagger_is_taken_when_it_is_a_model(tmp_path: Path) -> None:
    own = Path(tagger.__file__).with_name("models") / "entities.crfsuite"
    assert own_weights(Settings(data_dir=tmp_path, tagger=own)) == own


async def test_an_encoder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url=NOWHERE, embedder=tmp_path)
    why = r"^PAPERS_EMBEDDER is '.*', which cannot be: it holds no model\.onnx and no tokenizer\.json\.$"
    with pytest.raises(SettingsError, match=why):
        await open_and_close(settings)
    with pytest.raises(SettingsError, match=why):
        await check_urls(settings)


@pytest.mark.slow  # what runs the network takes long to import
async def test_an_encoder_reads_papers_and_queries(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "encoder", {"astronomy": (0, 1)})
    celery, task = create_celery(broker_url(NOWHERE), refuse)
    async with open_services(Settings(data_dir=tmp_path, redis_url=NOWHERE, embedder=folder), task) as services:
        assert services.search._embed is not None
        assert services.search._embed("Astronomy") == embedding.load(folder).embed("astronomy")
        versions = {stage.plan.name: stage.version for stage in services.pipeline._stages}
        assert versions["structure"].endswith(f"+{embedding.load(folder).fingerprint}")
    async with open_services(Settings(data_dir=tmp_path, redis_url=NOWHERE), task) as services:
        assert services.search._embed is None
    celery.close()


@pytest.mark.slow  # the driver takes 0.2 s to import and to end
async def test_a_mongodb_that_is_away_does_not_keep_the_process_from_starting(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url=NOWHERE, store_url="mongodb://%2Fnowhere%2Fmongo.sock/papers")
    celery, task = create_celery(broker_url(NOWHERE), refuse)
    async with open_services(settings, task) as services:
        assert isinstance(services.pipeline._store, mongo.MongoPaperStore)
    celery.close()
    assert not (tmp_path / "papers.sqlite").exists()


@pytest.mark.slow  # the driver takes 0.3 s to import
async def test_a_neo4j_that_is_away_does_not_either(tmp_path: Path) -> None:
    from app.adapters.graph.neo4j import Neo4jGraph

    settings = Settings(data_dir=tmp_path, graph_url="bolt://papers:secret@nowhere.test:7687")
    async with AsyncExitStack() as stack:
        graph = await _open_graph(settings, stack, SystemClock())
        assert isinstance(graph, Neo4jGraph)
    assert not (tmp_path / "graph.sqlite").exists()


@pytest.mark.slow  # it has certificates to load
async def test_with_a_grobid_its_reader_is_before_the_own_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, grobid_url="http://grobid.test:8070", read_timeout_seconds=80)
    async with AsyncExitStack() as stack:
        reader = await _open_reader(settings, SystemClock(), stack)
        assert isinstance(reader, GrobidReader)
        assert isinstance(reader._beneath, SubprocessReader)
        assert (str(reader._client.base_url), reader._timeout) == ("http://grobid.test:8070", 80)


@pytest.mark.usefixtures("environment")
async def test_the_served_application_opens_what_the_environment_says(tmp_path: Path) -> None:
    async with main._from_environment() as (settings, services):
        assert settings.data_dir == tmp_path
        assert isinstance(services.graph, SqliteGraph)


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
