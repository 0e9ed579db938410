"""Whether a reference and a paper are the same work."""

import pytest

from app.domain.citing import Work, bibliography, same_work
from app.domain.knowledge import Document, Reference

TITLE = "Named entities in the margins of science"


def work(title: str | None = TITLE, year: int | None = None, author: str | None = None, doi: str | None = None) -> Work:
    authors = (author,) if author else ()
    return bibliography(Document(title=title, year=year, authors=authors, doi=doi), ()).itself


@pytest.mark.parametrize(
    ("one", "other", "evidence"),
    [
        (work(doi="10.1/A"), work("Another title altogether here", doi="https://doi.org/10.1/a"), "doi"),
        (work(doi="10.1/a", year=2018), work(doi="10.1/b", year=2018), None),
        (work(year=2018), work(year=2018), "title"),
        (work(year=2018), work(year=2019), "title"),
        (work(year=2018), work(year=2020), None),
        (work(), work(), None),
        (work(author="P. Novak"), work(author="Novak, Petra"), "title"),
        (work(author="P. Novak", year=2018), work(author="R. Iyer", year=2018), None),
        (work("NAMED ENTITIES\u2014in the margins of sci\u00e9nce.", 2018), work(year=2018), "title"),
        (work("Deep learning", 2018), work("Deep learning", 2018), None),
        (work(None, 2018), work(None, 2018), None),
        (work(year=2018, doi="10.1/a"), work(year=2018), "title"),
    ],
    ids=[
        "one DOI", "two DOIs", "same year", "next year", "two years on", "title alone", "author", "other author",
        "spelling", "short title", "no title", "one DOI unknown",
    ],
)  # fmt: skip
def test_what_shows_that_two_are_the_same(one: Work, other: Work, evidence: str | None) -> None:
    assert same_work(one, other) == same_work(other, one) == evidence


@pytest.mark.parametrize(
    "name", ["Hayashi, T.", "T. Hayashi", "Hayashi T", "Tomoko Hayashi", "HAYASHI T", "T.-K. Hayashi"]
)
def test_a_surname_is_the_same_however_it_is_written(name: str) -> None:
    assert work(author=name).author == "hayashi"


def test_a_reference_that_no_paper_could_be_told_by_is_left_out() -> None:
    said = [("Deep learning", None), (TITLE, None), (None, "10.1/x")]
    references = [
        Reference(start=0, end=1, number=n, raw="…", title=title, doi=doi) for n, (title, doi) in enumerate(said, 1)
    ]
    assert [listed.number for listed in bibliography(Document(), references).listed] == [2, 3]
