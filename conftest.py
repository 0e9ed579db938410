"""The fakes, wired: what every test stands on. See docs/testing.md."""

# ruff: noqa: E402  # the collector of garbage is a fifth of the start: off until all is loaded
import gc

gc.disable()

import tests.support.absent  # noqa: F401  # first: what it imports is imported by the rest

# isort: split
import inspect
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.support.deadlines import ends_within
from tests.support.fleet import live_services
from tests.support.in_process import Applications, InProcessLane, open_in_process_lane
from tests.support.lane import Lane
from tests.support.lanes import marks_left_out, marks_of_all
from tests.support.leaks import OpenHandles, leaves_no_task
from tests.support.lines_of_papers import LINES
from tests.support.live import LiveLane, LiveServer
from tests.support.servers import LIVE_URLS
from tests.support.shared import NO_FOLDER, SharedService
from tests.support.sockets import Socket
from tests.support.warm import warm_up

SEED_PAPER = Path(__file__).parent / "tests" / "test_papers" / "test_paper_content.txt"

LANE = pytest.StashKey[Lane]()
FAILED = pytest.StashKey[bool]()
HANDLES = pytest.StashKey[OpenHandles]()

Connect = Callable[..., AbstractAsyncContextManager[Socket]]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    # Named in `pytest_plugins`, it would be looked for in all that is installed: 30 ms.
    pluginmanager.import_plugin("tests.support.forks")
    parser.addoption("--live", action="store_true", help="run the scenarios against real processes over loopback")
    parser.addoption("--seed", type=int, help="the one seed under which tests/schedules runs")
    parser.addoption("--seeds", type=int, default=20, help="how many seeds each seam of tests/schedules is run under")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is named on the command line is taken whatever it is."""
    if not collection_path.match("test_*.py"):
        return None
    left_out = marks_left_out(config.getoption("-m"), live=config.getoption("--live"))
    return not left_out.isdisjoint(marks_of_all(collection_path.read_text(encoding="utf-8"))) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`in_process` tests need the fakes, `live` ones real processes; the rest runs both ways."""
    unfit = "in_process" if config.getoption("--live") else "live"
    deselected = [item for item in items if item.get_closest_marker(unfit)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays, and is not looked at again; what a test leaves is, while it is in the processor's cache."""
    if session.config.getoption("forks") > 1:
        warm_up(SEED_PAPER)
    gc.freeze()
    gc.enable()
    gc.set_threshold(5_000, 100, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Every async test ends, whatever it waits for, and in-process so does all that it began."""
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        live = pyfuncitem.config.getoption("--live")
        seconds = 60 if live or pyfuncitem.get_closest_marker("slow") else 10
        test = ends_within(seconds, pyfuncitem.obj)
        pyfuncitem.obj = test if live else leaves_no_task(test)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[HANDLES] = OpenHandles()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """In-process, no test leaves open what the system counts. (Live, the service is the session's.)"""
    yield
    if not item.config.getoption("--live") and (left := item.stash[HANDLES].left()):
        raise AssertionError("the test left behind:\n  " + "\n  ".join(left))
    if lost := LINES.lost():
        raise AssertionError("lines of a paper's way that do not say which paper:\n  " + "\n  ".join(lost))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what every socket of the test received."""
    report = yield
    lane = item.stash.get(LANE, None)
    if report.failed and lane is not None:
        item.stash[FAILED] = True
        report.sections += [(f"{report.when}: {socket.path}", socket.transcript.table()) for socket in lane.sockets]
    if report.when == "teardown" and lane is not None:
        del item.stash[LANE]  # pytest keeps every test to the end, and with it would keep every service
    return report


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def applications() -> Iterator[Applications]:
    """The FastAPI and Celery applications of this process."""
    applications = Applications()
    yield applications
    applications.celery.close()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """`paper-processing serve` on a free port, for the whole session."""
    with LiveServer(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture(scope="session")
def live_servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LiveServer, ...]]:
    """What the scenarios run against: that one, or a fleet on the real servers that `PAPERS_LIVE_…_URL` name."""
    if not any(name in os.environ for name in (*LIVE_URLS, "PAPERS_REQUIRE_LIVE")):
        yield (request.getfixturevalue("live_server"),)
        return
    with live_services(tmp_path_factory.mktemp("fleet")) as servers:
        yield servers


@pytest.fixture
def settings() -> Settings:
    """The settings of the in-process service, which keeps no files; a test module may override the fixture."""
    return Settings(data_dir=NO_FOLDER)


@pytest.fixture
def lane(request: pytest.FixtureRequest) -> Lane:
    """The service: in this process, or with `--live` a real one. Shared with other tests, but for those `in_process`."""
    if request.config.getoption("--live"):
        name = "live_lane"
    elif request.node.get_closest_marker("in_process"):
        name = "in_process"
    else:
        name = "shared_lane"
    lane: Lane = request.getfixturevalue(name)
    return lane


@pytest.fixture
async def live_lane(request: pytest.FixtureRequest, live_servers: tuple[LiveServer, ...]) -> AsyncIterator[LiveLane]:
    """The real service, shared by all tests of the session."""
    servers = live_servers[:1] if request.node.get_closest_marker("one_api") else live_servers
    async with LiveLane(*servers) as lane:
        request.node.stash[LANE] = lane
        yield lane
        lane.check_transcripts()


@pytest.fixture(scope="session")
def shared_service() -> Iterator[SharedService]:
    """The service in this process that tests share."""
    service = SharedService()
    yield service
    service.close()


@pytest.fixture
async def shared_lane(request: pytest.FixtureRequest, shared_service: SharedService) -> AsyncIterator[InProcessLane]:
    """The service in this process, for a test that needs nothing of its own."""
    async with shared_service.lane() as lane:
        request.node.stash[LANE] = lane
        yield lane
    if FAILED in request.node.stash:
        shared_service.abandon()


@pytest.fixture
async def in_process(
    request: pytest.FixtureRequest, applications: Applications, settings: Settings
) -> AsyncIterator[InProcessLane]:
    """A service of the test's own in this process, with its clock to move and its stages to hold."""
    async with open_in_process_lane(applications, settings) as lane:
        request.node.stash[LANE] = lane
        yield lane


@pytest.fixture
def api_client(lane: Lane) -> httpx.AsyncClient:
    """HTTP to the service."""
    return lane.client


@pytest.fixture
def connect(lane: Lane) -> Connect:
    """`async with connect("/ws/…") as socket`."""
    return lane.connect


@pytest.fixture
async def test_paper_id(lane: Lane) -> AsyncIterator[str]:
    """The suite's seed paper, uploaded; deleted afterwards."""
    paper = await lane.upload(SEED_PAPER.name, SEED_PAPER.read_bytes())
    yield paper["id"]
    answer = await lane.client.delete(f"/papers/{paper['id']}")
    assert answer.status_code in {204, 404}, answer.text


@pytest.fixture
async def websocket_client(connect: Connect) -> AsyncIterator[Socket]:
    """A socket on `/ws`."""
    async with connect("/ws") as socket:
        yield socket


@pytest.fixture
async def paper_websocket_client(connect: Connect, test_paper_id: str) -> AsyncIterator[Socket]:
    """A socket on `/ws/{test_paper_id}`."""
    async with connect(f"/ws/{test_paper_id}") as socket:
        yield socket
