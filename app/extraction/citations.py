"""One entry of a list of references: its authors, title, venue, year and DOI, by rule."""

import re
from dataclasses import dataclass

from app.extraction.header import find_doi

_MAX = 1500
_MAX_VENUE = 200
_LABEL = re.compile(r"^\s*(?:\[[^\]\s]{1,16}\]|\(?\d{1,4}[.)]|\d{1,3}(?=\s+[^\W\d_]))\s*")
_YEAR_PAREN = re.compile(r"[(\[](?:[A-Z][a-z]{2,8}\.? )?((?:18|19|20)\d\d)[a-z]?(?:,[^()]{0,25})?[)\]][.,:]?\s*")
_YEAR_BARE = re.compile(r"(?<![\d.:/–-])((?:18|19|20)\d\d)[a-z]?(?![\d/–:]|-\d|\.\d)")
_QUOTED = re.compile(
    r"[\"“”„«]\s*([^\"“”„«»]{8,300}?)[,.]?\s*[\"”“»]"
    r"|(?<![^\W_])[‘'`]{1,2}([^‘’'`]{12,300}?)[,.]?[’']{1,2}(?=[\s,.]|$)"
)
_INITIALS = r"(?:[^\W\d_a-z]\.?[ \-]?){1,4}"
_SURNAME = r"(?:(?:[a-z]{2,4} ){0,2}[^\W\d_a-z][^\W\d_]*(?:[-'’ ][^\W\d_]+){0,2})"
_START = re.compile(
    rf"^(?:{_SURNAME}, ?[^\W\d_a-z]|{_SURNAME} {_INITIALS}[,.(]|{_INITIALS} ?{_SURNAME}[,. ]"
    r"|[^\W\d_a-z][\w'’-]+ [^\W\d_a-z][\w.'’ -]{1,30}(?:,| and |\.))"
)
_NO_END = "".join(rf"(?<!\b{word})" for word in "al ed eds Ed Eds vol no pp vs Jr St".split())
_SENTENCE_END = re.compile(rf"(?<![\s.(\[-][^\W\d_a-z])(?<!^[^\W\d_a-z]){_NO_END}[.?!](?=\s+[^a-z\s]|\s*$)")
_IN = re.compile(r"(?:^|[.,?!]\s+)[Ii]n:?\s+(?=[^a-z])")
_VENUE_WORD = re.compile(
    r"\b(?:proceedings|proc\.?|journal|conference|transactions|trans\.|workshop|symposium|press|review|letters|annals|bulletin|arxiv"
    r"|lecture notes|j\.|ieee|acm|siam|springer|elsevier|wiley|addison|mcgraw|in:? [A-Z])",
    re.IGNORECASE,
)
_VENUE_END = re.compile(
    r"[,;]?\s*(?:\(?\d|vol(?:ume|\.)|pages?\b|pp\b|[(\[]|no\.)|[;]|(?:(?<=[a-z]{5})|(?<=[A-Z]{3}))\.(?=\s|$)"
    r"|,(?=\s*(?:[A-Z]{2}\b|[A-Z][a-z]+\.?$|$))"
)
_EDITORS = re.compile(
    r"^(?:[^,.]{2,40},? (?:and|&) )?[^,]{2,40}(?:, [^,]{2,40}){0,6},? \(?[Ee]d(?:itor)?s?\.?\)?[.,:]*\s*"
)
_ET_AL = re.compile(r"[,;]?\s*(?:\bet al\b\.?|\band others\b|…)", re.IGNORECASE)
_CAPITAL = r"[^\W\d_a-z]"
_DOTTED = rf"{_CAPITAL}\.(?:[ -]?{_CAPITAL}\.){{0,4}}"
_LAST = rf"(?:(?!and |et |und )[a-z]{{2,4}} ){{0,2}}{_CAPITAL}[^\W\d_]+(?:[-'’][^\W\d_]+){{0,2}}"
_NAME = re.compile(
    rf"(?:{_DOTTED} ?{_LAST}|{_LAST},? (?:{_DOTTED}|{_CAPITAL}{{1,3}}(?![^\W_.])))(?=[\s.,:;)]|$|(?<=\.))"
)
_BETWEEN_NAMES = re.compile(r"[.,;]{0,2} ?(?:and|&|et|und|y)? ?(?=\S)")
_COMMA_VENUE = re.compile(r", (?=[^\W\d_a-z][^\W\d_,]*(?:[ &.]+[^\W\d_,.]+){0,6}[.]?,? (?:v\.|vol|\d))")
_TRAILING_YEAR = re.compile(r"[\s,.(]*\b(?:18|19|20)\d\d[a-z]?\b(?: ?\[\d{4}\])?\W*$")
_TAIL = re.compile(r"[\s,;:(\[]+$")
_INITIAL_GROUP = re.compile(r"(?:[^\W\d_a-z]\.?[- ]?){1,4}")


@dataclass(frozen=True)
class Citation:
    authors: tuple[str, ...] = ()
    title: str | None = None
    venue: str | None = None
    year: int | None = None
    doi: str | None = None


def looks_like_start(line: str) -> bool:
    """Whether a line begins as an entry does: with an author's name."""
    return _START.match(line[:120]) is not None


def parse_citation(raw: str) -> Citation:
    """What can be told apart in an entry; a field is empty where no rule fits. Never raises.

    The rules know three orders: authors (year) title; authors, title, venue, year; and a title in quotes.
    """
    raw = raw[:_MAX]
    doi = find_doi(raw)
    label = _LABEL.match(raw)
    text = raw[label.end() :] if label else raw
    at = _YEAR_PAREN.search(text)
    bare = _year_sentence(text)
    quoted = _QUOTED.search(text)
    if quoted and quoted.start() < 350:
        before, title, after = text[: quoted.start()], quoted.group(1) or quoted.group(2), text[quoted.end() :]
        before = _YEAR_PAREN.sub("", before)
    elif at and 2 < at.start() < 400 and _is_list_of_names(text[: at.start()]):
        before = text[: at.start()]
        title, after = _sentence(text[at.end() :])
    elif bare and _is_list_of_names(text[: bare.start()]):
        before = text[: bare.start()]
        title, after = _sentence(text[bare.end() :].lstrip(" .,:;)]"))
    else:
        before, rest = _authors_end(text)
        title, after = _sentence(rest)
    return Citation(
        authors=split_authors(before),
        title=_clean(title) or None,
        venue=_venue(after),
        year=_year(text, doi),
        doi=doi,
    )


def split_authors(text: str) -> tuple[str, ...]:
    """`Lafferty, J., McCallum, A. and Pereira, F.` → three names as written; "et al." is dropped."""
    text = _TAIL.sub("", _ET_AL.sub("", _TRAILING_YEAR.sub("", text.strip())))
    if not text or len(text) > 1200:
        return ()
    parts = [part.strip() for part in re.split(r";|\band\b|&|\bund\b|\by\b", text)]
    names: list[str] = []
    for part in parts:
        pieces = [piece.strip(" .") if len(piece.strip()) > 3 else piece.strip() for piece in part.split(",")]
        pieces = [piece for piece in pieces if piece]
        index = 0
        while index < len(pieces):
            following = pieces[index + 1] if index + 1 < len(pieces) else ""
            inverted = bool(following) and _is_given(following) and not _has_initials(pieces[index])
            names.append(f"{pieces[index]}, {following}" if inverted else pieces[index])
            index += 2 if inverted else 1
    return tuple(name for name in names if any(map(str.isalpha, name)) and len(name) < 80)[:100]


def _is_given(piece: str) -> bool:
    return _INITIAL_GROUP.fullmatch(piece) is not None and len(piece) <= 12


def _has_initials(piece: str) -> bool:
    words = piece.split()
    if len(words) < 2:
        return False
    after = words[-1].isupper() and len(words[-1].strip(".")) <= 3
    return after or (words[0].endswith(".") and len(words[0]) <= 3)


def _year_sentence(text: str) -> re.Match[str] | None:
    """A year that stands as a sentence of its own after the authors: "Smith, J. 1999. Title."""
    match = _YEAR_BARE.search(text[:400])
    if match is None or match.start() < 4 or text[match.end() : match.end() + 1] not in (".", ",", ":", ")", ""):
        return None
    return match


def _is_list_of_names(text: str) -> bool:
    """Whether the words before a year are names alone: capitalised, but for particles and "and"."""
    words = [word for word in re.split(r"[\s,;.&()]+", text) if word]
    lower = [word for word in words if word[0].islower() and len(word) > 3 and word not in ("und", "others", "with")]
    long = [sentence for sentence in _SENTENCE_END.split(text) if len(sentence.split()) > 1]
    return 0 < len(words) <= 80 and len(lower) <= len(words) // 8 and (len(long) <= 1 or len(words) <= 6)


def _sentence(text: str) -> tuple[str, str]:
    """The first sentence and what follows it; it also ends before "In …" or, where no full stop comes, at a comma."""
    text = text.lstrip(" .,:;")
    stop = _SENTENCE_END.search(text, min(8, len(text)))
    inside = _IN.search(text)
    if inside and (stop is None or inside.start() <= stop.start()):
        return text[: inside.start()] + text[inside.start() : inside.start() + 1].strip(",. "), text[inside.end() :]
    if stop is None or stop.start() > 300:
        comma = text.find(", ")
        return (text[:comma], text[comma + 2 :]) if comma > 8 else (text, "")
    head, tail = text[: stop.end()], text[stop.end() :]
    comma = _comma_before_venue(head)
    return (head[:comma], head[comma + 1 :] + tail) if comma else (head, tail)


def _comma_before_venue(head: str) -> int:
    """In "Title, Journal of X 12, pp. 3." the comma between title and venue; 0 when there is none."""
    word = _VENUE_WORD.search(head, min(15, len(head)))
    comma = head.rfind(", ", 0, word.start() + 1) if word else -1
    if comma <= 15:
        volume = _COMMA_VENUE.search(head, min(15, len(head)))
        comma = volume.start() if volume else -1
    return comma if comma > 15 else 0


def _authors_end(text: str) -> tuple[str, str]:
    """The authors and the rest, where no year parts them: after the names, at a colon, or at the first full stop."""
    end = _names_end(text)
    if end:
        return text[:end], text[end:]
    colon = text.find(": ", 0, 300)
    if colon > 3 and _is_list_of_names(text[:colon]) and len(text[:colon].split()) < 6:
        return text[:colon], text[colon + 2 :]
    stop = _SENTENCE_END.search(text)
    if stop and _is_list_of_names(text[: stop.start()]):
        return text[: stop.start()], text[stop.end() :]
    comma = text.find(", ")
    if 3 < comma < 40 and len(text[:comma].split()) in (2, 3) and _is_list_of_names(text[:comma]):
        return text[:comma], text[comma + 2 :]
    return ("", text) if stop is None or stop.start() > 200 else (text[: stop.start()], text[stop.end() :])


def _names_end(text: str) -> int:
    """Where a list of names with initials ends, each matched once from the left; 0 when there is none or no title follows."""
    at = 0
    for _ in range(100):
        name = _NAME.match(text, at)
        if name is None:
            break
        at = name.end()
        others = _ET_AL.match(text, at)
        if others:
            at = others.end()
            break
        between = _BETWEEN_NAMES.match(text, at)
        if between is None or _NAME.match(text, between.end()) is None:
            break
        at = between.end()
    following = text[at:].lstrip(" .,:;")[:1]
    return at if at and following and not following.islower() else 0


def _venue(after: str) -> str | None:
    text = after.lstrip(" .,;:")
    inside = re.match(r"[Ii]n:?\s+", text)
    text = text[inside.end() :] if inside else text
    editors = _EDITORS.match(text)
    text = text[editors.end() :] if editors else text
    stop = _VENUE_END.search(text)
    venue = _clean(text[: stop.start()] if stop else text)
    if not 1 < len(venue) <= _MAX_VENUE or venue.lower().startswith(("http", "doi", "available", "retrieved")):
        return None
    return venue


def _year(text: str, doi: str | None) -> int | None:
    paren = _YEAR_PAREN.search(text)
    if paren:
        return int(paren.group(1))
    plain = re.sub(r"https?://\S+|\b10\.\d{4,}/\S+", " ", text) if doi or "http" in text else text
    found = [int(match.group(1)) for match in _YEAR_BARE.finditer(plain) if 1800 <= int(match.group(1)) <= 2099]
    return found[0] if found else None


def _clean(text: str | None) -> str:
    return (text or "").strip().strip('.,;: "“”«»').strip()
