"""One paper in every format: whichever comes in, the same document comes out."""

from functools import cache

import pytest

from app.domain.knowledge import Document
from app.extraction.assemble import build_document
from app.extraction.content_type import DOCX, HTML, JATS, LATEX, MARKDOWN, PDF
from app.extraction.readers import read
from app.extraction.references import extract_references
from tests.evaluation.matching import folded, matches
from tests.extraction.readers import files
from tests.extraction.readers.support import read as read_checked

pytestmark = pytest.mark.extended

TITLE = "Reading the Same Paper in Every Format"
AUTHORS = ("Mira Okafor", "Jonas Lindqvist")
ABSTRACT = "We show that a paper tells the same whatever file it comes in, and that a test can hold us to it."
SECTIONS = {
    "Introduction": "Papers come as pages for print, as markup and as the documents of writers.",
    "Methods": "We wrote one paper six times and read each of them as a stranger would.",
    "Conclusion": "Nothing was lost on any of the ways that we took.",
}
REFERENCES = (
    "[1] A. Brandt and L. Osei. 2016. Reading order in documents of many columns. In Proceedings of Reading.",
    "[2] S. Novak. 2018. Named things and where to find them. Journal of Names, 4(2):10-20.",
)


def _as_pdf() -> bytes:
    lines: list[tuple[float, float, float, str]] = [(150, 720, 18, TITLE), (220, 690, 12, " and ".join(AUTHORS))]
    at = 660.0
    for title, words in {"Abstract": ABSTRACT, **SECTIONS, "References": REFERENCES}.items():
        lines.append((72, at, 14, title))
        for paragraph in [words] if isinstance(words, str) else words:
            at -= 22
            lines.append((72, at, 10, paragraph))
        at -= 32
    return files.pdf(lines)


def _as_docx() -> bytes:
    parts = [files.paragraph(TITLE, "T"), files.paragraph(", ".join(AUTHORS)), files.paragraph("Abstract", "H2")]
    parts.append(files.paragraph(ABSTRACT))
    for title, words in SECTIONS.items():
        parts += [files.paragraph(title, "H2"), files.paragraph(words)]
    parts += [files.paragraph("References", "H2"), *map(files.paragraph, REFERENCES)]
    return files.docx("".join(parts))


def _as_html() -> bytes:
    sections = "".join(f"<h2>{title}</h2><p>{words}</p>" for title, words in SECTIONS.items())
    tags = "".join(f'<meta name="citation_author" content="{name}">' for name in AUTHORS)
    references = "".join(f"<p>{reference}</p>" for reference in REFERENCES)
    return (
        f'<html><head><meta name="citation_title" content="{TITLE}">{tags}</head><body><h1>{TITLE}</h1>'
        f"<h2>Abstract</h2><p>{ABSTRACT}</p>{sections}<h2>References</h2>{references}</body></html>"
    ).encode()


def _as_jats() -> bytes:
    names = (name.split() for name in AUTHORS)
    contributors = "".join(
        f'<contrib contrib-type="author"><name><surname>{surname}</surname><given-names>{given}</given-names></name></contrib>'
        for given, surname in names
    )
    references = "".join(f"<ref><mixed-citation>{reference}</mixed-citation></ref>" for reference in REFERENCES)
    return files.jats(
        "".join(f"<sec><title>{title}</title><p>{words}</p></sec>" for title, words in SECTIONS.items()),
        header=f"<title-group><article-title>{TITLE}</article-title></title-group>"
        f"<contrib-group>{contributors}</contrib-group><abstract><p>{ABSTRACT}</p></abstract>",
        back=f"<ref-list><title>References</title>{references}</ref-list>",
    )


def _as_latex() -> bytes:
    sections = "\n".join(f"\\section{{{title}}}\n{words}\n" for title, words in SECTIONS.items())
    items = "\n".join(f"\\bibitem{{r{at}}} {reference[4:]}" for at, reference in enumerate(REFERENCES))
    return (
        f"\\documentclass{{article}}\n\\title{{{TITLE}}}\n\\author{{{' and '.join(AUTHORS)}}}\n\\begin{{document}}\n\\maketitle\n"
        f"\\begin{{abstract}}\n{ABSTRACT}\n\\end{{abstract}}\n{sections}\n"
        f"\\begin{{thebibliography}}{{9}}\n{items}\n\\end{{thebibliography}}\n\\end{{document}}\n"
    ).encode()


def _as_markdown() -> bytes:
    sections = "\n\n".join(f"## {title}\n\n{words}" for title, words in SECTIONS.items())
    references = "\n\n".join(REFERENCES)
    return (
        f"# {TITLE}\n\n{', '.join(AUTHORS)}\n\n## Abstract\n\n{ABSTRACT}\n\n{sections}\n\n## References\n\n{references}\n"
    ).encode()


FORMATS = {
    PDF: _as_pdf,
    DOCX: _as_docx,
    HTML: _as_html,
    JATS: _as_jats,
    LATEX: _as_latex,
    MARKDOWN: _as_markdown,
}


@pytest.mark.parametrize("content_type", FORMATS)
def test_one_paper_is_the_same_document_in_every_format(content_type: str) -> None:
    found = read_checked(FORMATS[content_type](), content_type)
    document = build_document(found)
    assert (document.title, document.authors, document.abstract) == (TITLE, AUTHORS, ABSTRACT)
    assert _sections(document) == [*SECTIONS, "References"]
    bodies = {section.title: document.text[section.start : section.end] for section in document.sections}
    assert {title: " ".join(bodies[title].split()) for title in SECTIONS} == SECTIONS
    references = extract_references(found, document)
    assert [reference.year for reference in references] == [2016, 2018]


def _sections(document: Document) -> list[str]:
    """Of the first level, without the abstract: some formats keep it apart."""
    return [section.title for section in document.sections if section.level == 1 and section.title != "Abstract"]


@cache
def _wheat(suffix: str, content_type: str) -> Document:
    data = (files.PAPERS / f"wheat_metabolites.{suffix}").read_bytes()
    return build_document(read(data, content_type, lambda done, total: None))


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "content_type"), [("xml", JATS), ("html", HTML)])
def test_a_published_paper_is_the_same_as_its_pdf(suffix: str, content_type: str) -> None:
    printed, other = _wheat("pdf", PDF), _wheat(suffix, content_type)
    assert (other.title, other.authors, other.year, other.doi) == (
        printed.title,
        printed.authors,
        printed.year,
        printed.doi,
    )
    assert folded(other.abstract or "") == folded(printed.abstract or "")
    assert _sections(other) == _sections(printed)
    words = (printed.text[section.start : section.end] for section in printed.sections)
    long = [" ".join(body.split())[:200] for body in words if len(body) > 1000][:3]
    assert (
        matches([" ".join(other.text.split())[other_at : other_at + 200] for other_at in _places(other, long)], long)
        == 3
    )


def _places(document: Document, beginnings: list[str]) -> list[int]:
    """Where the text has the first words of each."""
    text = " ".join(document.text.split())
    return [text.find(beginning[:30]) for beginning in beginnings]
