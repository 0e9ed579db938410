"""Sentences by rule: where one ends is told by its punctuation, by a blank line, or by a limit on length."""

import re
from collections.abc import Iterator

MAX_SENTENCE = 2000
"""Characters. What is longer is no sentence; it is cut, so that no later step meets an unbounded one."""

_END = re.compile(r"[.!?][\"'”’)\]]{0,3}(?=\s)|\n[ \t\r]*\n|\f[ \t\r]*\n")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:[A-Z]|e\.g|i\.e|al|cf|vs|viz|etc|ca|approx|resp|Figs?|Eqs?|Secs?|Sect|Tabs?|Refs?|No|Nos|Vol|pp|ed|eds|Dr|Prof|Mr|Mrs|Ms|St|Jr|Inc"
    r"|Univ|Dept|Proc|Conf|Trans|Int|J|Assoc|Corp|Ltd|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.$"
)


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Spans of the sentences of `text[start:end]`, in order, without the white space around them, none empty.

    They never overlap, and each is at most `MAX_SENTENCE` long. Time is linear in the length.
    """
    end = len(text) if end is None else end
    begin = start
    for match in _END.finditer(text, start, end):
        if _is_boundary(text, match, end):
            yield from _pieces(text, begin, match.end())
            begin = match.end()
    yield from _pieces(text, begin, end)


def _is_boundary(text: str, match: re.Match[str], end: int) -> bool:
    if match.group().isspace():
        return True
    following = text[match.end() : min(match.end() + 40, end)].lstrip()[:1]
    if following and following.islower():
        return False
    stop = match.start() + 1
    return text[match.start()] != "." or _ABBREVIATION.search(text[max(0, stop - 8) : stop]) is None


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = end
        if end - start > MAX_SENTENCE:
            stop = start + MAX_SENTENCE
            space = max(text.rfind(" ", start, stop), text.rfind("\n", start, stop))
            stop = space if space > start else stop
        piece = text[start:stop]
        begin = start + len(piece) - len(piece.lstrip())
        finish = start + len(piece.rstrip())
        if begin < finish:
            yield begin, finish
        start = stop
