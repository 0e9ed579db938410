"""What `serve` does with real processes: real Valkey, and stand-ins for the workers and the API (see `children/`)."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from app.supervisor.valkey import EmbeddedValkey

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parents[2]
STAND_INS = ("-m", "tests.live.children.serve")
REAL = ("-m", "app.cli", "serve")


class Serve:
    """One `serve`, its output, and the processes below it."""

    def __init__(self, folder: Path, port: int, program: tuple[str, ...] = STAND_INS, **more: str) -> None:
        self.folder = folder
        self.port = port
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.output = folder.parent / f"output-{time.monotonic_ns()}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PAPERS_")}
        environment |= {"PAPERS_DATA_DIR": str(folder), "PAPERS_PORT": str(port), "PAPERS_WORKERS": "2", **more}
        with self.output.open("wb") as output:
            self.process = psutil.Popen(
                [sys.executable, *program], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        self.seen: set[psutil.Process] = set()

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_ready(self, seconds: float = 20) -> "Serve":
        self.until(lambda: "is ready" in self.said, "that it is ready", seconds)
        self.family()
        return self

    def until(self, condition: Callable[[], object], what: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds} s for {what}; it said:\n{self.said}")
            time.sleep(0.05)

    def ends(self, seconds: float = 10) -> int:
        self.until(lambda: self.process.poll() is not None, "its end", seconds)
        return int(self.process.returncode)

    def family(self) -> set[psutil.Process]:
        """All that run below it now."""
        found = set(self.process.children(recursive=True))
        self.seen |= found
        return found

    def child(self, name: str) -> psutil.Process | None:
        found = [child for child in self.process.children() if name in " ".join(child.cmdline())]
        return found[0] if found else None

    def left(self) -> list[psutil.Process]:
        """Of all that were seen below it, those that still run."""
        return [one for one in self.seen if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(EmbeddedValkey(self.folder).url, decode_responses=True)

    def end(self) -> None:
        """Leaves nothing running, however the test ended."""
        if self.process.poll() is None:
            self.family()
            self.process.kill()
            self.process.wait(5)
        for one in self.left():
            one.kill()


Start = Callable[..., Serve]


@pytest.fixture(autouse=True)
def signals_are_heard() -> Iterator[None]:
    """A suite that was started with `nohup` or `&` ignores these, and so would every `serve` it starts."""
    ignored = [one for one in (signal.SIGHUP, signal.SIGINT) if signal.getsignal(one) is signal.SIG_IGN]
    for one in ignored:
        signal.signal(one, signal.default_int_handler)
    yield
    for one in ignored:
        signal.signal(one, signal.SIG_IGN)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Serve] = []
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        free = trial.getsockname()[1]

    def start(folder: Path = tmp_path / "data", port: int = free, **more: object) -> Serve:
        started.append(Serve(folder, port, **more))  # type: ignore[arg-type]  # the program, and variables
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_in_order(start: Start, number: signal.Signals) -> None:
    serve = start().until_ready()
    assert len(serve.family()) == 6  # Valkey, two workers with a child each, the API
    serve.process.send_signal(number)
    assert serve.ends() == 0, serve.said
    assert serve.left() == []
    assert len(list(serve.folder.glob("ended-*"))) == 2, "the workers were asked, not killed"
    assert not (serve.folder / "valkey" / "valkey.sock").exists(), "Valkey was asked, not killed"


def test_a_second_signal_ends_all_at_once(start: Start) -> None:
    serve = start(STUBBORN="1").until_ready()
    serve.process.send_signal(signal.SIGINT)
    serve.until(lambda: "Stopping" in serve.said, "the first signal's effect")
    serve.process.send_signal(signal.SIGINT)
    assert serve.ends(3) == 0
    assert serve.left() == []


def test_a_worker_that_does_not_listen_is_killed_after_a_while(start: Start) -> None:
    serve = start(STUBBORN="1").until_ready()
    serve.process.send_signal(signal.SIGTERM)
    assert serve.ends(10) == 0
    assert serve.left() == []


@pytest.mark.parametrize("name", ["children.worker", "children.api", "valkey-server"])
def test_a_killed_child_starts_again(start: Start, name: str) -> None:
    serve = start().until_ready()
    with serve.redis() as client:
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 2000)
    before = {child.pid for child in serve.process.children()}
    victim = serve.child(name)
    assert victim is not None
    below = victim.children()
    victim.kill()
    serve.until(lambda: {child.pid for child in serve.process.children()} - before, "a new child", 5)
    serve.until(lambda: "killed by SIGKILL; it starts again" in serve.said, "a line about it", 5)
    serve.until(lambda: not any(one.is_running() for one in below), "the end of what the child had started", 5)
    serve.until(lambda: value_of(serve, "kept") == "yes", "the same data", 5)
    serve.process.terminate()
    assert serve.ends() == 0, serve.said


def test_five_deaths_in_a_minute_end_it(start: Start) -> None:
    serve = start(MORTAL="1")
    assert serve.ends(20) == 1
    assert "died 5 times within a minute, the last time ended with status 3; its messages are above." in serve.said
    assert "Traceback" not in serve.said
    assert serve.left() == []


def test_killed_with_9_it_takes_its_children_along_and_starts_again_on_the_same_data(start: Start) -> None:
    first = start().until_ready()
    with first.redis() as client:
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 2000)
    direct = first.process.children()
    first.process.kill()
    second = start().until_ready()
    first.until(lambda: not any(child.is_running() for child in direct), "the end of its children", 5)
    assert value_of(second, "kept") == "yes"
    second.process.terminate()
    assert second.ends() == 0, second.said


@pytest.mark.parametrize("silent", [False, True])
def test_a_valkey_left_over_is_ended_first(start: Start, tmp_path: Path, silent: bool) -> None:
    """Where the kernel has no PDEATHSIG, Valkey outlives a killed `serve`."""
    left_over = run_valkey(tmp_path / "data", tmp_path / "data")
    if silent:
        left_over.send_signal(signal.SIGSTOP)
    try:
        serve = start()
        if silent:
            assert serve.ends() == 1
            assert "does not answer as Valkey does; end it, then start again." in serve.said
        else:
            serve.until_ready()
            assert left_over.wait(1) == 0
            assert f"an earlier run left its Valkey behind (process {left_over.pid})" in serve.said
    finally:
        left_over.kill()
        left_over.wait(5)


def test_a_valkey_of_somebody_else_is_left_alone(start: Start, tmp_path: Path) -> None:
    other = run_valkey(tmp_path / "data", tmp_path / "other")
    try:
        serve = start()
        assert serve.ends() == 1
        assert f"A Valkey that works in {tmp_path / 'other' / 'valkey'} (process {other.pid}) listens on" in serve.said
        assert other.poll() is None
    finally:
        other.kill()
        other.wait(5)


def test_a_folder_with_a_long_name_has_its_socket_elsewhere(start: Start, tmp_path: Path) -> None:
    serve = start(tmp_path / ("long" * 25) / "data").until_ready()
    place = Path(EmbeddedValkey(serve.folder).url.removeprefix("unix://").partition("?")[0])
    assert place.is_socket()
    assert place.parent.stat().st_mode & 0o777 == 0o700
    serve.process.terminate()
    assert serve.ends() == 0, serve.said
    place.parent.rmdir()


def test_a_port_in_use_is_told_before_anything_starts(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = start(port=port, program=REAL)
        assert serve.ends() == 1
    assert serve.said == (
        f"paper-processing: The API cannot listen on 127.0.0.1 port {port}: "
        "something else listens there; stop it, or set PAPERS_PORT to another port.\n"
    )
    assert not (tmp_path / "data" / "valkey").exists()


def test_a_locked_folder_is_told_in_a_sentence(start: Start, tmp_path: Path) -> None:
    first = start().until_ready()
    second = start(program=REAL)
    assert second.ends() == 1
    assert second.said == (
        f"paper-processing: The data folder {tmp_path / 'data'} is in use by another `serve` "
        f"(process {first.process.pid}); stop that one, or set PAPERS_DATA_DIR to another folder.\n"
    )
    assert first.process.is_running()


@pytest.mark.parametrize("command", [["watch", "p1"], ["check"], ["submit", __file__], ["submit", "--watch", __file__]])
def test_a_client_without_a_service_says_so(command: list[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: refused, and nobody else takes it
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        words = [sys.executable, "-m", "app.cli", *command, "--url", url]
        result = subprocess.run(words, check=False, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"No service answers at {url}" in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr


def value_of(serve: Serve, key: str) -> str | None:
    try:
        with serve.redis() as client:
            return str(client.get(key))
    except redis.exceptions.RedisError:
        return None


def run_valkey(place: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A Valkey that listens where `serve` will for the data folder `place`, and works in another one."""
    for one in (place, folder):
        (one / "valkey").mkdir(parents=True, exist_ok=True)
    words = [
        *EmbeddedValkey(place).program({}).command,
        "--dir", str(folder / "valkey"),
    ]  # fmt: skip
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (place / "valkey" / "valkey.sock").exists():
        assert time.monotonic() < deadline, "Valkey did not start"
        time.sleep(0.05)
    return process
