"""Who wrote the paper: names in the lines that read as a list of authors."""

import re
from collections.abc import Iterator
from itertools import pairwise

from app.domain.knowledge import BlockKind
from app.extraction.front import FrontLine, above_abstract, joined
from app.extraction.names import names_in_byline
from app.extraction.people import are_names, is_affiliation, is_name, names_in, speak_for_group, without_group

_MAX_AUTHORS = 400
_ABOUT = 0.85
_OTHER_PEOPLE = re.compile(
    r"\b(?:editor|edited|reviewed|reviewers?|communicated|correspond\w*|reprints?|contact|supervis\w*|translat\w*)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r",|;|&|\band\b")
_OPEN = re.compile(r"(?:[,;&]|\band)\s*$")
_BEGUN = re.compile(r"\b[A-Z]\.\W*$|[^\W\d_][-‐]$")
"""A name of which only initials stand on the line, or half a word."""
_SMALL = re.compile(r"\b[^\W\d_A-Z]{3,}\b")
_LONG = re.compile(r"[^\W\d_]{3,}")
_LONE = re.compile(r"(?:[,;&\d*†‡]|\band)\s*[^\W\d_a-z][^\W\d_]+$")
"""A name of which only one word stands on the line."""
_JOINS = re.compile(r"[\W\d]*(?:and|&)\s")
_A_STACK = 2
"""Names, each with an address below, after which a third is believed that reads as neither."""
_REST = 3
"""Words of a name that a line's end has cut off."""
_NO_PERSON = re.compile(
    r"\b(?:group|initiative|collaboration|consortium|department|universit\w*|institut[eo]?s?|[ií]stituto|school|college|facult\w*|laborato\w*|hospital|cent(?:er|re)"
    r"|d[eé]part[ae]ment\w*|dipartimento|projec?t|program(?:me)?|gesellschaft|limited|ltd|inc|mbh|gmbh|securities|research|sciences?|engineering|tech|disease|network|society"
    r"|committee|investigators|teams?|unit|director|editor|assistant|specialist|lecturer|statistician|str|stra(?:ss|ß)e|weg|via|avenue|concepts|p\.?\s?o\.?\s?box"
    r"|received|accepted|revised|published|version|key ?words?|summary|january|february|march|july|august|september|october|november|december"
    r"|online|orcid|[ée] ?quipe|[ée] ?cole|new york|germany|deutschland|ital(?:y|ia)|japan|canada|spain|bra[sz]il|netherlands|belgium|switzerland|austria"
    r"|australia|sweden|denmark|norway|finland|poland|korea|taiwan|(?-i:USA|the|have|this|of|for|with|from))\b",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"(?:[^\W\d_]\.)+|[^\W\d_]|ph\.?(?:d\.?)?|m\.?d\.?|[bm]sc\.?|mph|r\.?n\.?", re.IGNORECASE)
"""Initials and degrees: of them alone no name is made."""
_ADDRESS = re.compile(r"^(?:\W+|(?:dr|prof|professor|mr|mrs|ms|authors?|by)\b[.:]?\s*)+", re.IGNORECASE)
_HALVED = re.compile(r"(?<=[^\W\d_])[-‐] (?=[^\W\d_a-z])")
"""Where a line's end cut a name at its hyphen."""
_ON_BEHALF = re.compile(r"\d*\s*,\s*|(?<=[^\W\d_]{3})\.\s+|\s+:\s+|\s+(?:on behalf of|for the)\s+", re.IGNORECASE)
_HALF_BRACKETED = re.compile(r"(?<=\w) ?\b[a-z]\)")
"""A mark as in `J. Lindqvist b)`."""
_OF = re.compile(r"\b(?:of|for|at) (?:the )?$")
_OF_LENGTH = 12
_TURNED = re.compile(r"(?:[A-Z]\.?){1,3}")
"""Initials, after a surname."""
_FULL_STOP = re.compile(r"(?<=[^\W\d_]{3})\.$")
"""Of a sentence, not of an initial."""
_NO_NAME_AT_THE_END = re.compile(
    r"(?:[\W\d_]+(?<!\.)|\s+(?:abstract|affiliations?|ph\.?d\.?|[bm]sc\.?|mph))+$", re.IGNORECASE
)


def author_names(front: list[FrontLine], title: list[FrontLine]) -> tuple[str, ...]:
    """The names in the lines that the reader marked, else in those above the abstract that read as a list of authors.

    Columns are now and then read in another order: then such lines anywhere on the page have to do.
    """
    marked = [line for line in front if line.kind is BlockKind.AUTHORS]
    if marked:
        return _names([marked])
    start = title[-1].end if title else 0
    page = [line for line in front if line.kind is not BlockKind.FURNITURE and line not in title]
    below = [line for line in above_abstract(front) if line.start >= start and line in page]
    found = (_without_words(_names(runs), front) for runs in _candidates(below, page))
    return next(filter(None, found), ()) or _names_before_addresses(below)


def _candidates(below: list[FrontLine], page: list[FrontLine]) -> Iterator[list[list[FrontLine]]]:
    """Lines that may be of authors: those believed first, first. The last are of names alone, whatever they read as."""
    yield _runs(below)
    yield _runs(page)
    yield [[line] for line in below if _is_of_names(line)]
    yield [[line] for line, under in pairwise(page) if under.label == "affiliation" and _is_of_names(line)]


def _is_of_names(line: FrontLine) -> bool:
    return bool(names_in(_HALF_BRACKETED.sub("", without_group(line.text))))


def _without_words(names: tuple[str, ...], front: list[FrontLine]) -> tuple[str, ...]:
    """The names without those all of whose words the paper also writes small, as it writes no name."""
    prose = (line.text for line in front if line.label in {"title", "abstract", "body"} and "@" not in line.text)
    words = {word for text in prose for word in _SMALL.findall(text)}
    return tuple(name for name in names if not words.issuperset(_LONG.findall(name.lower()) or {name}))


def _names_before_addresses(lines: list[FrontLine]) -> tuple[str, ...]:
    """The name that each line begins with, where it goes on with an address or with those it stands for."""
    parts = (_ON_BEHALF.split(line.text) for line in lines if line.label in {"author", "affiliation", "other"})
    begun = (_ADDRESS.sub("", name) for name, *rest in parts if rest)
    return tuple(dict.fromkeys(name for name in begun if is_name(name) and not _NO_PERSON.search(name)))


def _runs(lines: list[FrontLine]) -> list[list[FrontLine]]:
    """Lines that read as authors, those that follow each other together.

    Names in another print further down are of editors or for letters, as are those after a line that says so.
    """
    first = next((line for line in lines if _reads_so(line)), None)
    runs: list[list[FrontLine]] = []
    last: FrontLine | None = None
    """The line above, if it is of authors."""
    before: FrontLine | None = None
    for line in lines if first is not None else ():
        if last is not None and ((_is_of_authors(line, last) and line.bold == last.bold) or _goes_on(line, last)):
            runs[-1].append(line)
            last = line
        elif first is not None and _is_of_authors(line, first) and (before is None or _may_begin(line, before, runs)):
            last = line if not runs or _alike(line, runs[0][0]) else None
            runs += [[line]] if last else []
        else:
            last = None
        before = line
    return runs


def _may_begin(line: FrontLine, before: FrontLine, runs: list[list[FrontLine]]) -> bool:
    """Whether a further list may begin after that line: what reads as an address, only where something sets it off from one."""
    is_set_off = not line.near(before) or line.bold != before.bold or line.text.isupper() > before.text.isupper()
    is_set_off = is_set_off or "@" in before.text
    is_stacked = len(runs) >= _A_STACK and {line.label, before.label} <= {"affiliation", "other"}
    is_below_address = line.label == before.label == "affiliation" or is_stacked
    return (_reads_so(line) or not runs or (is_below_address and is_set_off)) and not _OTHER_PEOPLE.search(before.text)


def _reads_so(line: FrontLine) -> bool:
    """Whether the line reads as one of authors; a list of names that is not of the title is no line of one."""
    return line.label == "author" or (line.label == "title" and (are_names(line.text) or speak_for_group(line.text)))


def _goes_on(line: FrontLine, last: FrontLine) -> bool:
    """Whether a list of names goes on with the line, whatever it reads as: it is short, or the list is open."""
    if line.label == "body" or is_affiliation(line.text) or not _in_one_size(line, last):
        return False
    is_beside = line.block - last.block <= 1
    is_alike = line.size is not None and line.near(last) and line.bold == last.bold
    may_go_on = line.label == "author" or (line.label != "affiliation" and is_alike)
    if is_beside and may_go_on and _is_cut(last, line):
        return True
    if not line.text[:1].isupper():
        return False
    is_rest = is_beside and len(line.text.split()) <= _REST and bool(_LIST.search(last.text))
    is_open = _OPEN.search(last.text) is not None and line.bold == last.bold and _is_of_names(line)
    return is_rest or is_open


def _is_cut(last: FrontLine, line: FrontLine) -> bool:
    """Whether a list of names, or one of them, is cut between the two lines."""
    return any(sign.search(last.text) for sign in (_OPEN, _BEGUN, _LONE)) or _JOINS.match(line.text) is not None


def _is_of_authors(line: FrontLine, first: FrontLine) -> bool:
    """Whether the line is one of authors: told so, or names alone in their very print."""
    if _reads_so(line):
        return True
    if line.label in {"title", "other", "affiliation"}:
        alike = line.size is not None and line.near(first) and line.bold == first.bold
        return alike and (_is_of_names(line) or (line.label == "title" and line.block == first.block))
    return False


def _alike(line: FrontLine, other: FrontLine) -> bool:
    return line.size is None or other.size is None or (_in_one_size(line, other) and line.bold == other.bold)


def _in_one_size(line: FrontLine, other: FrontLine) -> bool:
    """About: a line with many marks above it may count as a smaller one."""
    small, large = sorted((line.size or 1.0, other.size or 1.0))
    return line.size is None or other.size is None or small > _ABOUT * large


def _names(runs: list[list[FrontLine]]) -> tuple[str, ...]:
    """The names in each run's lines; a name may run from one line to the next. Nobody is named twice.

    Lines in which most names are known already tell them once more, in whatever order.
    """
    names: list[str] = []
    for run in runs:
        named = [name for block in _bylines(run) for name in _names_in_block(block)]
        new = [name for name in named if not any(_same(name, other) for other in names)]
        if names and 2 * len(new) < len(named):
            continue
        for name in new:
            if not any(_same(name, other) for other in names):
                names.append(name)
    return tuple(names)[:_MAX_AUTHORS]


def _names_in_block(block: list[FrontLine]) -> list[str]:
    alone = [names_in(line.text) for line in block]
    one_by_one = tuple(name for found in alone for name in found) if all(alone) else ()
    byline = without_group(_HALVED.sub("-", joined(block)))
    named = map(_plain, _names_of(byline, one_by_one))
    return [name for name in named if _may_be_person(name) and not _is_part(name, byline)]


def _is_part(name: str, byline: str) -> bool:
    """Whether it is the end of what a group or an institution is called."""
    return _OF.search(byline[: max(0, byline.find(name))][-_OF_LENGTH:]) is not None


def _may_be_person(name: str) -> bool:
    return " " in name and not _NO_PERSON.search(name) and not all(map(_NO_WORD.fullmatch, name.split()))


def _bylines(run: list[FrontLine]) -> list[list[FrontLine]]:
    """The lines of a block together, and those of a list that goes on in the next one."""
    bylines: list[list[FrontLine]] = []
    for line in run:
        last = bylines[-1][-1] if bylines else None
        is_list = last is not None and _LIST.search(last.text) is not None
        if last and (line.block == last.block or (is_list and (_LIST.search(line.text) or _is_cut(last, line)))):
            bylines[-1].append(line)
        else:
            bylines.append([line])
    return bylines


def _names_of(byline: str, one_by_one: tuple[str, ...]) -> tuple[str, ...]:
    """What the model finds; where it finds fewer than lines of nothing but names hold, these."""
    found = names_in_byline(byline)
    return found if len(found) >= len(one_by_one) else one_by_one


def _plain(name: str) -> str:
    return _FULL_STOP.sub("", _NO_NAME_AT_THE_END.sub("", _ADDRESS.sub("", name)))


def _turned(name: str) -> str:
    """`Okafor A` → `A Okafor`."""
    *words, last = name.split()
    return f"{last} {' '.join(words)}" if words and _TURNED.fullmatch(last) else name


def _same(name: str, other: str) -> bool:
    """Whether both are one person's: given in full here, by an initial there."""
    one, two = _turned(name).lower().split(), other.lower().split()
    return one[-1] == two[-1] and (
        one[0] == two[0]
        or (one[0][:1] == two[0][:1] and min(map(len, (one[0], two[0]))) < 3 and len(one[0]) != len(two[0]))
    )
