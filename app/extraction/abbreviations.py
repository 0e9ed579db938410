"""Abbreviations and what they stand for."""

import re

MAX_ABBREVIATIONS = 500
_DEFINITION = re.compile(r"\(\s?([^\W_][\w./&-]{1,11})\s?(?:\)|[;,])")
_REVERSED = re.compile(r"(?<![\w-])([^\W_][\w./&-]{1,11})\s\(([^()]{4,120}?)\s?[);,]")
_WORD = re.compile(r"\S+")


def find_abbreviations(text: str) -> dict[str, tuple[int, int]]:
    """Short form → span of its long form, from definitions such as "conditional random field (CRF)" or "CRF (conditional…)".

    After Schwartz & Hearst, "A simple algorithm for identifying abbreviation definitions in biomedical text", Pacific
    Symposium on Biocomputing 2003: the letters of the short form are looked for from right to left in the min(n + 5, 2n)
    words before the bracket, and its first letter must begin a word. In brackets the long form is all there is up to a
    comma. The first definition in the text counts, one before a bracket more than one in it; at most `MAX_ABBREVIATIONS` are kept.
    """
    found: dict[str, tuple[int, int]] = {}
    for match in _DEFINITION.finditer(text):
        short = match.group(1).rstrip("./-")
        if len(found) >= MAX_ABBREVIATIONS:
            break
        if short in found or not _is_short_form(short):
            continue
        span = _long_form(text, match.start(), short)
        if span is not None:
            found[short] = span
    for match in _REVERSED.finditer(text):
        short = match.group(1)
        if len(found) < MAX_ABBREVIATIONS and short not in found and _is_short_form(short):
            span = _long_form(text, match.end(2), short)
            if span == match.span(2):
                found[short] = span
    return found


def plural_stem(short: str) -> str:
    """`CRFs` → `CRF`; an abbreviation in the singular comes back as it is."""
    return short[:-1] if len(short) > 2 and short.endswith("s") and short[-2].isupper() else short


def _is_short_form(short: str) -> bool:
    return 2 <= len(short) <= 10 and sum(map(str.isupper, short)) >= 2


def _long_form(text: str, end: int, short: str) -> tuple[int, int] | None:
    stem = plural_stem(short)
    before = text[max(0, end - 200) : end]
    # A definition does not reach over the end of a sentence or another bracket.
    before = re.split(r"[.;:!?()\[\]]\s|\n\s*\n", before)[-1].rstrip()
    words = list(_WORD.finditer(before))[-min(len(stem) + 5, len(stem) * 2) :]
    if not words:
        return None
    first = words[0].start()
    letters = [letter.lower() for letter in stem if letter.isalnum()]
    at = len(before)
    for index in range(len(letters) - 1, -1, -1):
        at -= 1
        while at >= first and (
            before[at].lower() != letters[index] or (index == 0 and at > first and before[at - 1].isalnum())
        ):
            at -= 1
        if at < first:
            return None
    long = before[at:]
    if len(long) <= len(short) or (" " not in " ".join(long.split()) and "-" not in long) or stem in long.split():
        return None
    offset = text.rfind(before, max(0, end - 200), end)
    return offset + at, offset + len(before)
