"""Markdown (CommonMark with tables), as markdown-it sees it."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.domain.errors import ReadError
from app.extraction.decoding import decode
from app.extraction.readers import OnPage
from app.extraction.readers.draft import Draft, DraftMetadata, Kind, find_doi, find_year, text_too_long, too_long

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(.{0,100000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z_][\w-]*):[ \t]*(.*)")
_NAME = re.compile(r"(?:name|literal):\s*(.+)")
_TAG = re.compile(r"<[^<>]{0,500}>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ATTRIBUTES = re.compile(r"\s*\{[.#][^{}\n]*\}\s*$")
_BLANK_LINE = re.compile(r"\n[ \t\r]*+\n")
MAX_BRACKETS = 3_000
"""In one paragraph."""
_CAPTION = re.compile(r"(?:Table|Figure|Fig\.)\s*(?:\d+\s*)?[:.]")


def read(data: bytes, on_page: OnPage) -> Draft:
    """Headings with their levels, paragraphs, list items, code and tables row by row; YAML front matter as metadata."""
    text = decode(data).replace("\0", "")  # CommonMark would show it as U+FFFD
    if too_long(text):
        raise text_too_long()
    draft = Draft(kinds_by_heading=True)
    if front := _FRONT_MATTER.match(text):
        draft.metadata = _front_matter(front.group(1))
        text = text[front.end() :]
    _refuse_brackets(text)
    tokens = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table").parse(_COMMENT.sub("", text))
    _add_header(draft)
    _add_blocks(draft, tokens)
    on_page(1, 1)
    return draft


def _refuse_brackets(text: str) -> None:
    """Looking for a link at each bracket, CommonMark's rules take time by the square of a paragraph's brackets."""
    if any(paragraph.count("[") > MAX_BRACKETS for paragraph in _BLANK_LINE.split(text)):
        raise ReadError(
            "file_too_complex", f"A paragraph has more than {MAX_BRACKETS:,} opening brackets; send a paper's text."
        )


def _add_header(draft: Draft) -> None:
    metadata = draft.metadata
    draft.add(metadata.title or "", "title")
    draft.add(", ".join(metadata.authors), "authors")
    draft.add(metadata.abstract or "", "abstract")


def _add_blocks(draft: Draft, tokens: list[Token]) -> None:
    titles = [token for token in tokens if token.type == "heading_open" and token.tag == "h1"]
    title = titles[0] if len(titles) == 1 and not draft.metadata.title else None
    kind: Kind = "paragraph"
    level = 0
    row: list[str] | None = None
    for token in tokens:
        if token.type == "heading_open":
            kind, level = ("title", 0) if token is title else ("heading", int(token.tag[1]))
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            draft.add(" | ".join(row), "caption")
            row = None
        elif token.type in {"fence", "code_block"}:
            draft.add(token.content, "caption")
        elif token.type == "html_block":
            draft.add(_TAG.sub(" ", token.content))
        elif token.type == "inline":
            words = _ATTRIBUTES.sub("", _inline(token))
            if row is not None:
                row.append(words)
                continue
            if kind == "title":
                draft.metadata.title = words
            is_caption = kind == "paragraph" and _CAPTION.match(words)
            draft.add(words, "caption" if is_caption else kind, level=level)
            kind, level = "paragraph", 0


def _inline(token: Token) -> str:
    """The words without their marks: a link's text, an image's description."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in {"text", "code_inline", "image"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
    return "".join(parts)


def _front_matter(yaml: str) -> DraftMetadata:
    """The few fields we need, of the YAML that people write there: no YAML parser, so none of YAML's surprises."""
    fields: dict[str, list[str]] = {}
    here: list[str] = []
    for line in yaml.splitlines():
        if found := _FIELD.match(line):
            here = fields.setdefault(found.group(1).lower(), [])
            here.append(found.group(2))
        else:
            here.append(line)
    values = {key: [value for value in map(_scalar, lines) if value] for key, lines in fields.items()}
    first = {key: " ".join(lines) for key, lines in values.items()}
    return DraftMetadata(
        title=first.get("title"),
        authors=_authors(values.get("author") or values.get("authors") or []),
        abstract=first.get("abstract"),
        year=find_year([first.get("year"), first.get("date")]),
        doi=find_doi(first.get("doi")),
    )


def _scalar(line: str) -> str:
    line = line.strip()
    return "" if line in {"|", ">", "|-", ">-", "-"} else line.strip("\"'")


def _authors(lines: list[str]) -> list[str]:
    """`A, B and C`, `[A, B]`, a list of names, or a list of mappings with a `name`."""
    if named := [found.group(1).strip(" \"'") for found in (_NAME.match(line.lstrip("- ")) for line in lines) if found]:
        return named
    if any(line.startswith("- ") for line in lines):
        return [line[2:].strip(" \"'") for line in lines if line.startswith("- ")]
    return [name.strip(" \"'") for name in re.split(r",|;| and ", " ".join(lines).strip("[]")) if name.strip()]
