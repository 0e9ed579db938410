"""A paper's first pages, line by line: where each stands, how it is set, and what the model takes it for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.knowledge import Block, BlockKind, Reading
from app.extraction.header_lines import SAME_SIZE, Label, Printed, label_lines

_MAX_FRONT = 20_000
"""Characters that are looked at."""
_PAGES = 2
"""An abstract may run on to the second page; all else of a header is on the first."""

ABSTRACT = re.compile(
    r"^\W{0,4}(?:abstract|a\s?b\s?s\s?t\s?r\s?a\s?c\s?t|summary|resumo|resumen|résumé|zusammenfassung)(?:\W{0,4}(?=$|\s)[\s.:—–-]*|\s?[.:—–-]+(?=(?-i:[A-Z])))",
    re.IGNORECASE,
)
_MAY_BE_TITLE = 0.2
_INTRODUCTION = re.compile(
    r"^\W{0,3}(?:(?:1|I)\.?\s+)?(?:introduction|background|introdução|introducción|einleitung)\W{0,3}$", re.IGNORECASE
)
_ORCID_SIGN = re.compile(r"(?<=[^\W\d_])\s?ID(?=\s*(?:[\d,*]|$))")
"""How the sign of an ORCID, beside a name, comes out as text."""
_ORCID = re.compile(
    r"\s?[(\[]?(?:orcid(?:\s?id)?:?\s?)?(?:https?://)?(?:orcid\.org/)?\d{4}[-−–]\d{4}[-−–]\d{4}[-−–]\d{3}[\dX][)\]]?",
    re.IGNORECASE,
)
"""The number, which says nothing of what else stands on its line."""
_CITATION = re.compile(r"\W*(?:(?:how to |to |please )?cite (?:this|as)\b|citation:)", re.IGNORECASE)
"""Begins a block that tells title and authors once more, in another order."""


@dataclass(frozen=True)
class FrontLine:
    """A line of the first two pages."""

    text: str
    """On one line, its spaces single."""
    start: int
    end: int
    block: int
    """Lines of one block have one number."""
    page: int
    kind: BlockKind
    size: float | None
    bold: bool
    label: Label
    title: float
    """How probable it is that the line belongs to a title."""

    def near(self, other: "FrontLine") -> bool:
        """Whether both are set in one size, as far as the format has any."""
        return self.size is None or other.size is None or abs(self.size - other.size) <= SAME_SIZE


def front_of(reading: Reading) -> list[FrontLine]:
    """The lines of the first two pages' blocks in order; of a text without blocks its own."""
    blocks = [_told_aside(reading.text, b) for b in reading.blocks if b.page <= _PAGES and b.start < _MAX_FRONT]
    blocks.sort(key=lambda block: block.start)
    if not blocks:
        blocks = [Block(start=0, end=min(len(reading.text), _MAX_FRONT))]
    spans = [(at, block, start, end) for at, block in enumerate(blocks) for start, end in _lines(reading.text, block)]
    texts = [_line(reading.text[start:end]) for _, _, start, end in spans]
    printed = [
        Printed(text, block.font_size, block.bold, text_at == 0 or spans[text_at - 1][0] != at)
        for text_at, (text, (at, block, _, _)) in enumerate(zip(texts, spans, strict=True))
        if not _aside(block)
    ]
    told = iter(label_lines(printed))
    front = []
    for text, (at, block, start, end) in zip(texts, spans, strict=True):
        found = None if _aside(block) else next(told, None)
        label, title = (found.label, found.title) if found else ("other", 0.0)
        front.append(FrontLine(text, start, end, at, block.page, block.kind, block.font_size, block.bold, label, title))
    return front


def _line(text: str) -> str:
    """On one line, without numbers and signs of ORCIDs, unless it is nothing else."""
    line = " ".join(text.split())
    return _ORCID_SIGN.sub("", _ORCID.sub("", line)).strip() or line


def _told_aside(text: str, block: Block) -> Block:
    """The block, as furniture if it says how to cite the paper."""
    cites = block.kind is BlockKind.PARAGRAPH and _CITATION.match(text, block.start, min(block.end, block.start + 40))
    return block.model_copy(update={"kind": BlockKind.FURNITURE}) if cites else block


def _aside(block: Block) -> bool:
    return block.kind is BlockKind.FURNITURE


def _lines(text: str, block: Block) -> list[tuple[int, int]]:
    found = re.finditer(r"[^\n\f]+", text[block.start : min(block.end, block.start + _MAX_FRONT)])
    return [(block.start + m.start(), block.start + m.end()) for m in found if not m.group().isspace()]


def joined(lines: Sequence[FrontLine]) -> str:
    """The lines as one."""
    return " ".join(line.text for line in lines)


def abstract_heading(line: FrontLine) -> re.Match[str] | None:
    """The heading of an abstract that the line is, or begins with; a title may begin with the same word."""
    found = ABSTRACT.match(line.text)
    return None if found and line.title > _MAY_BE_TITLE and found.end() < len(line.text) else found


def above_abstract(front: list[FrontLine]) -> list[FrontLine]:
    """The lines before the abstract; before the introduction where there is none."""
    for begins in (abstract_heading, lambda line: _INTRODUCTION.match(line.text)):
        for index, line in enumerate(front):
            if line.kind is BlockKind.ABSTRACT or begins(line):
                return front[:index]
    return front
