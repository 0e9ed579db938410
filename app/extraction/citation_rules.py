"""What rules know better than the model of citation strings: identifiers, editors, and the letter of a journal's part.

The annotators of its data hold to each of them nearly always: where they do not is in the model's card.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from app.extraction.citation_words import Word

_ARXIV = re.compile(
    r"\barxiv\s*[:.]?\s*(?:[a-z-]+(?:\s?\.\s?[A-Z]{2})?\s?/\s?\d{7}|\d{4}\s?\.\s?\d{4,5})(?:\s?v\d)?"
    r"|\b(?:hep|nucl|astro|cond|gr|quant|math)(?:\s?-\s?[a-z]{2,4})?\s?/\s?\d{7}(?:v\d)?"
    r"|(?<![\w./:-])\d\d(?:0[1-9]|1[0-2])\.\d{4,5}(?:v\d)?(?![\w/-]|\.\w)",  # year, month and number
    re.IGNORECASE,
)
_EDITORS = frozenset("eds editor editors hg hrsg".split())
_EDITORS_IN_BRACKETS = frozenset("ed dir org orgs coord coords".split())
_PART = re.compile(r"[A-MO-Z] ?\d")
"""Of a journal, and its volume; N is none: "N1" is a number."""
_ANDS = frozenset({"and", "und", "et"})
_OF_PAGES = re.compile(r".{1,3}|suppl|[ivxlc]+", re.IGNORECASE)


def corrected(citation: str, found: Sequence[Word], labels: Sequence[str]) -> list[str]:
    """The labels of the words, those that break a rule replaced."""
    told = list(labels)
    for match in _ARXIV.finditer(citation):
        told = [
            "url" if match.start() <= word.start < match.end() else label
            for word, label in zip(found, told, strict=True)
        ]
    _name_editors(citation, found, told)
    numbered = any(label == "pages" and word.text[0].isdigit() for word, label in zip(found, told, strict=True))
    for i, word in enumerate(found):
        lower, before = word.text.lower(), told[i - 1] if i else ""
        if told[i] == "author" and lower in _ANDS and "author" not in told[:i]:  # "—, and Pereira, F."
            told[i] = "other"
        elif told[i] == "pages" and numbered and word.text.isalpha() and not _OF_PAGES.fullmatch(lower):
            told[i] = "other"
        elif before == "venue" and told[i : i + 2] == ["volume", "volume"] and _PART.match(citation, word.start):
            told[i] = "venue"  # "Phys. Rev. D85"
    return told


def _name_editors(citation: str, found: Sequence[Word], told: list[str]) -> None:
    """Those before "(eds.)" are editors, at the head of a citation too."""
    at = 0
    for label, run in groupby(list(told)):
        start, at = at, at + len(list(run))
        if label != "author" or at == len(found):
            continue
        after, gap = found[at].text.lower(), citation[found[at - 1].end : found[at].start].rstrip()
        if after in _EDITORS or (after in _EDITORS_IN_BRACKETS and gap[-1:] in {"(", ",", "["}):
            told[start:at] = ["editor"] * (at - start)
