"""Names of people, as they stand under a title."""

import re

_AFFILIATION = re.compile(
    r"\b(?:universit\w*|department|dept|institut\w*|school|college|facult\w*|laborator\w*|labs?|research|cent(?:er|re)|hospital|inc|corp\w*|ltd|gmbh|company"
    r"|academy|ministry|clinic\w*|division|group|technolog\w*|sciences?|engineering|division|street|avenue|road|box|(?-i:USA|UK)|china|japan|germany|france|canada"
    r"|india|italy|spain|australia|netherlands|switzerland|sweden|korea|brazil|israel|singapore|hong kong|kingdom|states|email|e-mail|tel|fax|abstract"
    r"|introduction|keywords|proceedings|google|microsoft|ibm|at&t|bell|facebook|amazon|state|city|correspond\w*|contributed|equal\w*|author\w*|edited"
    r"|editor|editors|article|open|access|journal|protocol|review|report)\b|@|https?:|\d{4,}",
    re.IGNORECASE,
)
_LETTER_MARKS = re.compile(r"(?<=\w)\s[a-htyz](?:\s?,\s?(?:[a-h]\b|[*†‡§]))*(?=\s*(?:[,;&]|\band\b|$))")
"""As they stand above the line, after a name; some fonts give daggers as t, y or z."""
_MARKS = re.compile(r"\(\w{1,2}\)|[\d*†‡§¶#∗⋆⁎⊥✉♠♢♡♣♦♥★☆\u00b9\u00b2\u00b3\u2070-\u2079\u2080-\u2089\ue000-\uf8ff]+")
_LAST_MARKS = re.compile(r"[\d\s,*†‡§¶]+$")
_SEPARATOR = re.compile(r"[,;·•|&\t]|\b(?:and|AND)\b|\s{3,}")
_TITLES = re.compile(
    r"^(?:by|dr|prof|professor|mr|mrs|ms)\b\.?\s*|,?\s*\b(?:ph\.?\s?d|m\.?d|msc|bsc|mph)\b\.?$", re.IGNORECASE
)
_PARTICLE = frozenset("van von der den de del della di da dos du la le el al bin ibn ten ter zu af y e".split())
_PART = re.compile(r"(?:[^\W\d_]\.)(?:-?[^\W\d_]\.)*|[^\W\d_]+(?:[-‐‑'’.][^\W\d_]+)*\.?")
_FOR_OTHERS = re.compile(
    r" ?\b(?:on behalf of|for the (?=.{0,80}\b(?:collaboration|consortium|group|team))).*$"
    r"| ?\([^()]{0,80}\b(?:collaborations?|consortium|group|team|force|participants)\b[^()]*\)?",
    re.IGNORECASE,
)
"""Whom authors write for, or what they call themselves together."""
_MAX_NAME = 60
_MAX_LINE = 1500
_SUFFIX = frozenset(
    ("jr", "jr.", "sr", "sr.", "ii", "iii", "phd", "md", "msc", "mph", "bsc", "a", "b", "c", "d", "e", "f")
)


def names_in(line: str) -> tuple[str, ...]:
    """The names in a line that holds nothing but names (and footnote marks, which are dropped); () for any other line."""
    if len(line) > _MAX_LINE or _AFFILIATION.search(_MARKS.sub(" ", line)) or "@" in line:
        return ()
    names = _parts(line)
    return names if names and all(map(is_name, names)) else ()


def are_names(line: str) -> bool:
    """Whether the line is a list of two names or more, with something between them."""
    return len(_SEPARATOR.split(_LAST_MARKS.sub("", line))) > 1 and len(names_in(line)) > 1


def without_group(byline: str) -> str:
    """The byline without those on whose behalf the authors write."""
    return _FOR_OTHERS.sub("", byline)


def speak_for_group(line: str) -> bool:
    """Whether the line is of names, and on whose behalf they write."""
    own = without_group(line)
    return own != line and bool(names_in(own))


def _parts(line: str) -> tuple[str, ...]:
    """What separators and footnote marks part; of a line without any, the names that stand side by side."""
    plain = _MARKS.sub(",", _LETTER_MARKS.sub(",", line))
    parts = [_TITLES.sub("", " ".join(part.split()).strip(" .,:")) for part in _SEPARATOR.split(plain)]
    parts = [part for part in parts if part and part.lower() not in _SUFFIX and part.lower() != "and"]
    return _side_by_side(parts[0]) if len(parts) == 1 else tuple(parts)


def _side_by_side(text: str) -> tuple[str, ...]:
    """`Min Zhang Jian Su` → two names: authors set side by side, each a given name, initials and a surname."""
    words = text.split()
    if len(words) < 4 or any(word.lower() in _PARTICLE for word in words):
        return (text,)
    names: list[list[str]] = [[]]
    for word in words:
        if len(names[-1]) > 1 and not names[-1][-1].endswith("."):
            names.append([])
        names[-1].append(word)
    return tuple(map(" ".join, names)) if len(names[-1]) > 1 else (text,)


def is_name(text: str) -> bool:
    """Whether the text could be the name of one person: two to five words, capitalised but for particles."""
    words = text.split()
    if not 2 <= len(words) <= 5 or len(text) > _MAX_NAME:
        return False
    if not all(_PART.fullmatch(word) for word in words):
        return False
    named = [word for word in words if word.lower() not in _PARTICLE]
    return (
        len(named) >= 2 and not any(word[0].islower() for word in named) and any(len(w.strip(".")) > 1 for w in named)
    )


def is_affiliation(text: str) -> bool:
    """Whether the text speaks of a place of work, an address or a way to write to someone."""
    return _AFFILIATION.search(text) is not None
