"""TeX source as tokens and plain text: one pass, no recursion, no expansion that can grow.

TeX is a programming language; a paper's prose needs little of it. Braces are matched once, unknown commands give way to
their arguments' text, and a command of the author's own is replaced only when it stands for a few plain words.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_VERBATIM = ("verbatim", "lstlisting", "comment", "minted", "filecontents", "tikzpicture", "pgfpicture")
_COMMENT = re.compile(r"(\\.)|%[^\n]*(?:\n[ \t]*)?", re.DOTALL)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_TOKEN = re.compile(
    r"\\(?P<word>[A-Za-z@]+)\*?[ \t]*(?:\n(?![ \t]*\n)[ \t]*)?|\\(?P<sign>[^A-Za-z@])|(?P<break>\n[ \t]*\n\s*)"
    r"|(?P<mark>[{}$~&])|(?P<text>[^\\{}$~&\n]+|\n|\\)"
)
_SPACE = re.compile(r"\s*")
_SPACE_BEFORE_POINT = re.compile(r"[ ~](?=[,.;:)])")
_OPTION = re.compile(r"\s*\[[^\[\]\n]{0,300}\]")

_ACCENTS = dict(
    zip("`'^\"~=.cvuHkrdb", map(chr, (0x300, 0x301, 0x302, 0x308, 0x303, 0x304, 0x307, 0x327, 0x30C, 0x306, 0x30B, 0x328, 0x30A, 0x323, 0x331)), strict=True)
)  # fmt: skip
_SYMBOLS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å",
    "i": "i", "j": "j", "ldots": "…", "dots": "…", "cdots": "⋯", "textellipsis": "…", "LaTeX": "LaTeX", "TeX": "TeX",
    "BibTeX": "BibTeX", "textbackslash": "\\", "textendash": "–", "textemdash": "—", "times": "×", "cdot": "·", "pm": "±",
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "∼", "in": "∈", "sum": "∑",
    "prod": "∏", "int": "∫", "infty": "∞", "partial": "∂", "nabla": "∇", "forall": "∀", "exists": "∃", "to": "→",
    "rightarrow": "→", "leftarrow": "←", "Rightarrow": "⇒", "mapsto": "↦", "cup": "∪", "cap": "∩", "subset": "⊂", "subseteq": "⊆",
    "copyright": "©", "S": "§", "textregistered": "®", "texttrademark": "™", "quad": " ", "qquad": " ", "newline": "\n",
    "linebreak": "\n", "and": "\n", "And": "\n", "AND": "\n", "textasciitilde": "~", "slash": "/", "textquotesingle": "'",
    "par": "\n",
}  # fmt: skip
_SIGNS = {
    "\\": "\n",
    " ": " ",
    "\n": " ",
    ",": " ",
    ";": " ",
    ":": " ",
    "!": "",
    "-": "",
    "/": "",
    "@": "",
    "(": "",
    ")": "",
    "[": "",
    "]": "",
}
_TYPOGRAPHY = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"))
# Commands whose first arguments are no text, and how many those are.
_SILENT = {
    **dict.fromkeys(
        "label ref eqref autoref cref Cref pageref vspace hspace vskip includegraphics bibliographystyle bibliography usepackage "
        "documentclass input include pagestyle thispagestyle thanks color pagenumbering hypersetup newtheorem RequirePackage "
        "geometry graphicspath bibdata citestyle phantomsection nocite orcid email institute affil affiliation address keywords orcidID titlerunning authorrunning "
        "definecolor cline cmidrule rule href textcolor colorbox scalebox resizebox begin end hypertarget".split(), 1,
    ),
    **dict.fromkeys("setlength addtolength setcounter addtocounter newcounter raisebox multirow newenvironment renewenvironment "
                    "DeclareMathOperator multicolumn fontsize rule".split(), 2),
}  # fmt: skip
_MAX_MACRO = 200


class Token(NamedTuple):
    """`kind`: `word` (a command's name), `break` (a blank line), `text` (what it says in plain characters)."""

    kind: str
    value: str


def strip_comments(source: str) -> str:
    """The source without comments and without what is set verbatim or drawn."""
    source = _COMMENT.sub(lambda found: found.group(1) or "", source)
    for environment in _VERBATIM:
        source = _without(source, environment)
    return source


def _without(source: str, environment: str) -> str:
    begin, end = f"\\begin{{{environment}", f"\\end{{{environment}"
    kept: list[str] = []
    here = 0
    while (start := source.find(begin, here)) >= 0 and (stop := source.find(end, start)) >= 0:
        kept.append(source[here:start])
        close = source.find("}", stop + len(end))
        here = close + 1 if close >= 0 else len(source)
    return "".join(kept) + source[here:]


class Tex:
    """A piece of source, read token by token; the reader of a command takes its arguments from here."""

    def __init__(self, source: str, macros: Mapping[str, str], cited: Mapping[str, int]) -> None:
        """`macros`: the plain words of the author's own commands; `cited`: the number of each reference's key."""
        self._source = source
        self._macros = macros
        self._cited = cited
        self._position = 0
        self._close = _matching_braces(source)

    def tokens(self) -> Iterator[Token]:
        """Text and paragraph breaks; commands too, of which only those nobody rendered are left."""
        while found := _TOKEN.match(self._source, self._position):
            self._position = found.end()
            kind, value = found.lastgroup or "text", found.group(found.lastgroup or 0)
            if kind == "word":
                text = self._word(value)
                yield Token("word", value) if text is None else Token("text", text)
            elif kind == "sign":
                yield Token("text", self._accented(value) if value in _ACCENTS else _SIGNS.get(value, value))
            elif kind == "mark":
                yield Token("text", " " if value in "~&" else "")
            else:
                yield Token(kind, _typeset(value))

    def _word(self, word: str) -> str | None:
        if word in self._macros:
            return self._macros[word]
        if word in _SYMBOLS:
            return _SYMBOLS[word]
        if word in _ACCENTS and len(word) == 1:
            return self._accented(word)
        if "cite" in word.lower():
            return self._citation()
        return _greek(word)

    def _accented(self, accent: str) -> str:
        letter = self.argument() if self._peek() == "{" else self._next_character()
        letter = {"\\i": "i", "\\j": "j"}.get((letter or "").strip(), (letter or "").strip())
        if len(letter) != 1:
            return plain(letter, self._macros) if "\\" not in letter else ""
        return unicodedata.normalize("NFC", letter + _ACCENTS[accent])

    def _next_character(self) -> str:
        self._position = _skip(_SPACE, self._source, self._position)
        start = self._position
        self._position += 2 if self._source.startswith(("\\i", "\\j"), start) else 1
        return (
            self._source[start : self._position]
            if start < len(self._source) and self._source[start] not in "{}"
            else ""
        )

    def _citation(self) -> str:
        self.skip_options()
        keys = (self.argument() or "").split(",")
        numbers = [str(self._cited[key.strip()]) for key in keys if key.strip() in self._cited]
        return f"[{', '.join(numbers)}]" if numbers else ""

    def _peek(self) -> str:
        start = _skip(_SPACE, self._source, self._position)
        return self._source[start : start + 1]

    def skip_options(self) -> None:
        """Go past `[…]`, twice at most."""
        for _ in range(2):
            self._position = _skip(_OPTION, self._source, self._position)

    def skip_silent(self, word: str) -> None:
        """Go past the arguments of a command that are no text."""
        self.skip_options()
        for _ in range(_SILENT.get(word, 0)):
            self.argument()

    def argument(self) -> str | None:
        """The source within the braces that come next, or None."""
        start = _skip(_SPACE, self._source, self._position)
        close = self._close.get(start)
        if close is None:
            return None
        self._position = close + 1
        return self._source[start + 1 : close]

    def command(self) -> str | None:
        """The name of the command that comes next, in braces or not, as after `\\newcommand`."""
        found = re.compile(r"\s*\{?\s*\\([A-Za-z@]+)\s*\}?").match(self._source, self._position)
        if found is None:
            return None
        self._position = found.end()
        return found.group(1)

    def has_parameters(self) -> bool:
        """Whether `[2]` or `#1` comes next: a definition that needs arguments."""
        return self._peek() in {"[", "#"}


def plain(source: str, macros: Mapping[str, str], cited: Mapping[str, int] | None = None) -> str:
    """The source's text, whatever the commands in it; a line of the source is no line of the text."""
    tex = Tex(source, macros, cited or {})
    parts: list[str] = []
    for token in tex.tokens():
        if token.kind == "word":
            tex.skip_silent(token.value)
        else:
            parts.append(token.value)
    return _SPACE_BEFORE_POINT.sub("", "".join(parts))


def short_macro(source: str, macros: Mapping[str, str]) -> str | None:
    """What a command of the author's own stands for, or None when it is more than a few words."""
    if len(source) > _MAX_MACRO:
        return None
    words = plain(source, macros)
    return words if len(words) <= _MAX_MACRO else None


def _matching_braces(source: str) -> dict[int, int]:
    close: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACE.finditer(source):
        if found.group() == "{":
            opened.append(found.start())
        elif found.group() == "}" and opened:
            close[opened.pop()] = found.start()
    return close


def _skip(pattern: re.Pattern[str], source: str, position: int) -> int:
    found = pattern.match(source, position)
    return found.end() if found else position


def _typeset(text: str) -> str:
    for typed, printed in _TYPOGRAPHY:
        text = text.replace(typed, printed)
    return text


def _greek(word: str) -> str | None:
    """Greek letters have the same names in TeX and in Unicode, but for lambda."""
    if not 2 <= len(word) <= 10:
        return None
    name = word.removeprefix("var").upper().replace("LAMBDA", "LAMDA")
    try:
        return unicodedata.lookup(f"GREEK {'CAPITAL' if word[0].isupper() else 'SMALL'} LETTER {name}")
    except KeyError:
        return None
