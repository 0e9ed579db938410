"""Who may import whom (import-linter's contracts in pyproject.toml), and what no source file may hold."""

import ast
import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter import api, cli

pytestmark = pytest.mark.extended

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / "pyproject.toml")
CONTRACTS = [contract["id"] for contract in api.read_configuration(CONFIG)["contracts_options"]]
SOURCES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py")}
# A file that passes about 300 lines is asking to be two.
MOST_LINES = 320
ONLY_IN_TESTS = {"conftest", "fakeredis", "mongomock", "mongomock_motor", "motor", "pytest", "tests", "unittest"}


@pytest.fixture
def loggers_live_on() -> Iterator[None]:
    """The linter sets up logging, which switches off every logger there is."""
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    before = [(logger, logger.disabled) for logger in loggers]
    yield
    for logger, disabled in before:
        logger.disabled = disabled


@pytest.mark.slow
@pytest.mark.usefixtures("loggers_live_on")
@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_import_contract_holds(contract: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the linter adds to it
    with contextlib.redirect_stdout(io.StringIO()) as report:
        status = cli.lint_imports(CONFIG, limit_to_contracts=(contract,), no_cache=True, no_logo=True)
    assert status == 0, report.getvalue()


def test_no_import_contract_was_lost() -> None:
    assert set(CONTRACTS) >= {"layers", "wiring", "adapters", "extraction", "edges", "pure", "fakes"}


def test_every_folder_is_a_package() -> None:
    """import-linter passes over a folder without `__init__.py`, and whatever it imports."""
    folders = {path.parent for path in map(ROOT.joinpath, SOURCES)}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_no_source_file_is_too_long() -> None:
    lines = {name: len(text.splitlines()) for name, text in SOURCES.items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_production_code_does_not_know_that_it_is_tested() -> None:
    signs = ("is_testing", "PYTEST_", "TESTING")
    assert [(name, sign) for name, text in SOURCES.items() for sign in signs if sign in text] == []


@pytest.mark.slow
def test_production_code_imports_nothing_that_only_tests_have() -> None:
    found = {name: imported_packages(text) & ONLY_IN_TESTS for name, text in SOURCES.items()}
    assert {name: packages for name, packages in found.items() if packages} == {}


def imported_packages(text: str) -> set[str]:
    """The first part of each imported name, wherever the import stands."""
    packages = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            packages.add(node.module.partition(".")[0])
    return packages
