"""Words cut in two at the end of a line."""

import re
from collections.abc import Iterable

# Letters are taken whole (`++`) and only from a word's beginning: a megabyte of one letter must not be quadratic.
_LETTERS = r"(?<![^\W\d_])[^\W\d_]++"
_COMPOUND = rf"{_LETTERS}(?:-[^\W\d_]++)*+"
_TOKEN = re.compile(_COMPOUND)
_CUT_IN_TWO = re.compile(rf"{_LETTERS}[-\u2010\u00ad]\n *+[^\W\d_]++")  # the halves are no words to learn
_HYPHENS = ("-", "\u2010", "\u00ad")
_LAST_WORD = re.compile(r"([^\W\d_]++(?:-[^\W\d_]++)*+)$")
_LONGEST_WORD = 60
_REST = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)*+")


class Hyphens:
    """Puts cut words together again; whether the hyphen belongs to the word, the rest of the paper tells."""

    def __init__(self, text: str) -> None:
        """`text`: all of the paper, its lines uncut."""
        self._words = set(_TOKEN.findall(_CUT_IN_TWO.sub(" ", text.lower())))

    def join(self, lines: Iterable[str]) -> list[str]:
        """The lines, with the second half of each cut word moved up to the first."""
        joined: list[str] = []
        for line in lines:
            line = line.strip()
            if joined and line and (cut := _cut(joined[-1])) and (rest := _REST.match(line)):
                end = line.find(" ", rest.end())
                tail, line = (line, "") if end < 0 else (line[:end], line[end + 1 :])
                joined[-1] = joined[-1][:-1] + self._hyphen(cut, rest.group()) + tail
            if line:
                joined.append(line)
        return joined

    def _hyphen(self, head: str, rest: str) -> str:
        one, two = (head + rest).lower(), f"{head}-{rest}".lower()
        if one in self._words:
            return ""
        if two in self._words or not rest[0].islower():
            return "-"
        # A compound's last part is usually a word of its own, a syllable is not.
        last = head.rpartition("-")[2].lower()
        both_are_words = len(last) > 2 and len(rest) > 3 and {last, rest.lower()} <= self._words
        return "-" if "-" in head or both_are_words else ""


def _cut(line: str) -> str | None:
    """The word before the hyphen at the line's end, if one is there."""
    if not line.endswith(_HYPHENS):
        return None
    found = _LAST_WORD.search(line[-_LONGEST_WORD - 1 : -1])
    return found.group(1) if found else None
