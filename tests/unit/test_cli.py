"""The commands: what is wrong is told in a sentence on stderr, with an exit status and no traceback."""

import ast
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import INTERRUPTED, cli, main, service_url, told
from app.logs import CHATTY

pytestmark = pytest.mark.extended

RUNNER = CliRunner()


@pytest.mark.parametrize("command", ["serve", "worker", "api"])
def test_a_wrong_setting_is_told_in_a_sentence(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERS_PORT", "eighty")
    result = RUNNER.invoke(cli, [command])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("paper-processing: PAPERS_PORT is 'eighty', which cannot be: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["PAPERS_TAGGER", "PAPERS_EMBEDDER"])
def test_a_model_that_cannot_be_used_stops_the_start_of_everything(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").touch()  # so that nothing starts, whatever it says of the model
    monkeypatch.setenv("PAPERS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv(name, str(tmp_path))
    with fresh_logging():
        result = RUNNER.invoke(cli, ["serve"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"paper-processing: {name} is '{tmp_path}', which cannot be: it holds no ")


@pytest.mark.parametrize("queues", ["", "papers", "light;heavy"])
def test_a_queue_that_is_none_is_told_in_a_sentence(queues: str) -> None:
    result = RUNNER.invoke(cli, ["worker", "--queues", queues])
    assert result.exit_code == 2
    assert "is no list of light and heavy" in result.stderr


@contextmanager
def fresh_logging() -> Iterator[None]:
    """As a process finds it that has just started."""
    root, *chatty = (logging.getLogger(name) for name in ("", *CHATTY))
    levels, handlers = {logger: logger.level for logger in (root, *chatty)}, root.handlers[:]
    root.handlers.clear()
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        for logger, level in levels.items():
            logger.setLevel(level)


@pytest.mark.parametrize(("form", "is_json"), [("json", True), ("text", False), ("auto", True)])
def test_the_log_is_printed_in_the_format_that_the_settings_name(
    form: str, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No terminal is about, so `auto` is JSON."""
    for name in [name for name in os.environ if name.startswith("PAPERS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAPERS_LOG_FORMAT", form)
    monkeypatch.setenv("PAPERS_WORKER", "3")
    monkeypatch.setenv("PAPERS_DATA_DIR", "/dev/null/data")  # so that it ends
    with fresh_logging():
        line, *_ = RUNNER.invoke(cli, ["serve"]).stderr.splitlines()
    sentence = "PAPERS_WORKER is no setting; perhaps PAPERS_WORKERS is meant."
    if is_json:
        told = json.loads(line)
        assert (told["process"], told["level"], told["message"]) == ("serve", "WARNING", sentence)
    else:
        assert " WARNING serve[" in line
        assert line.endswith(sentence)


@pytest.mark.parametrize("command", [["submit", "none.pdf"], ["watch", "p1"], ["check"]])
def test_a_client_that_finds_no_place_to_ask_says_so(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERS_PORT", "-1")
    result = RUNNER.invoke(cli, command)
    assert result.exit_code == 1
    assert "PAPERS_PORT is '-1'" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["submit", "none.pdf"],
        ["watch", "p1"],
        ["check"],
        ["dead-letters"],
        ["dead-letters", "--all"],
        ["dead-letters", "--retry", "p1"],
    ],
    ids=" ".join,
)
def test_a_url_that_is_none_is_told_in_a_sentence(command: list[str]) -> None:
    result = RUNNER.invoke(cli, [*command, "--url", "papers.test"])
    assert result.exit_code == 1
    assert result.stderr == (
        "paper-processing: --url is 'papers.test', which is no place of a service; "
        "it looks like http://127.0.0.1:8000.\n"
    )


@pytest.mark.parametrize("more", [[], ["--watch"]])
def test_a_missing_file_is_told_in_a_sentence(more: list[str]) -> None:
    result = RUNNER.invoke(cli, ["submit", "none.pdf", *more])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "none.pdf: it cannot be read (No such file or directory).\n"


def test_a_data_folder_that_is_a_file_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "data"
    file.touch()
    monkeypatch.setenv("PAPERS_DATA_DIR", str(file))
    result = RUNNER.invoke(cli, ["serve"])
    assert result.exit_code == 1
    assert result.stderr == (
        f"paper-processing: The data folder {file} cannot be used (File exists); set PAPERS_DATA_DIR to one that can.\n"
    )


@pytest.mark.parametrize("words", [["submit"], ["watch"], ["fly"], ["check", "--colour"]])
def test_a_command_that_is_none_gets_its_usage(words: list[str]) -> None:
    result = RUNNER.invoke(cli, words)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_help_lists_what_people_need() -> None:
    listed = RUNNER.invoke(cli, ["--help"]).stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == [
        "serve", "worker", "api", "submit", "watch", "dead-letters", "check",
    ]  # fmt: skip


def test_the_script_is_the_same_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["paper-processing", "submit", "none.pdf", "--url", "http://papers.test"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "none.pdf: it cannot be read (No such file or directory).\n"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123"),
        ("0.0.0.0", "http://127.0.0.1:8123"),
        ("::", "http://[::1]:8123"),
        ("papers.test", "http://papers.test:8123"),
    ],
)
def test_the_service_is_where_the_settings_say(host: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERS_HOST", host)
    monkeypatch.setenv("PAPERS_PORT", "8123")
    assert service_url(None) == url
    assert service_url("http://elsewhere") == "http://elsewhere"


def test_ctrl_c_is_no_error_but_an_exit_status() -> None:
    with pytest.raises(typer.Exit) as ended, told():
        raise KeyboardInterrupt
    assert ended.value.exit_code == INTERRUPTED


def test_an_error_that_nobody_foresaw_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), told(ValueError):
        raise ZeroDivisionError


def test_each_command_imports_its_needs_itself() -> None:
    """`submit` is not to wait for Celery and FastAPI."""
    source = Path(sys.modules["app.cli"].__file__ or "").read_text(encoding="utf-8")
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name for node in imports
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }  # fmt: skip
    assert {str(name).partition(".")[0] for name in names} - sys.stdlib_module_names == {"typer"}
