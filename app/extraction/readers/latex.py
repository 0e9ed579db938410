"""LaTeX source: its sections, paragraphs, captions and bibliography, without running TeX."""

import re

from app.extraction.decoding import decode
from app.extraction.readers import OnPage
from app.extraction.readers.draft import Draft, Kind, find_year, one_line, text_too_long, too_long
from app.extraction.readers.tex import Tex, plain, short_macro, strip_comments

_LEVELS = {
    "part": 1,
    "chapter": 1,
    "section": 1,
    "subsection": 2,
    "subsubsection": 3,
    "paragraph": 4,
    "subparagraph": 5,
}
_BIBITEM = re.compile(r"\\bibitem\s*(?:\[[^\]]{0,1000}\])?\s*\{([^{}]{1,200})\}")
_BODY = re.compile(r"\\begin\s*\{document\}")
_DEFINITIONS = frozenset({"newcommand", "renewcommand", "providecommand", "def", "gdef", "edef"})
_AUTHOR_BREAK = re.compile(r"\\and\b|\\And\b|\\AND\b|\\quad\b|\\qquad\b")
_LINE_BREAK = re.compile(r"\\\\|\\newline\b|\\(?=affil|inst|email|address)")
_NAMES = re.compile(r",|;|\band\b|\n")
_MARKS = re.compile(
    r"\$[^$]{0,40}\$|\\(?:inst|orcidID|orcid)\s*\{[^{}]{0,60}\}|\\textsuperscript\s*\{[^{}]{0,40}\}|\^\{[^{}]{0,40}\}|\\thanks\s*\{[^{}]{0,500}\}|[\d*†‡§]+"
)
_FLOATS = frozenset(
    {"figure", "table", "wrapfigure", "subfigure", "algorithm", "algorithmic", "tabular", "tabularx", "longtable"}
)
_TAKES_ARGUMENT = frozenset(
    {"tabular", "tabularx", "longtable", "thebibliography", "minipage", "wrapfigure", "multicols", "subfigure"}
)


def read(data: bytes, on_page: OnPage) -> Draft:
    """Title, authors, abstract, sections with their levels, captions, and a block for each `\\bibitem`."""
    source = decode(data)
    if too_long(source):
        raise text_too_long()
    source = strip_comments(source.replace("\r\n", "\n").replace("\r", "\n"))
    draft = _Walk(source).run()
    on_page(1, 1)
    return draft


class _Walk:
    """One walk through the source, which keeps the paragraph being read and the environments it stands in."""

    def __init__(self, source: str) -> None:
        self._draft = Draft()
        self._macros: dict[str, str] = {}
        self._cited: dict[str, int] = {}
        for found in _BIBITEM.finditer(source):
            self._cited.setdefault(found.group(1).strip(), len(self._cited) + 1)
        self._tex = Tex(source, self._macros, self._cited)
        self._in_body = _BODY.search(source) is None  # a chapter of its own has no preamble
        self._paragraph: list[str] = []
        self._notes: list[str] = []
        self._inside: list[str] = []
        self._abstract: list[str] = []

    def run(self) -> Draft:
        for token in self._tex.tokens():
            if token.kind == "word":
                self._command(token.value)
            elif token.kind == "break":
                self._flush()
            elif self._in_body:
                self._paragraph.append(token.value)
        self._flush()
        self._draft.metadata.abstract = "\n".join(self._abstract)
        return self._draft

    def _command(self, word: str) -> None:
        if word in _LEVELS:
            self._flush()
            self._draft.add(self._words(), "heading", level=_LEVELS[word])
        elif word in {"begin", "end"}:
            self._environment(word, (self._tex.argument() or "").strip().rstrip("*"))
        elif word in {"title", "author", "date"}:
            self._header(word)
        elif word in _DEFINITIONS:
            self._define()
        elif word in {"caption", "captionof"}:
            if word == "captionof":
                self._tex.argument()  # of what
            self._draft.add(self._words(), "caption")
        elif word == "abstract":  # of journal classes
            self._add_abstract(self._words())
        elif word in {"footnote", "footnotetext"}:
            self._notes.append(self._words())
        elif word in {"item", "bibitem"}:
            self._item(word)
        elif word == "newblock":
            self._paragraph.append(" ")
        else:
            self._tex.skip_silent(word)

    def _words(self) -> str:
        """The text of the argument that comes next, on one line."""
        self._tex.skip_options()
        return one_line(plain(self._tex.argument() or "", self._macros, self._cited))

    def _environment(self, word: str, environment: str) -> None:
        self._flush()
        if word == "end":
            if environment in self._inside[-50:]:
                while self._inside.pop() != environment:
                    continue
            return
        self._inside.append(environment)
        self._tex.skip_options()
        if environment in _TAKES_ARGUMENT:
            self._tex.argument()
        if environment == "document":
            self._in_body = True
        elif environment == "thebibliography":
            self._draft.add("References", "heading", level=1)

    def _item(self, word: str) -> None:
        self._flush()
        self._tex.skip_options()
        if word == "bibitem":
            if "thebibliography" not in self._inside:  # a .bbl of its own
                self._inside.append("thebibliography")
            self._tex.argument()

    def _define(self) -> None:
        command = self._tex.command()
        parameters = self._tex.has_parameters()
        self._tex.skip_options()
        body = self._tex.argument()
        if command and body is not None and not parameters and (words := short_macro(body, self._macros)):
            self._macros[command] = words

    def _header(self, word: str) -> None:
        self._tex.skip_options()
        source = self._tex.argument() or ""
        metadata = self._draft.metadata
        if word == "title" and not metadata.title:
            metadata.title = one_line(plain(source, self._macros))
            self._draft.add(metadata.title, "title")
        elif word == "author":
            authors = _authors(source, self._macros)
            metadata.authors.extend(authors)
            self._draft.add(", ".join(authors), "authors")
        elif word == "date":
            metadata.year = find_year([plain(source, self._macros)])

    def _kind(self) -> Kind:
        here = self._inside[-20:]
        if "thebibliography" in here:
            return "reference"
        return "caption" if _FLOATS.intersection(name.rstrip("*") for name in here) else "paragraph"

    def _flush(self) -> None:
        words = one_line("".join(self._paragraph))
        self._paragraph.clear()
        if "abstract" in self._inside[-5:]:
            self._add_abstract(words)
        else:
            self._draft.add(words, self._kind())
        for note in self._notes:
            self._draft.add(note)
        self._notes.clear()

    def _add_abstract(self, words: str) -> None:
        self._abstract.append(words)
        self._draft.add(words, "abstract")


def _authors(source: str, macros: dict[str, str]) -> list[str]:
    """The names: the first line of each author's part, without marks of affiliation."""
    names: list[str] = []
    for part in _AUTHOR_BREAK.split(source):
        first_line = _LINE_BREAK.split(part.strip(), maxsplit=1)[0]
        words = one_line(plain(_MARKS.sub("", first_line), macros))
        names += [name.strip(" ~^") for name in _NAMES.split(words) if name.strip(" ~^")]
    return names
