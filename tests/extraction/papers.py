"""Readings made by hand: no file, no reader."""

import re
from functools import cache
from pathlib import Path

from app.domain.knowledge import Block, BlockKind, Document, Metadata, Reading
from app.extraction.assemble import build_document

SEED = Path(__file__).parents[1] / "test_papers" / "test_paper_content.txt"

HOSTILE = {
    "empty": "",
    "white space": " \n\t \n\n" * 500,
    "no space for 200 kB": "a" * 200_000,
    "capitals for 200 kB": "A" * 200_000,
    "open brackets": "(" * 20_000,
    "initials": "A. " * 1_000,
    "author lists": "References\n\n" + "Aa, A., " * 3_000,
    "long hyphenated word": "a-" * 10_000,
    "numbers": "1 " * 2_000,
    "right to left": "הספר הזה קורא מאמרים. مرحبا بالعالم العربي. " * 100,
    "only references": "References\n\n[1] A. Brandt. Reading order. In Proc. of X, 2016.\n[2] S. Novak. Named things. 2018.",
    "a title and nothing else": "1 Introduction",
    "null bytes and surrogates of taste": "\x00\ufffd\u200b \u0301 e\u0301 \U0001f600 " * 50,
}


def text_reading(text: str) -> Reading:
    """What the reader of plain text answers: paragraphs between blank lines, pages between form feeds."""
    parts: list[tuple[str, dict[str, object]]] = [
        (part.strip(), {"page": number})
        for number, page in enumerate(text.split("\f"), start=1)
        for part in re.split(r"\n[ \t]*\n", page)
        if part.strip()
    ]
    return reading(*parts, pages=text.count("\f") + 1)


def reading(*parts: tuple[str, dict[str, object]], pages: int = 1, metadata: Metadata | None = None) -> Reading:
    """A reading of these blocks, a blank line between them; each with fields of `Block` other than its span."""
    blocks, at = [], 0
    for part, fields in parts:
        blocks.append(Block.model_validate({"start": at, "end": at + len(part), **fields}))
        at += len(part) + 2
    text = "\n\n".join(part for part, _ in parts)
    return Reading(text=text, blocks=tuple(blocks), pages=pages, metadata=metadata or Metadata())


def of_kind(kind: BlockKind, text: str, **fields: object) -> tuple[str, dict[str, object]]:
    """One block for `reading`."""
    return text, {"kind": kind, **fields}


def document(text: str) -> Document:
    """A document of plain text."""
    return build_document(text_reading(text))


@cache
def seed() -> Reading:
    """The suite's own paper."""
    return text_reading(SEED.read_text(encoding="utf-8"))


def no_progress(done: int, total: int) -> None:
    """For who does not watch."""
