"""A backing service is away: what still works, what is told, and that nothing is lost."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Never
from uuid import uuid4

import fsspec
import httpx
import pytest

from app.adapters.event_log.redis import RedisEventLog
from app.adapters.files.fsspec import FsspecFiles
from app.adapters.graph.sqlite import SqliteGraph
from app.adapters.papers.mongo import MongoPaperStore
from app.adapters.queue.celery import CeleryQueue
from app.adapters.reader.inline import InlineReader
from app.adapters.sqlite import Database
from app.domain.decisions import Change
from app.domain.errors import StorageFullError, UnavailableError
from app.services.services import Ports, build_services
from app.services.system import NO_WORKER
from tests.support.answers import body, error, snapshot
from tests.support.clock import ManualClock
from tests.support.deadlines import until
from tests.support.in_process import Applications, FixedMachine, InProcessLane
from tests.support.log_lines import log_lines
from tests.support.mongo import MongoServer
from tests.support.prometheus import samples
from tests.support.redis import Redis, Server
from tests.support.sockets import DEADLINE

pytestmark = [pytest.mark.anyio, pytest.mark.in_process]

AnyPort = Any
Serve = Callable[..., httpx.AsyncClient]


class Away:
    """Any port, while what is behind it does not answer."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error or UnavailableError("It does not answer; check that it runs.")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def refuse(*_: Any, **__: Any) -> Never:
            raise self._error

        return refuse


class Hub:
    """As much of a hub as the routes look at."""

    connections = 0
    position = "0-0"


@pytest.fixture
async def serve(applications: Applications) -> AsyncIterator[Serve]:
    """A client of the application over whole ports, but for those the test gives: all on this loop, nothing in the background."""
    clock, redis = ManualClock(), Redis(Server())
    database = Database(f"file:/{uuid4().hex}?vfs=memdb")
    clients = []

    def open_client(**ports: AnyPort) -> httpx.AsyncClient:
        whole = Ports(
            store=MongoPaperStore(MongoServer().connect()),
            log=RedisEventLog(redis, retention=1000),
            queue=CeleryQueue(applications.task, redis, clock),
            graph=SqliteGraph(database),
            files=FsspecFiles(fsspec.filesystem("memory"), f"/{uuid4().hex}"),
            reader=InlineReader(),
            clock=clock,
            machine=FixedMachine(),
        )
        services = build_services(Ports(**(vars(whole) | ports)), [], owner="api", look_seconds=DEADLINE)
        state = {"services": services, "hub": Hub(), "max_upload_mb": 1}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await applications.app(scope | {"state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://testserver"))
        return clients[-1]

    yield open_client
    for client in clients:
        await client.aclose()
    await database.close()
    await redis.aclose()


async def upload(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/papers/", files={"file": ("a.txt", b"Words.")})


# -- which one is away is told


@pytest.mark.parametrize(
    ("port", "name"), [("store", "store"), ("log", "redis"), ("graph", "graph"), ("files", "files")]
)
async def test_the_service_that_is_away_is_named_everywhere(port: str, name: str, serve: Serve) -> None:
    client = serve(**{port: Away()})
    services = {"store": "ok", "redis": "ok", "graph": "ok", "files": "ok"} | {name: "down"}
    reason = f"{name}: It does not answer; check that it runs."
    ready = body(await client.get("/health/ready"), 503)
    assert (ready["status"], ready["services"]) == ("degraded", services)
    assert reason in ready["reasons"]
    assert body(await client.get("/health/live")) == {"status": "ok"}
    status = body(await client.get("/system/status"))
    assert (status["status"], status["services"], reason in status["reasons"]) == ("degraded", services, True)
    assert (status["log_position"] is None) == (port == "log")
    told = samples((await client.get("/metrics")).text)
    up = {service: told[f"service_up,{service}"] for service in services}
    assert up == {service: float(state == "ok") for service, state in services.items()}


async def test_a_check_that_fails_in_an_unforeseen_way_is_down_and_no_error(serve: Serve) -> None:
    client = serve(graph=Away(RuntimeError("a bug in the driver")))
    assert body(await client.get("/health/ready"), 503)["services"]["graph"] == "down"


async def test_without_any_worker_the_service_is_degraded_though_all_answer(serve: Serve) -> None:
    client = serve()
    status = body(await client.get("/system/status"))
    assert (status["status"], status["workers"], set(status["services"].values())) == ("degraded", 0, {"ok"})
    ready = body(await client.get("/health/ready"), 200)  # papers are taken, and wait: nobody may keep requests away
    assert (ready["status"], ready["services"]) == ("degraded", status["services"])
    assert ready["reasons"] == status["reasons"] == [NO_WORKER]


async def test_a_worker_that_runs_out_of_memory_makes_the_service_degraded_for_a_minute(
    in_process: InProcessLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get(_: str) -> bytes:
        raise MemoryError

    monkeypatch.setattr(in_process.worker.files, "get", get)
    paper = await in_process.upload("a.txt", b"Words.")
    async with in_process.connect(f"/ws/{paper['id']}") as socket:
        await in_process.process(paper["id"])
        await socket.receive_until("paper_status", status="processing")

        async def told() -> bool:
            return bool(body(await in_process.client.get("/health/ready"), 200)["reasons"])

        await until(told, "a worker's word to the API that it has no memory")
    for path in ("/health/ready", "/system/status"):
        found = body(await in_process.client.get(path))
        assert (found["status"], set(found["services"].values())) == ("degraded", {"ok"})
        (reason,) = found["reasons"]
        assert reason.startswith("Worker worker ran out of memory at ")
    monkeypatch.undo()
    in_process.clock.advance(60)

    async def well() -> bool:
        return bool(body(await in_process.client.get("/health/ready"))["status"] == "ok")

    await until(well, "a service that is well again by itself")
    await in_process.settled()
    assert (await snapshot(in_process, paper["id"]))["status"] == "completed"


# -- what needs it says so, the rest works


async def test_without_the_store_every_route_to_a_paper_is_503(serve: Serve) -> None:
    client = serve(store=Away())
    routes = [
        *(("GET", f"/papers/x{path}") for path in ("", "/events", "/document", "/entities", "/relationships")),
        *(("GET", path) for path in ("/papers/", "/papers/x/references", "/papers/x/file", "/search?q=x")),
        *(("GET", path) for path in ("/graph/papers/x/related",)),
        *(("POST", path) for path in ("/papers/x/process", "/papers/x/cancel")),
        ("DELETE", "/papers/x"),
    ]
    answers = {route: await client.request(*route) for route in routes}
    assert {route: error(answer) for route, answer in answers.items()} == dict.fromkeys(
        routes, (503, "service_unavailable")
    )
    assert {answer.headers["Retry-After"] for answer in answers.values()} == {"1"}
    assert error(await upload(client)) == (503, "service_unavailable")


async def test_a_batch_without_the_store_names_the_reason_for_each_paper(serve: Serve) -> None:
    answer = body(await serve(store=Away()).post("/papers/batch/process", json={"paper_ids": ["a", "b"]}))
    assert [(found["paper_id"], found["code"]) for found in answer["rejected"]] == [
        ("a", "service_unavailable"),
        ("b", "service_unavailable"),
    ]


async def test_without_the_graph_only_the_graph_is_503(serve: Serve) -> None:
    client = serve(graph=Away())
    paper_id = body(await upload(client), 201)["id"]
    for path in ("/graph/entities/method:crf", f"/graph/papers/{paper_id}/related"):
        assert error(await client.get(path)) == (503, "service_unavailable")
    assert body(await client.get(f"/papers/{paper_id}"))["id"] == paper_id
    assert body(await client.get("/search?q=words")) == {"items": []}
    assert (await client.delete(f"/papers/{paper_id}")).status_code == 204
    assert error(await client.get(f"/papers/{paper_id}")) == (404, "paper_not_found")


async def test_without_the_files_no_paper_is_made_known(serve: Serve) -> None:
    client = serve(files=Away())
    assert error(await upload(client)) == (503, "service_unavailable")
    assert body(await client.get("/papers/"))["items"] == []


async def test_a_full_disk_is_507_and_leaves_no_file_behind(serve: Serve) -> None:
    class Full(MongoPaperStore):
        async def insert(self, change: Change) -> None:
            raise StorageFullError("The disk is full; make room, and everything goes on.")

    files = fsspec.filesystem("memory")
    root = f"/{uuid4().hex}"
    client = serve(store=Full(MongoServer().connect()), files=FsspecFiles(files, root))
    assert error(await upload(client)) == (507, "storage_full")
    assert files.find(root) == []


async def test_a_store_that_can_only_be_read_still_counts(serve: Serve) -> None:
    class ReadOnly(MongoPaperStore):
        async def check(self) -> None:
            raise UnavailableError("It can only be read.")

    client = serve(store=ReadOnly(MongoServer().connect()))
    await upload(client)
    status = body(await client.get("/system/status"))
    assert (status["services"]["store"], status["waiting"]) == ("down", 1)


# -- Redis goes and comes back


async def test_uploads_go_on_without_redis_and_their_events_arrive_when_it_is_back(in_process: InProcessLane) -> None:
    redis = in_process.backing.redis
    hold = in_process.hold("dispatch")  # eager Celery needs no Redis; the real one does
    async with in_process.connect("/ws") as socket:
        await socket.receive_json()
        redis.connected = False
        paper = await in_process.upload("a.txt", b"Words.")
        assert await snapshot(in_process, paper["id"]) == paper
        assert (await in_process.process(paper["id"]))["status"] == "queued"
        status = await in_process.status()
        assert (status["status"], status["services"]["redis"]) == ("degraded", "down")
        assert status["waiting"] == 2, "the outbox does not hold the events that could not be told"
        redis.connected = True
        hold.release()
        await until_caught_up(in_process)
        messages = await in_process.fence(socket)
        statuses = [message["data"]["status"] for message in messages if message["event_type"] == "paper_status"]
        assert statuses[:2] == ["uploaded", "queued"]
        assert statuses[-1] == "completed"


async def until_caught_up(lane: InProcessLane) -> None:
    """Lets pauses end, a little at a time: too much at once would be the end of leases too."""
    while True:
        status = await lane.status()
        if status["queue_length"] == status["waiting"] == 0 and status["hub_position"] == status["log_position"]:
            return
        lane.clock.advance(0.1)


# -- what nobody foresaw


async def test_an_unforeseen_error_is_500_in_our_shape_and_tells_nothing(serve: Serve) -> None:
    client = serve(store=Away(RuntimeError("the password is hunter2")))
    answer = await client.get("/papers/")
    assert error(answer) == (500, "internal_error")
    assert "hunter2" not in answer.text


async def test_an_unforeseen_error_names_the_paper_it_was_about_in_the_log(serve: Serve) -> None:
    with log_lines() as lines:
        await serve(store=Away(RuntimeError("a bug"))).get("/papers/p1")
    told = lines.of("p1")
    assert [line["level"] for line in told] == ["INFO", "ERROR"]
    assert told[0]["message"].startswith("GET /papers/p1 500")
    assert "RuntimeError: a bug" in told[1]["exception"]


async def test_a_write_that_always_comes_second_is_409_contended(serve: Serve) -> None:
    class Crowded(MongoPaperStore):
        async def replace(self, *_: Any) -> bool:
            return False

    client = serve(store=Crowded(MongoServer().connect()))
    paper_id = body(await upload(client), 201)["id"]
    answer = await client.post(f"/papers/{paper_id}/process")
    assert error(answer) == (409, "contended")
