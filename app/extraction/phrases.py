"""Noun phrases that name something, and what kind of thing: by the words a sentence is made of, without a tagger."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.domain.knowledge import EntityType
from app.extraction.abbreviations import find_abbreviations, plural_stem
from app.extraction.joints import Word, end_of_explained, explains, is_attribute, joins_adjectives
from app.extraction.lexicon import MAX_TERM_WORDS, Lexicon, Term, first_word, load, singular, slug

MAX_PHRASE_WORDS = 8
MAX_WORD = 60

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:[-‐‑–'’][^\W_]+)*\+{0,2}")
_POSSESSIVE = re.compile(r"['’]s?$")
_PARTICIPLES = frozenset(
    "supervised unsupervised weighted directed undirected distributed randomized randomised embedded shared".split()
)
_ADVERB_EXCEPTIONS = frozenset("family assembly anomaly supply fully weakly densely partially early".split())
_NAME = r"[^\W_a-z][\w-]{0,20}[A-Z0-9][\w-]{0,20}"
_TYPED_NAME = re.compile(
    rf"\b({_NAME})\s+(model|method|algorithm|system|network|framework|parser|dataset|data\s?set|corpus|benchmark|treebank|task"
    r"|score|metric)s?\b"
)
_PROPOSED_NAME = re.compile(
    rf"\b(?:propose|present|introduce|develop|named|dubbed|call(?:ed)?(?: it| th(?:is|e) \w+| our \w+)?)\s+({_NAME})(?=[\s,.;:(])"
)
_TITLED_DATASET = re.compile(r"(?<=\bthe )((?:[^\W\d_a-z][\w-]*\s){2,4})(?:dataset|data\s?set|corpus|benchmark)\b")
_BRACKET = re.compile(r"\([^()]*\)")
_ACRONYM = re.compile(r"(?=.{3,10}$)[^\W\da-z_][\w-]*[A-Z0-9][\w-]*")
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Phrase:
    """A place in the text and the term it names; `sure` when its words alone tell that it is one."""

    start: int
    end: int
    term: Term
    sure: bool

    def overlaps(self, other: "Phrase") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Names:
    """What one paper adds to the lexicon: its own abbreviations and the names it gives."""

    lexicon: Lexicon
    cased: dict[str, Term] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    firsts: set[str] = field(default_factory=set)
    shorts: set[str] = field(default_factory=set)
    """The abbreviations that the paper explains."""
    stop_cache: dict[str, bool] = field(default_factory=dict)

    def term(self, surface: str, key: str) -> Term | None:
        """The term of these words, as written (one space between) and as a slug; the paper's own come first."""
        return (
            self.cased.get(surface)
            or self.terms.get(key)
            or self.lexicon.cased.get(surface)
            or self.lexicon.terms.get(key)
        )

    def is_stop(self, lower: str) -> bool:
        known = self.stop_cache.get(lower)
        if known is None:
            known = self.stop_cache[lower] = _is_stop(lower, self.lexicon)
        return known


def names_of(text: str) -> Names:
    """The paper's own names: abbreviations it defines, and capitalised words beside a noun that types them."""
    lexicon = load()
    names = Names(lexicon, firsts=set(lexicon.firsts))
    for match in _TYPED_NAME.finditer(text):
        head = singular(" ".join(match.group(2).lower().split()))
        _add_name(names, match.group(1), names.lexicon.heads.get("dataset" if head.startswith("data") else head))
    for match in _TITLED_DATASET.finditer(text):
        _add_name(names, " ".join(match.group(1).split()), EntityType.DATASET)
    for match in _PROPOSED_NAME.finditer(text):
        _add_name(names, match.group(1), EntityType.METHOD)
    for short, (start, end) in find_abbreviations(text).items():
        long = " ".join(text[start:end].split())
        term = _known(names, long) or Term(long.lower() if long.istitle() else long, _head_type(names, long, short))
        names.cased[short] = names.cased[plural_stem(short)] = term
        names.shorts.add(short)
        names.terms.setdefault(slug(long), term)
        names.firsts.update((first_word(short), first_word(long)))
    return names


def phrases(text: str, start: int, end: int, names: Names) -> Iterator[Phrase]:
    """The phrases of one sentence, `text[start:end]`, in order; they never overlap."""
    words = _words(text, start, end, names)
    matches = _known_terms(text, words, names)
    first = 0
    while first < len(words):
        begins = first in matches or not words[first].stop or is_attribute(text, words, first, names.lexicon.weak)
        stop = _run_end(text, words, matches, first, names) if begins else first + 1
        if begins:
            yield from _from_run(text, words, matches, first, stop, names)
        first = stop


def _words(text: str, start: int, end: int, names: Names) -> list[Word]:
    words = []
    for match in _WORD.finditer(text, start, end):
        surface = match.group()
        possessive = _POSSESSIVE.search(surface)
        if possessive is not None:
            surface = surface[: possessive.start()]
        lower = surface.lower()
        begin = match.start()
        words.append(Word(begin, begin + len(surface), surface, lower, names.is_stop(lower)))
    return words


def _is_stop(lower: str, lexicon: Lexicon) -> bool:
    if len(lower) > MAX_WORD or len(lower) == 1 or (lower[0].isdigit() and not any(map(str.isalpha, lower))):
        return True
    if lower in lexicon.stops:
        return True
    if lower in _PARTICIPLES or lower in _ADVERB_EXCEPTIONS or "-" in lower:
        return False
    return len(lower) > 4 and (lower.endswith("ly") or (lower.endswith("ed") and not lower.endswith("eed")))


def _known_terms(text: str, words: list[Word], names: Names) -> dict[int, tuple[int, Term]]:
    """Index of a word → (index after the last word, term), longest match first, none overlapping."""
    found: dict[int, tuple[int, Term]] = {}
    index = 0
    while index < len(words):
        match = _longest_term(text, words, index, names)
        if match is None:
            index += 1
            continue
        found[index] = match
        index = match[0]
    return found


def _longest_term(text: str, words: list[Word], index: int, names: Names) -> tuple[int, Term] | None:
    first = first_word(words[index].lower)
    if first not in names.firsts and singular(first) not in names.firsts:
        return None
    surface = lead = ""
    best: tuple[int, Term] | None = None
    for stop in range(index + 1, min(index + MAX_TERM_WORDS, len(words)) + 1):
        word = words[stop - 1]
        if stop - 1 > index and text[words[stop - 2].end : word.start].strip(" \n\r\t\f/@"):
            break
        plain = word.text.replace("-", " ").replace("‐", " ").replace("‑", " ")
        dashed = plain.lower().replace(" ", "-")
        head = dashed.rpartition("-")
        key = f"{lead}{head[0]}{head[1]}{singular(head[2])}"
        term = names.term(surface + plain, key)
        if term is None and word.text[-1] == "s":
            single = surface + plural_stem(plain)
            term = names.cased.get(single) or names.lexicon.cased.get(single)
        if term is not None:
            best = (stop, term)
        surface += plain + " "
        lead += dashed + "-"
    return best


def _run_end(text: str, words: list[Word], matches: dict[int, tuple[int, Term]], first: int, names: Names) -> int:
    """Index after the last word of the run of content words that begins at `first`."""
    at = matches[first][0] if first in matches else first + 1
    if at == first + 1 and joins_adjectives(text, words, first):
        at += 2
    while at < len(words) and (
        text[words[at - 1].end : words[at].start].isspace() or explains(text, words, at, names.shorts)
    ):
        if at in matches:
            at = matches[at][0]
        elif words[at].stop:
            break
        else:
            at += 1
    return at


def _from_run(
    text: str, words: list[Word], matches: dict[int, tuple[int, Term]], first: int, stop: int, names: Names
) -> Iterator[Phrase]:
    while first < stop - 1 and first not in matches and words[first].lower in names.lexicon.weak:
        first += 1
    known = [(at, *matches[at]) for at in range(first, stop) if at in matches]
    explained = end_of_explained(text, words, stop - 1, names.shorts) if stop - first > 1 else None
    if explained is not None:
        yield Phrase(words[first].start, explained, names.cased[words[stop - 1].text], sure=True)
        return
    whole = (words[first].start, words[stop - 1].end)
    if known and known[-1][1] >= stop - 1 and known[-1][0] == first:
        # One known term, or a known term and a head that adds nothing.
        head = singular(words[stop - 1].lower)
        adds_nothing = head in names.lexicon.empty_heads and names.lexicon.heads.get(head) is known[-1][2].type
        if known[-1][1] == stop or adds_nothing:
            yield Phrase(*whole, known[-1][2], sure=True)
            return
    phrase = _typed_phrase(text, words, first, stop, names)
    if phrase is not None and (phrase.sure or not known):
        yield phrase
        return
    for begin, end, term in known:
        yield Phrase(words[begin].start, words[end - 1].end, term, sure=True)


def _typed_phrase(text: str, words: list[Word], first: int, stop: int, names: Names) -> Phrase | None:
    """The run as one phrase, typed by its last noun; None when it is one bare word or says nothing."""
    parts = words[first:stop]
    head = singular(parts[-1].lower.rpartition("-")[2])
    if len(parts) > MAX_PHRASE_WORDS or head in names.lexicon.vague or head in names.lexicon.weak:
        return None
    if len(parts) == 1 and "-" not in parts[0].lower:
        name = parts[0].text
        return (
            Phrase(parts[0].start, parts[0].end, Term(name, EntityType.METHOD), sure=False)
            if _ACRONYM.fullmatch(name)
            else None
        )
    two = f"{parts[-2].lower} {head}" if len(parts) > 1 else head
    kind = names.lexicon.heads.get(two) or names.lexicon.heads.get(head)
    start, end = parts[0].start, parts[-1].end
    if len(parts) == 1 and kind is None:
        return None
    name = " ".join(_BRACKET.sub("", text[start:end]).split())
    if head in names.lexicon.empty_heads and kind is not None and len(parts) == 2 and parts[0].text != parts[0].lower:
        name = parts[0].text if not parts[0].text.istitle() else name
    otherwise = EntityType.TASK if head.endswith("ing") else EntityType.OTHER
    return Phrase(start, end, Term(name, kind or otherwise), sure=kind is not None)


def _add_name(names: Names, name: str, kind: EntityType | None) -> None:
    surface = name.replace("-", " ")
    if kind is None or len(name) > _LONGEST_NAME or names.term(surface, slug(name)) is not None:
        return
    names.cased[surface] = Term(name, kind)
    names.firsts.add(first_word(name))


def _known(names: Names, long: str) -> Term | None:
    return names.lexicon.terms.get(slug(long)) or names.lexicon.cased.get(long.replace("-", " "))


def _head_type(names: Names, long: str, short: str) -> EntityType:
    known = names.cased.get(short)
    head = singular(long.lower().replace("-", " ").split()[-1])
    return names.lexicon.heads.get(head) or (known.type if known else EntityType.OTHER)
