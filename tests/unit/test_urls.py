"""The URLs of the settings: what they say reaches each client and Celery, and what cannot be is told before anything starts."""

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.transport.redis import Channel
from redis.asyncio import Redis

from app.adapters.files.fsspec import FsspecFiles
from app.adapters.papers import mongo
from app.settings import Settings, SettingsError
from app.wiring import _open_files, broker_url, check_urls
from app.worker.celery_app import create_celery, refuse

pytestmark = pytest.mark.anyio
NOWHERE = "unix:///nowhere/redis.sock"


@pytest.mark.parametrize(
    ("redis", "broker"),
    [
        ("redis://host:6379/2", "redis://host:6379/2"),
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:s%40crt@/run/redis.sock", "redis+socket://:s%40crt@/run/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock?username=me&password=s", "redis+socket://me:s@/run/redis.sock?virtual_host=0"),
        ("redis://host?db=5&username=me&password=s%2Fcrt", "redis://me:s%2Fcrt@host/5"),
        ("redis://host:6379/1?socket_timeout=3&client_name=papers&protocol=3", "redis://host:6379/1"),
        ("rediss://[::1]:6380/?db=2", "rediss://[::1]:6380/2?ssl_cert_reqs=required"),
    ],
)
def test_celery_is_told_the_same_redis_in_its_own_spelling(redis: str, broker: str) -> None:
    assert broker_url(redis) == broker


def test_celery_takes_user_and_password_to_a_socket(tmp_path: Path) -> None:
    celery, _ = create_celery(broker_url(f"unix://me:s%40crt@{tmp_path}/redis.sock?db=3"), refuse)
    channel: Any = Channel.__new__(Channel)  # which would connect if it were made as usual
    channel.connection = SimpleNamespace(client=celery.connection_for_write(), default_port=6379)
    told = channel._connparams()
    assert (told["path"], told["username"], told["password"], told["db"]) == (
        f"{tmp_path}/redis.sock",
        "me",
        "s@crt",
        3,
    )
    celery.close()


WRONG_URLS = [
    ("redis_url", "redis://host:abc", "Port could not be cast to integer value as 'abc'"),
    ("redis_url", "redis://me:secret@host?foo=1", ".* unexpected keyword argument 'foo'"),
    ("redis_url", "rediss://host?ssl_cert_reqs=maybe", "Invalid SSL Certificate Requirements Flag: maybe"),
    ("store_url", "mongodb://host:port/papers", "Port contains non-digit characters.*"),
    ("store_url", "mongodb://me:s@crt@host/papers", "Username and password must be escaped.*"),
    ("store_url", "mongodb://host/?tls=true&tlsCAFile=/nowhere.pem", ".*No such file or directory: '/nowhere.pem'"),
    ("graph_url", "bolt://host:abc", "Port could not be cast to integer value as 'abc'"),
    ("graph_url", "bolt://me:secret@host?x=1", "Routing context .* is not supported .*"),
    ("files_url", "teapot://me:secret@kitchen", "Protocol not known: teapot"),
]


@pytest.mark.slow  # the drivers take half a second to import
@pytest.mark.parametrize(("setting", "url", "reason"), WRONG_URLS)
async def test_a_url_that_its_client_cannot_read_is_told_in_a_sentence_without_its_password(
    setting: str, url: str, reason: str, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "redis_url": NOWHERE, setting: url})
    with pytest.raises(
        SettingsError, match=rf"^PAPERS_{setting.upper()} is '.*', which cannot be: {reason}\.$"
    ) as told:
        await check_urls(settings)
    assert "secret" not in str(told.value)


@pytest.mark.slow
async def test_urls_that_their_clients_can_read_are_right_though_nobody_is_there(tmp_path: Path) -> None:
    urls = {"store_url": "mongodb://nowhere.test", "graph_url": "neo4j://nowhere.test", "redis_url": NOWHERE}
    await check_urls(Settings.model_validate({"data_dir": tmp_path, **urls}))


def test_without_a_redis_that_is_named_only_serve_starts() -> None:
    with pytest.raises(SettingsError, match=r"^PAPERS_REDIS_URL is not set: only `serve` brings"):
        broker_url("embedded:")


# -- what a URL says of users, passwords and encryption reaches the driver


async def test_a_redis_url_says_user_password_database_and_encryption() -> None:
    url = "rediss://worker:s%40crt@host:6380/2?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required"
    options = Redis.from_url(url).connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["host"], options["port"], options["db"]) == (
        "worker",
        "s@crt",
        "host",
        6380,
        2,
    )
    assert (options["ssl_ca_certs"], options["ssl_cert_reqs"]) == ("/etc/ca.pem", "required")


@pytest.mark.parametrize(
    ("query", "certificates"),
    [
        ("", ssl.CERT_REQUIRED),
        ("?ssl_ca_certs=/etc/ca.pem", ssl.CERT_REQUIRED),
        ("?ssl_cert_reqs=required", ssl.CERT_REQUIRED),
        ("?ssl_cert_reqs=none", ssl.CERT_NONE),
    ],
)
def test_celery_hears_the_same_of_redis(query: str, certificates: ssl.VerifyMode) -> None:
    celery, _ = create_celery(broker_url(f"rediss://worker:s%40crt@host:6380/2{query}"), refuse)
    broker = celery.connection_for_write()
    assert (broker.userid, broker.password, broker.hostname, broker.port, broker.virtual_host) == (
        "worker",
        "s@crt",
        "host",
        6380,
        "2",
    )
    assert isinstance(broker.ssl, dict)
    assert broker.ssl["ssl_cert_reqs"] is certificates
    assert broker.ssl.get("ssl_ca_certs") == ("/etc/ca.pem" if "ca_certs" in query else None)
    celery.close()


async def test_a_mongodb_url_says_user_password_and_encryption() -> None:
    url = "mongodb://papers:s%40crt@host/db?authSource=admin&tls=true&tlsAllowInvalidCertificates=true&w=majority"
    store = mongo.connect(url)
    options = store._database.client.options
    user = options.pool_options._credentials
    assert store._database.name == "db"
    assert options._options["tls"] is True
    assert user is not None
    assert (user.username, user.password, user.source) == ("papers", "s@crt", "admin")
    assert options.write_concern.document == {"w": "majority"}
    await store.close()


@pytest.mark.slow  # the driver takes 0.3 s to import
@pytest.mark.parametrize("scheme", ["bolt", "neo4j", "bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc"])
async def test_a_neo4j_url_says_user_password_and_encryption(scheme: str) -> None:
    from app.adapters.graph.neo4j import connect

    asked: list[tuple[str, tuple[str, str]]] = []

    def driver(url: str, *, auth: tuple[str, str], **_: object) -> Any:
        asked.append((url, auth))

    connect(f"{scheme}://papers:s%40crt@host:7687", driver)
    assert asked == [(f"{scheme}://host:7687", ("papers", "s@crt"))]


@pytest.mark.slow  # so does that of S3
async def test_s3_is_given_up_in_seconds_and_its_listings_are_never_stale(tmp_path: Path) -> None:
    files = _open_files(Settings(data_dir=tmp_path, files_url="s3://bucket/papers"))
    assert isinstance(files, FsspecFiles)
    assert files._root == "bucket/papers"
    assert files._fs.config_kwargs["connect_timeout"] == 5
    assert not files._fs.dircache.use_listings_cache
