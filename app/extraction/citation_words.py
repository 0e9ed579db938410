"""A citation string as the sequence its model labels: words, and what can be seen of each.

Punctuation is no word of its own: where annotators draw the line between fields, before a comma or after it, differs
from one corpus to the next. It is what a word stands between instead.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from app.extraction.citation_stretches import stretch_features

_WORD = re.compile(
    r"(?:https?://|ftp://|www\.)[^\s<>\"”]*[\w/]"  # a URL
    r"|10\.\d{4,}/[^\s<>\"”,;]*\w"  # a DOI
    r"|[^\W\d_]+(?:['’`´][^\W\d_]+)*"
    r"|\d+(?:[a-z](?![^\W\d_]))?"
)
_QUOTES = '"“”„«»‘`'
_MONTHS = frozenset(
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september"
    " october november december spring summer autumn fall winter".split()
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d[a-z]?")
_SPACES = re.compile(r"\s+")
_FAR = 12


class Word(NamedTuple):
    """`text[start:end]` of the citation."""

    text: str
    start: int
    end: int


def words(citation: str) -> list[Word]:
    """The words, numbers, URLs and DOIs of a citation, in order."""
    return [Word(match.group(), *match.span()) for match in _WORD.finditer(citation)]


def features(citation: str, found: Sequence[Word]) -> list[list[str]]:
    """What can be seen of each word: itself, its form, its neighbours, the punctuation round it, and where it stands.

    And what can be seen of the whole stretch between two signs of punctuation.
    """
    if not found:
        return []
    edges = [0, *(edge for word in found for edge in (word.start, word.end)), len(citation)]
    gaps = [_gap(citation[start:end]) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    lower = [_lower(word.text) for word in found]
    forms = [_form(word.text) for word in found]
    years = [_YEAR.fullmatch(word.text) is not None for word in found]
    quoted = _quoted(citation, found)
    depth = _depth(citation, found)
    sentences = _sentences(gaps, found)
    size = len(found)
    whole = [
        f"quotes={any(quoted)}",
        f"year_at={_tenth(years.index(True), size) if any(years) else -1}",
        f"year_in_brackets={next((depth[i] for i in range(size) if years[i]), -1)}",
    ]
    of_stretches = stretch_features(gaps, lower, forms)
    answer = []
    year_seen = in_seen = False
    for i in range(size):
        w, form = lower[i], forms[i]
        seen = [
            "bias",
            f"w={w}",
            f"form={form}",
            f"p2={w[:2]}",
            f"p3={w[:3]}",
            f"p4={w[:4]}",
            f"s2={w[-2:]}",
            f"s3={w[-3:]}",
            f"s4={w[-4:]}",
            f"size={min(len(w), 9)}",
            f"before={gaps[i]}",
            f"after={gaps[i + 1]}",
            f"round={gaps[i]}|{gaps[i + 1]}",
            f"form+round={form}|{gaps[i]}|{gaps[i + 1]}",
            f"w+before={w}|{gaps[i]}",
            f"w+after={w}|{gaps[i + 1]}",
            f"at={min(i, _FAR)}",
            f"left={min(size - i, _FAR)}",
            f"tenth={_tenth(i, size)}",
            f"quoted={quoted[i]}",
            f"depth={depth[i]}",
            f"sentence={min(sentences[i], 5)}",
            f"year_seen={year_seen}",
            f"in_seen={in_seen}",
            f"year_seen+sentence={year_seen}|{min(sentences[i], 5)}",
            f"quoted+any={quoted[i]}|{any(quoted)}",
        ]
        if w in _MONTHS:
            seen.append("month")
        if years[i]:
            seen += ["year", f"year+depth={depth[i]}"]
        for step in (-3, -2, -1, 1, 2, 3):
            j = i + step
            if not 0 <= j < size:
                seen.append(f"{step}:none")
                continue
            seen += [f"{step}:w={lower[j]}", f"{step}:form={forms[j]}"]
            if abs(step) < 3:
                seen += [f"{step}:before={gaps[j]}", f"{step}:after={gaps[j + 1]}"]
        if i:
            seen += [f"w-1+w={lower[i - 1]}|{w}", f"form-1+form={forms[i - 1]}|{gaps[i]}|{form}"]
        if i + 1 < size:
            seen += [f"w+w+1={w}|{lower[i + 1]}", f"form+form+1={form}|{gaps[i + 1]}|{forms[i + 1]}"]
        if 0 < i < size - 1:
            seen.append(f"forms={forms[i - 1]}|{gaps[i]}|{form}|{gaps[i + 1]}|{forms[i + 1]}")
        answer.append(seen + whole + of_stretches[i])
        year_seen = year_seen or years[i]
        in_seen = in_seen or w == "in"
    return answer


def _gap(text: str) -> str:
    return _SPACES.sub("_", text)[:4]


def _lower(text: str) -> str:
    if text.isdigit():
        return "0" * min(len(text), 6)
    if "/" in text or text.startswith("www."):
        return "doi" if text.startswith("10.") or "doi.org" in text else "url"
    return text.lower()


def _form(text: str) -> str:
    if text[0].isdigit():
        if _YEAR.fullmatch(text):
            return "year"
        return "0" * min(len(text), 5) if text.isdigit() else "0a"
    if "/" in text or text.startswith("www."):
        return "url"
    if len(text) == 1:
        return "X" if text.isupper() else "x"
    if text.isupper():
        return "XX" if len(text) == 2 else "XXX"
    if text[0].isupper():
        return "Xx" if text[1:].islower() else "XxX"
    return "xx"


def _tenth(i: int, size: int) -> int:
    return 10 * i // size


def _quoted(citation: str, found: Sequence[Word]) -> list[bool]:
    """Which words stand between quotation marks, in the order they open and close."""
    answer, inside, at = [], False, 0
    for word in found:
        for sign in citation[at : word.start]:
            if sign in _QUOTES:
                inside = sign in "“„«‘`" or not (inside or sign in "”»")
        answer.append(inside)
        at = word.end
        if citation[word.end : word.end + 1] == "’" or citation[word.end : word.end + 2] in (",’", ".’", "''"):
            inside = False
    return answer


def _depth(citation: str, found: Sequence[Word]) -> list[int]:
    answer, depth, at = [], 0, 0
    for word in found:
        gap = citation[at : word.start]
        depth = max(0, min(2, depth + sum(map(gap.count, "([")) - sum(map(gap.count, ")]"))))
        answer.append(depth)
        at = word.end
    return answer


def _sentences(gaps: Sequence[str], found: Sequence[Word]) -> list[int]:
    """How many sentences ended before each word; a full stop after an initial ends none."""
    answer, ended = [], 0
    for i in range(len(found)):
        if i and gaps[i][:1] in (".", "?", "!") and "_" in gaps[i] and len(found[i - 1].text) > 1:
            ended += 1
        answer.append(ended)
    return answer
