"""The embedded Valkey as far as it can be known without one: its place, its arguments, and what is told when it cannot be."""

import asyncio
import signal
from pathlib import Path

import pytest

from app.supervisor.errors import ServeError
from app.supervisor.valkey import CHUNK, LONGEST_SOCKET_PATH, EmbeddedValkey
from tests.support.log_lines import log_lines

pytestmark = [pytest.mark.anyio, pytest.mark.extended]


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


@pytest.mark.parametrize(
    ("content", "zeros"),
    [
        (b"", 0),
        (b"*1\r\n", 0),
        (b"*1\r\n", 75),
        (b"*1\r\n", CHUNK),
        (b"a\0b\r\n" * CHUNK, 2 * CHUNK + 1),
        (b"", CHUNK + 1),
    ],
)
async def test_zeros_at_the_end_of_its_file_are_cut_off_and_nothing_else(
    content: bytes, zeros: int, tmp_path: Path
) -> None:
    folder = tmp_path / "valkey" / "appendonlydir"
    folder.mkdir(parents=True)
    file = folder / "appendonly.aof.3.incr.aof"
    file.write_bytes(content + bytes(zeros))
    with log_lines() as lines:
        await EmbeddedValkey(tmp_path).make_room()
    assert file.read_bytes() == content
    assert [line["message"] for line in lines.all] == (
        [f"the end of {file} was never written ({zeros} bytes); it is cut off"] if zeros else []
    )


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


async def test_a_short_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    valkey = EmbeddedValkey(tmp_path / ("x" * LONGEST_SOCKET_PATH))
    await valkey.make_room()
    (short,) = tmp_path.glob("paper-processing-*")
    short.rmdir()
    short.touch()
    with pytest.raises(ServeError, match=r"The folder .*/paper-processing-\w+ cannot be made \(File exists\)"):
        await valkey.make_room()


async def test_a_valkey_that_does_not_get_ready_is_told_with_the_place_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "valkey" / "valkey.log"
    with pytest.raises(ServeError, match=rf"Valkey was not ready within 0\.05 seconds; see {log}\."):
        await EmbeddedValkey(tmp_path).until_ready(0.05)


@pytest.mark.parametrize("system", ["Plan9", "Windows"])
def test_a_machine_that_valkey_is_not_made_for_is_told_the_way_out(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    with pytest.raises(
        ServeError,
        match=r"The embedded Valkey does not run on this machine \(.+\); set PAPERS_REDIS_URL to a redis:// URL",
    ):
        EmbeddedValkey(tmp_path).program({})


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "valkey").touch()
    with pytest.raises(ServeError, match=r"The folder .*/valkey cannot be made \(File exists\)"):
        await EmbeddedValkey(tmp_path).make_room()
