"""The shipped word lists: known terms, nouns that type a phrase, and words that end one. Loaded once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from app.domain.knowledge import EntityType

MAX_TERM_WORDS = 7
_SEPARATORS = re.compile(r"[\W_]+")
_FIRST = re.compile(r"[^\W_]+")
_IRREGULAR = {
    "corpora": "corpus",
    "matrices": "matrix",
    "indices": "index",
    "vertices": "vertex",
    "criteria": "criterion",
}
_IRREGULAR |= {
    "hypotheses": "hypothesis",
    "analyses": "analysis",
    "data": "data",
    "series": "series",
    "phenomena": "phenomenon",
}


@dataclass(frozen=True)
class Term:
    """A thing by the name that its key is made from."""

    name: str
    type: EntityType


@dataclass(frozen=True)
class Lexicon:
    """Lookups over slugs (`slug`), apart from `cased`, which is over the words as written, joined by one space."""

    terms: dict[str, Term]
    cased: dict[str, Term]
    firsts: frozenset[str]
    """The first words of all terms, in lower case: where a term can begin."""
    heads: dict[str, EntityType]
    """The last noun of a phrase, in the singular → the phrase's type."""
    empty_heads: frozenset[str]
    """Heads that add nothing to a name: "the SQuAD dataset" is SQuAD."""
    stops: frozenset[str]
    weak: frozenset[str]
    """Adjectives to cut from the front of a phrase."""
    vague: frozenset[str]
    """Nouns that are too general to head a term."""


def singular(word: str) -> str:
    """The singular of a lower-case English noun, by rule; what does not look like a plural comes back as it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def slug(name: str) -> str:
    """`Conditional Random Fields` → `conditional-random-field`: lower case, last word singular, hyphens between."""
    words = [word for word in _SEPARATORS.split(name.lower()) if word]
    return "-".join([*words[:-1], singular(words[-1])]) if words else ""


def first_word(name: str) -> str:
    """`Part-of-speech tagging` → `part`."""
    match = _FIRST.match(name)
    return match.group().lower() if match else ""


@cache
def load() -> Lexicon:
    """The lexicon of this package; it reads its files on the first call only."""
    terms: dict[str, Term] = {}
    cased: dict[str, Term] = {}
    heads: dict[str, EntityType] = {}
    empty: set[str] = set()
    for kind in EntityType:
        for line in _lines(f"{kind.value}.txt"):
            if line.startswith("…"):
                mark, _, noun = line.partition(" ")
                heads.setdefault(noun, kind)
                if mark == "…!":
                    empty.add(noun.rpartition(" ")[2])
                continue
            canonical, *others = (name.strip() for name in line.split("|"))
            term = Term(canonical, kind)
            for name in (canonical, *others):
                if name == name.lower():
                    terms.setdefault(slug(name), term)
                else:
                    cased.setdefault(" ".join(_SEPARATORS.sub(" ", name).split()), term)
    generic = list(_lines("generic.txt"))
    return Lexicon(
        terms=terms,
        cased=cased,
        firsts=frozenset(map(first_word, [*terms, *cased])),
        heads=heads,
        empty_heads=frozenset(empty),
        stops=frozenset(_words(_lines("stop.txt"))) | frozenset(_inflected(_words(_lines("verbs.txt")))),
        weak=frozenset(_words(line for line in generic if not line.startswith("!"))),
        vague=frozenset(_words(line[1:] for line in generic if line.startswith("!"))),
    )


def _lines(name: str) -> Iterator[str]:
    text = (files("app.extraction") / "lexicon" / name).read_text(encoding="utf-8")
    return (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _words(lines: Iterator[str]) -> Iterator[str]:
    return (word for line in lines for word in line.split())


def _inflected(verbs: Iterator[str]) -> Iterator[str]:
    for verb in verbs:
        stem = verb[:-1] if verb.endswith("e") else verb
        third = verb[:-1] + "ies" if verb.endswith("y") and verb[-2] not in "aeou" else verb + "s"
        if verb.endswith(("ss", "sh", "ch", "x", "z")):
            third = verb + "es"
        past = verb[:-1] + "ied" if third.endswith("ies") else stem + "ed"
        yield from (verb, third, past, stem + "ing", verb + verb[-1] + "ing", verb + verb[-1] + "ed")
