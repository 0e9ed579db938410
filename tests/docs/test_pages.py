"""What the pages say is true: links lead somewhere, commands and tests exist, quotes are the files they quote."""

import re
from itertools import chain

import pytest
from typer.main import get_command

from app.cli import cli
from app.domain.decisions import LEASE
from app.domain.events import LISTED, PAPER_EVENT, Event
from app.domain.lifecycle import Status
from app.domain.stages import STAGES
from app.extraction.entities import MAX_ENTITIES
from app.extraction.readers.draft import MAX_CHARACTERS, MAX_PAGES
from app.realtime.protocol import MAX_MESSAGE_BYTES, MAX_SUBSCRIPTIONS
from app.settings import Settings
from tests.docs.pages import PAGES, ROOT, anchors, blocks, commands, links, quotes, settings_table, spans, text_of
from tests.support.in_process import Applications

pytestmark = pytest.mark.extended

FIRST_SCREEN = 45
"""Lines."""


def functions_of_the_tests() -> set[str]:
    sources = chain([ROOT / "conftest.py"], (ROOT / "tests").rglob("*.py"))
    found = (re.findall(r"^ *(?:async )?def (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE) for path in sources)
    return set(chain.from_iterable(found))


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for link in links(page):
            assert "://" not in link, f"{page}: {link}: a page links to this project only"
            path, _, anchor = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), f"{page}: {link}"
            assert not anchor or anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{page}: {link}"


def test_every_file_that_is_named_exists() -> None:
    named = [(page, span) for page in PAGES for span in spans(page) if re.fullmatch(r"(app|tests|docs)/[\w./-]*", span)]
    assert [(page, name) for page, name in named if not (ROOT / name).exists()] == []


def test_every_test_that_is_named_exists() -> None:
    named = {(page, span) for page in PAGES for span in spans(page) if re.fullmatch(r"test_\w+", span)}
    defined = functions_of_the_tests()
    assert sorted((page, name) for page, name in named if name not in defined) == [], "not there any more"


def test_every_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    known = set(getattr(get_command(cli), "commands", ()))
    lanes = re.findall(r"^  (\w+)\) exec", text_of("run_tests.sh"), re.MULTILINE)
    for page in PAGES:
        for command in commands(page):
            words = re.split(r"\s+", command.partition("#")[0].strip())
            match words:
                case ["make", target, *_]:
                    assert target in targets, f"{page}: {command}"
                case ["paper-processing", name, *_]:
                    assert name in known, f"{page}: {command}"
                case ["./run_tests.sh", lane, *_]:
                    assert lane in lanes, f"{page}: {command}"


def test_every_setting_that_is_named_exists() -> None:
    """Those of the suite's live lane and of `make eval` are read where they stand in the tests."""
    known = {f"PAPERS_{name.upper()}" for name in Settings.model_fields} | {"PAPERS_REQUIRE_LIVE"}
    named = [(page, name) for page in PAGES for name in re.findall(r"PAPERS_[A-Z_]+[A-Z]", text_of(page))]
    ours = [(page, name) for page, name in named if not name.startswith(("PAPERS_LIVE_", "PAPERS_EVAL_"))]
    assert [(page, name) for page, name in ours if name not in known] == []


def test_quoted_files_are_quoted_word_for_word() -> None:
    for page in PAGES:
        for path, words in quotes(page):
            assert words == (ROOT / path).read_text(encoding="utf-8"), f"{page} quotes another {path}"


def test_python_compiles() -> None:
    for page in PAGES:
        for block in blocks(page, "python"):
            compile(block, page, "exec")


def test_no_place_of_ones_own_is_named() -> None:
    shown = [*PAGES, *(str(figure.relative_to(ROOT)) for figure in (ROOT / "docs" / "figures").glob("*.svg"))]
    assert [path for path in shown if re.search(r"/(home|root|work|Users|private)/", text_of(path))] == []


def test_the_examples_are_quoted() -> None:
    assert {path for path, _ in quotes("README.md")} == {"tests/docs/watch.py", "tests/docs/test_example.py"}
    assert {path for path, _ in quotes("docs/testing.md")} == {
        "tests/docs/test_example.py",
        "tests/docs/test_example_held.py",
    }


def test_the_first_screen_gives_the_two_commands() -> None:
    top = "\n".join(text_of("README.md").splitlines()[:FIRST_SCREEN])
    assert "\nmake run " in top
    assert "\nmake test " in top


def test_every_setting_is_documented_with_its_default() -> None:
    assert settings_table() in text_of("README.md"), f"the table of settings has to be:\n{settings_table()}"


def test_every_url_that_is_asked_is_a_route(applications: Applications) -> None:
    paths = [re.compile(re.sub(r"\{\w+(:path)?\}", r"[^/]+", path)) for path in applications.app.openapi()["paths"]]
    asked = [url for block in blocks("README.md", "console") for url in re.findall(r"localhost:8000(/[^\s'?]*)", block)]
    assert len(asked) >= 10
    for url in asked:
        assert any(path.fullmatch(url) for path in paths), url


def test_every_event_type_is_in_the_table() -> None:
    table = text_of("README.md").partition("## Events")[2].partition("\n## ")[0]
    told = {span for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for span in re.findall(r"`(\w+)`", row)}
    assert told == {model.model_fields["event_type"].default for model in Event.__subclasses__()}


def test_the_stages_that_can_be_held_are_listed() -> None:
    row = next(line for line in text_of("docs/testing.md").splitlines() if "in_process.hold(stage)" in line)
    for stage in STAGES:
        assert f"`{stage.name}`" in row


def test_every_way_a_run_ends_is_in_the_table_of_events() -> None:
    for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
        assert status.value in text_of("README.md")


def test_the_event_on_the_first_screen_is_one() -> None:
    (event,) = blocks("README.md", "json")
    PAPER_EVENT.validate_json(event)


def test_the_limits_are_those_of_the_code() -> None:
    limits = " ".join(text_of("README.md").partition("## Limits")[2].split())
    for limit in (
        f"{MAX_CHARACTERS:,} characters",
        f"{MAX_PAGES:,} pages",
        f"{MAX_ENTITIES:,} entities a paper",
        f"{MAX_MESSAGE_BYTES // 1024} KB",
        f"{MAX_SUBSCRIPTIONS:,} papers",
        f"{LISTED} entities",
        f"{Settings.model_fields['max_upload_mb'].default} MB",
        f"{LEASE.total_seconds():.0f} to 18 seconds",
    ):
        assert limit in limits


def test_each_guarantee_has_its_row() -> None:
    rows = re.findall(r"^\| (G\d+) \|", text_of("docs/architecture.md"), re.MULTILINE)
    assert rows == [f"G{number}" for number in range(1, 11)]


def test_each_decision_is_listed_and_short() -> None:
    listed = set(links("docs/decisions/README.md"))
    pages = {path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    assert listed == pages
    for page in pages:
        lines = [line for line in text_of(f"docs/decisions/{page}").splitlines() if line]
        assert len(lines) <= 16, f"{page} has {len(lines)} lines"
        assert [line.split(".")[0] for line in lines if line.startswith("**")] == [
            "**Context",
            "**Decision",
            "**Consequence",
        ]
