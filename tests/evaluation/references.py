"""The references of a paper: whether each comes out as exactly one string, and what is told of it in the end.

A publisher's XML has the parts of a reference, but not always in the order of print, nor the links that print has. So
two strings are the same when their words are, in alphabetical order and without links, to four fifths (Levenshtein).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from app.domain.knowledge import Reading, Reference
from app.extraction.assemble import build_document
from app.extraction.citations import Field
from app.extraction.references import extract_references
from tests.evaluation.citations import naive as naive_fields
from tests.evaluation.matching import ENOUGH, folded, similar
from tests.evaluation.model import Row, f1, percent
from tests.evaluation.papers import Paper, by_set, document, reading
from tests.evaluation.printed import Printed, Told, printed_references
from tests.evaluation.split import PARTS, Part
from tests.training.reference_lists import ReferenceList, reference_lists

_LINK = re.compile(r"(?:https?://|www\.|doi:)\S*|\S*/\S*")
"""Also what a line's end cut off from it."""
_NUMBER = re.compile(r"^\W*\d{1,3}\W*\s")
_TITLE = re.compile(
    r"^\W*\w{0,3}\W*(?:references|bibliography|literature cited|refer[eê]ncias)\W*$", re.IGNORECASE | re.MULTILINE
)
_FIELDS: tuple[Field, ...] = ("author", "title", "venue", "date", "volume", "issue", "pages", "publisher")


class Found(NamedTuple):
    """A string, and the fields told of it."""

    text: str
    fields: Told


class Score(NamedTuple):
    """Counts, of one paper's references or one list's."""

    wanted: int = 0
    strings: int = 0
    in_one_piece: int = 0
    fields_wanted: int = 0
    fields_found: int = 0
    fields_right: int = 0
    whole: int = 0


def measure(folder: Path) -> Iterator[Row]:
    for data, part, papers in by_set(folder):
        asked = [paper for paper in papers if paper.jats]
        if asked:
            naively = _sum(_score_paper(paper, naive(reading(paper).text)) for paper in asked)
            found = _sum(
                _score_paper(paper, _ours(extract_references(reading(paper), document(paper)))) for paper in asked
            )
            yield from _pieces(data, part, naively, found)
            yield Row("reference fields, F1", data, part, found.fields_wanted, _fields(naively), _fields(found))
            whole = percent(naively.whole, naively.wanted), percent(found.whole, found.wanted)
            yield Row("whole references", data, part, found.wanted, *whole)
    every = list(reference_lists(folder))
    for part in PARTS:
        chosen = [listed for listed in every if listed.part == part]
        naively = _sum(
            _score([Printed(text, {}) for text in listed.references], naive(_text(listed))) for listed in chosen
        )
        found = _sum(
            _score([Printed(text, {}) for text in listed.references], _of_text(_text(listed))) for listed in chosen
        )
        yield from _pieces("lists", part, naively, found)


def _pieces(data: str, part: Part, naively: Score, found: Score) -> Iterator[Row]:
    whole = percent(naively.in_one_piece, naively.wanted), percent(found.in_one_piece, found.wanted)
    yield Row("references in one piece", data, part, found.wanted, *whole)
    alone = percent(naively.in_one_piece, naively.strings), percent(found.in_one_piece, found.strings)
    yield Row("strings that are one reference", data, part, found.strings, *alone)


def _fields(score: Score) -> float:
    return f1(score.fields_right, score.fields_found, score.fields_wanted)


def _sum(scores: Iterable[Score]) -> Score:
    return Score(*map(sum, zip(Score(), *scores, strict=True)))


def _text(listed: ReferenceList) -> str:
    return "\n".join(["References", *listed.lines])


def _of_text(text: str) -> list[Found]:
    read = Reading(text=text, blocks=(), pages=1)
    return _ours(extract_references(read, build_document(read)))


def _ours(references: Iterable[Reference]) -> list[Found]:
    return [Found(reference.raw, _told(reference)) for reference in references]


def _told(reference: Reference) -> Told:
    told: dict[Field, str | None] = {
        "author": ", ".join(reference.authors),
        "title": reference.title,
        "venue": reference.venue,
        "date": str(reference.year or ""),
        "volume": reference.volume,
        "issue": reference.issue,
        "pages": reference.pages,
        "publisher": reference.publisher,
    }
    return {field: text for field, text in told.items() if text}


def _score_paper(paper: Paper, found: list[Found]) -> Score:
    assert paper.jats is not None
    text = _bare(reading(paper).text)
    return _score(
        [Printed(known.text, _as_printed(known.fields, text)) for known in printed_references(paper.jats)], found
    )


def _as_printed(fields: Told, text: str) -> Told:
    """Without an issue that the publisher knows but did not print behind the volume."""
    volume, issue = _bare(fields.get("volume", "")), _bare(fields.get("issue", ""))
    printed = issue and re.search(rf"\b{re.escape(volume)} (?:\w+ )?{re.escape(issue)}\b", text)
    return fields if printed else {field: value for field, value in fields.items() if field != "issue"}


def _score(wanted: Sequence[Printed], found: Sequence[Found]) -> Score:
    left = {at: _alphabetical(other.text) for at, other in enumerate(found)}
    score = Score(wanted=len(wanted), strings=len(found), fields_wanted=sum(len(known.fields) for known in wanted))
    for known in wanted:
        words = _alphabetical(known.text)
        alike = {at: Levenshtein.normalized_similarity(words, text, score_cutoff=ENOUGH) for at, text in left.items()}
        best = max(alike, key=lambda at: alike[at], default=None)
        if best is None or alike[best] < ENOUGH:
            continue
        del left[best]
        told = _comparable(found[best].fields)
        right = sum(_same(told.get(field, ""), text, field) for field, text in known.fields.items())
        score = Score(
            score.wanted,
            score.strings,
            score.in_one_piece + 1,
            score.fields_wanted,
            score.fields_found + len(told),
            score.fields_right + right,
            score.whole + (right == len(told) == len(known.fields)),
        )
    return score


def _comparable(told: Told) -> Told:
    return {field: text for field, text in told.items() if field in _FIELDS}


def _same(found: str, wanted: str, field: Field) -> bool:
    """Names are given first name first in one place and last in another."""
    return similar(*(map(_alphabetical, (found, wanted)) if field == "author" else map(_bare, (found, wanted))))


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", folded(text)))


def _alphabetical(text: str) -> str:
    return " ".join(sorted(_bare(_NUMBER.sub("", _LINK.sub(" ", text))).split()))


def naive(text: str) -> list[Found]:
    """What follows the last title of a list, split at numbers that begin a line, else at blank lines, else at lines."""
    titles = list(_TITLE.finditer(text))
    rest = text[titles[-1].end() :] if titles else ""
    for pattern in (r"\n\s*(?=\[\d+\]|\d{1,3}\.\s)", r"\n\s*\n", r"\n"):
        pieces = [" ".join(piece.split()) for piece in re.split(pattern, rest) if piece.strip()]
        if len(pieces) > 2:
            break
    return [Found(piece, naive_fields(piece)) for piece in pieces]
