"""The supervisor's parts, each by itself. What they do together with real processes, the live lane shows."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.supervisor.address import reachable
from app.supervisor.children import Child, Family, Program
from app.supervisor.errors import ServeError
from app.supervisor.folder import claimed
from app.supervisor.leash import PIPE, Leash, follow_parent
from app.supervisor.valkey import LONGEST_SOCKET_PATH, EmbeddedValkey

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings(
        "ignore:.*multi-threaded, use of fork:DeprecationWarning"
    ),  # `serve` itself has no threads
]


def shell(script: str, output: Path | None = None) -> Program:
    return Program(name="the shell", command=("/bin/sh", "-c", script), environment={}, output=output)


@pytest.fixture
def leash() -> Iterator[Leash]:
    leash = Leash()
    yield leash
    leash.close()


async def until(path: Path, lines: int) -> None:
    """Until a child has written so many lines there."""
    while not path.exists() or path.read_text().count("\n") < lines:  # another process writes
        await asyncio.sleep(0.002)


# -- the data folder


def test_one_at_a_time_holds_the_folder_and_the_next_is_told_who(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with claimed(folder):
        with pytest.raises(ServeError, match=rf"in use by another `serve` \(process {os.getpid()}\)"), claimed(folder):
            pass
    with claimed(folder):
        pass


def test_a_folder_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServeError, match=r"cannot be used \(.+\); set PAPERS_DATA_DIR"), claimed(tmp_path / "file"):
        pass


# -- its children


@pytest.mark.slow
async def test_a_child_that_ends_by_itself_starts_again(leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("echo started; exit 3", output), leash)
    kept = asyncio.create_task(child.keep())
    await until(output, 2)
    child.end()
    await kept


@pytest.mark.slow
async def test_a_child_that_is_told_to_end_rests(leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("echo started; exec sleep 3600", output), leash)
    kept = asyncio.create_task(child.keep())
    await until(output, 1)
    child.end()
    await kept
    assert output.read_text() == "started\n"


@pytest.mark.slow
async def test_a_child_that_dies_five_times_within_a_minute_ends_it_all_with_the_reason(leash: Leash) -> None:
    child = Child(shell("kill -9 $$"), leash)
    for deaths in (1, 2, 3, 4):
        assert child._count_death(-signal.SIGKILL) == deaths  # without the pauses between
    with pytest.raises(
        ServeError, match="the shell died 5 times within a minute, the last time killed by SIGKILL; its"
    ):
        await child.keep()


@pytest.mark.slow
async def test_what_cannot_be_started_is_told(leash: Leash) -> None:
    program = Program(name="nothing", command=("/nowhere/nothing",), environment={})
    told: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    Family(told.set_result).keep(Child(program, leash))
    assert str(await told).startswith("nothing cannot be started: ")


@pytest.mark.slow
@pytest.mark.parametrize("hurry", [True, False], ids=["hurry", "time is up"])
async def test_who_does_not_end_in_time_is_killed(hurry: bool, leash: Leash, tmp_path: Path) -> None:
    output = tmp_path / "output"
    child = Child(shell("trap '' TERM; echo deaf; sleep 3600", output), leash)
    family = Family(lambda error: pytest.fail(str(error)))
    family.keep(child)
    await until(output, 1)
    event = asyncio.Event()
    if hurry:
        event.set()
    await family.end([child], 3600 if hurry else 0.01, event)
    assert child._process is not None
    assert child._process.returncode == -signal.SIGKILL


# -- how they go with it


def test_a_child_is_told_which_pipe_to_watch(leash: Leash) -> None:
    assert leash.environment == {PIPE: str(leash.read_end)}


def test_without_a_parent_there_is_nothing_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PIPE, raising=False)
    follow_parent()


# -- its address


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("", "127.0.0.1"),
        ("papers.test", "papers.test"),
        ("fe80::1", "[fe80::1]"),
    ],
)
def test_an_address_to_listen_on_is_told_as_one_to_ask(host: str, told: str) -> None:
    assert reachable(host) == told


# -- its Valkey, as far as it can be known without one


def test_valkey_listens_in_its_folder_to_this_user_alone_and_loses_nothing(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    program = valkey.program({"A": "b"})
    options = dict(zip(program.command[1::2], program.command[2::2], strict=True))
    assert valkey.url == f"unix://{tmp_path}/valkey/valkey.sock?db=0"
    assert options["--unixsocket"] == f"{tmp_path}/valkey/valkey.sock"
    assert {options["--port"], options["--unixsocketperm"], options["--appendonly"]} == {"0", "700", "yes"}
    assert options["--maxmemory-policy"] == "noeviction"
    assert program.farewell == signal.SIGTERM
    assert program.output == tmp_path / "valkey" / "valkey.log"


async def test_where_nobody_listens_there_is_room(tmp_path: Path) -> None:
    await EmbeddedValkey(tmp_path).make_room()
    assert (tmp_path / "valkey").is_dir()


async def test_a_path_too_long_for_a_socket_has_a_short_private_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    valkey = EmbeddedValkey(tmp_path / ("x" * LONGEST_SOCKET_PATH))
    await valkey.make_room()
    (short,) = tmp_path.glob("paper-processing-*")
    assert short.stat().st_mode & 0o777 == 0o700
    short.chmod(0o755)
    with pytest.raises(ServeError, match="is there already and is not a private folder of this user; remove it"):
        await valkey.make_room()


async def test_something_else_on_its_socket_is_not_ended(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            writer.write(b"-ERR I am something else\r\n" * 10)
        writer.close()

    (tmp_path / "valkey").mkdir()
    async with await asyncio.start_unix_server(refuse, tmp_path / "valkey" / "valkey.sock"):
        with pytest.raises(
            ServeError, match=r"listens on .* and does not answer as Valkey does; end it, then start again"
        ):
            await EmbeddedValkey(tmp_path).make_room()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "valkey").touch()
    with pytest.raises(ServeError, match=r"The folder .*/valkey cannot be made \(File exists\)"):
        await EmbeddedValkey(tmp_path).make_room()
