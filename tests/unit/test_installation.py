"""`check` on a machine: what it prints, and its exit status, with real files and no service running."""

import fcntl
import importlib.metadata
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client.installation import check, is_running, not_as_locked, trouble_with, versions
from app.settings import Settings, unknown_settings

GONE = "00000000-0000-4000-8000-000000000000"


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
        "The service is not running here.",
        f"The data folder {settings.data_dir} is not there yet; `serve` makes it.",
        "Nothing is wrong.",
    ]
    assert not settings.data_dir.exists(), "it only looks"


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
