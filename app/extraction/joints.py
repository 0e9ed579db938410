"""Where a noun phrase begins with a participle, or goes on over an "and" or a bracket."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_ADJECTIVE = re.compile(r".{2,}(?:[ai]l|ic|ive|ous|ary|ble|less|level|lar|[a-z]-based|-driven|-specific)")
_PARTICIPLE = re.compile(r".{3,}(?:[^e]ed|[lpvtk]en)")
_BEFORE_ATTRIBUTE = frozenset(
    "a an the this that these those its their our of for on in with from by to into and or between as such like via using"
    " over under both several many some different various all no any".split()
)
_OF_RESEARCH = frozenset(
    "achieved applied based called compared considered described defined developed discussed evaluated followed given"
    " improved increased introduced involved mentioned named needed obtained observed presented produced proposed provided"
    " related reported required resulted selected showed shown studied taken tested tried used".split()
)
"""Participles that say what was done with a thing, and not which kind it is of."""


@dataclass(frozen=True, slots=True)
class Word:
    start: int
    end: int
    text: str
    lower: str
    stop: bool


def is_attribute(text: str, words: Sequence[Word], at: int, weak: Collection[str]) -> bool:
    """Whether a participle stands before the noun it goes with: "an annotated corpus", not "we annotated corpora"."""
    word = words[at]
    if not _PARTICIPLE.fullmatch(word.lower) or word.lower in _OF_RESEARCH or word.lower in weak:
        return False
    if at + 1 == len(words) or words[at + 1].stop or not text[word.end : words[at + 1].start].isspace():
        return False
    if at == 0 or not text[words[at - 1].end : word.start].isspace():
        return True
    return words[at - 1].lower in _BEFORE_ATTRIBUTE or words[at - 1].lower in weak


def joins_adjectives(text: str, words: Sequence[Word], at: int) -> bool:
    """Whether the word and the one after an "and" say something of the same noun: "syntactic and semantic features"."""
    if at + 3 >= len(words) or words[at + 1].lower not in {"and", "or"} or words[at + 2].stop or words[at + 3].stop:
        return False
    apart = [
        text[one.end : other.start].isspace()
        for one, other in zip(words[at : at + 3], words[at + 1 : at + 4], strict=True)
    ]
    return all(apart) and all(_ADJECTIVE.fullmatch(words[i].lower) for i in (at, at + 2))


def explains(text: str, words: Sequence[Word], at: int, shorts: Collection[str]) -> bool:
    """Whether the word is the abbreviation of those before it, in brackets, or the first one after such brackets."""
    gap = text[words[at - 1].end : words[at].start].split()
    if gap == ["("]:
        return words[at].text in shorts and text[words[at].end : words[at].end + 3].lstrip()[:1] == ")"
    return gap == [")"] and at > 1 and explains(text, words, at - 1, shorts)


def end_of_explained(text: str, words: Sequence[Word], at: int, shorts: Collection[str]) -> int | None:
    """After the bracket round the word, when it is the abbreviation of those before it."""
    is_short = at > 0 and text[words[at - 1].end : words[at].start].strip() == "(" and explains(text, words, at, shorts)
    return text.index(")", words[at].end) + 1 if is_short else None
