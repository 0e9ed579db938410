"""The pages that people read, as tests see them: their text, code, links, and what they name."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/architecture.md", "docs/mutation.md", "docs/operations.md", "docs/proof.md", "docs/reliability.md", "docs/testing.md", *sorted(
    str(path.relative_to(ROOT)) for path in ROOT.glob("docs/decisions/*.md")
))  # fmt: skip
"""`docs/events.md` is made from the models, and tested where it is made."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_QUOTE = re.compile(r"^<!-- quoted: (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[str]:
    """The fenced blocks in these languages."""
    return [code for language, code in _FENCE.findall(text_of(page)) if language in languages]


def spans(page: str) -> list[str]:
    """What stands `like this` outside of blocks."""
    return _SPAN.findall(_FENCE.sub("", text_of(page)))


def links(page: str) -> list[str]:
    return _LINK.findall(_FENCE.sub("", text_of(page)))


def quotes(page: str) -> list[tuple[str, str]]:
    """Files that the page quotes, and the words it gives them."""
    return _QUOTE.findall(text_of(page))


def anchors(page: str) -> set[str]:
    """What links to headings of the page end with, as GitHub makes it."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: str) -> Iterator[str]:
    """Each line of a shell block that is typed, and each span."""
    for block in blocks(page, "sh", "console"):
        session = "$ " in block
        for line in block.splitlines():
            if line.startswith("$ "):
                yield line[2:]
            elif not session:
                yield line
    yield from spans(page)


def settings_table() -> str:
    """Every setting, its default and its meaning, as README.md has to have them."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        shown = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
        rows.append(f"| `PAPERS_{name.upper()}` | {f'`{shown}`' if shown else 'none'} | {field.description} |")
    return "\n".join(rows)
