"""The model of header lines, from GROBID's annotated first pages."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pycrfsuite

from app.extraction.header_lines import MAX_LINES, Label, Learnt, Printed, as_labels, features
from tests.evaluation.model import f1
from tests.training.first_pages import FirstPage, first_pages
from tests.training.model import WEIGHTS, Card

_ITERATIONS = 150
_HEADINGS = ("1 Introduction", "1. INTRODUCTION", "Introduction", "1. Introduction", "INTRODUCTION", "Background", "I. INTRODUCTION", "1 INTRODUCTION")  # fmt: skip
_BODY = 30
"""Lines; where the annotations end."""
_WITHOUT = 4
"""Every fourth page is left as it is annotated: without a body."""


def with_bodies(pages: Sequence[FirstPage]) -> Iterator[FirstPage]:
    """The pages, but for some with a body below: a heading, and lines of another's abstract.

    The annotations end where the paper's text begins, and the model has to know where that is.
    """
    for at, page in enumerate(pages):
        others = (pages[(at + 7 * step) % len(pages)] for step in range(1, len(pages)))
        body = next(
            ([line.text for line in _lines_of(other)][1:_BODY] for other in others if len(_lines_of(other)) > 7), []
        )
        yield _with_body(page, at, body) if at % _WITHOUT else page


def _lines_of(page: FirstPage) -> list[Printed]:
    return [line for line, label in zip(page.lines, page.labels, strict=True) if label == "abstract"]


def _with_body(page: FirstPage, at: int, body: list[str]) -> FirstPage:
    """In the print of the abstract, the heading now and then larger or bold."""
    sizes = sorted(line.size for line in _lines_of(page) if line.size is not None)
    size = sizes[len(sizes) // 2] if sizes else page.lines[-1].size
    above = None if size is None else size + at // 3 % 2
    heading = Printed(_HEADINGS[at % len(_HEADINGS)], above, page.is_set and at % 3 != 0, first=page.is_set)
    lines = [Printed(text, size, first=page.is_set and number == 0) for number, text in enumerate(body)]
    labels: list[Learnt] = ["body"] * (1 + len(lines))
    labels[0] = "heading"
    return replace(page, lines=[*page.lines, heading, *lines], labels=[*page.labels, *labels])


def train(folder: Path) -> Card:
    """Trains on the development part. crfsuite's L-BFGS starts from zero: the same data give the same weights."""
    pages = list(first_pages(folder))
    learnt = [page for page in pages if page.part == "development"]
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({"c1": 0.3, "c2": 0.05, "max_iterations": _ITERATIONS, "feature.minfreq": 3})
    for page in with_bodies(learnt):
        for lines in (page.bare, page.lines) if page.is_set else (page.bare,):
            trainer.append(list(features(lines[:MAX_LINES])), page.labels[:MAX_LINES])
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    weights = WEIGHTS / "header.crfsuite"
    trainer.train(str(weights))
    unseen = [page for page in pages if page.part == "test"]
    return Card(
        name="header",
        what="Says of each line of a first page whether it is title, author, affiliation, abstract, body or other.",
        data=(
            f"The first pages that GROBID's header model is trained on: {len(learnt)} of {len(pages)}, chosen by the "
            f"hash of the file's name; the other {len(unseen)} give the figures below."
        ),
        licence="CC BY 4.0 (the annotations of GROBID, Patrice Lopez and contributors).",
        method=(
            f"A linear-chain conditional random field (crfsuite, L-BFGS, {_ITERATIONS} iterations, c1 0.3, c2 0.05) over "
            "words, shapes, signs and print (larger or smaller than the line above, the page's largest, bold, first of its "
            "block) of a line and its neighbours. Each page is learnt from twice: as it is set, and as bare text; three "
            "quarters of them with a heading and lines of another abstract below, as the body that the annotations lack. "
            "No body begins without such a heading."
        ),
        figures={
            "size": f"{weights.stat().st_size / 1e6:.1f} MB",
            **{
                f"lines of {label}, F1 on unseen pages, {how}": f"{score:.1f} %"
                for how, pages in (
                    ("as bare text", [replace(page, lines=page.bare) for page in unseen]),
                    ("as they are set", unseen),
                )
                for label, score in _scores(weights, pages)
            },
        },
        limits=(
            "It knows nothing of columns, and of type sizes only which is larger; pages in other languages than English are "
            "few in the data, as are books and theses. The figures are not of a fresh test: rules and model were chosen by "
            "cross-validation on the pages learnt from, but earlier versions were measured on these unseen pages, and on the "
            "22 test papers, seven times before this one, and someone saw the figures each time. So few papers tell little: "
            "one of them more or less is 7 percent of the ACL papers and 17 percent of the journals. Columns were tried on "
            "pages that we set ourselves from annotated names and titles, which are tidier than what publishers set; learnt from, "
            "300 such pages did not help on annotated ones (one fold of three), so that it learns from none. The first "
            "model knew of no body and found 99.0 % of lines of abstract: these pages end with the abstract, so that nothing "
            "else could be taken for one; but papers go on, and it had to learn where to stop. In 226 of the pages learnt from "
            "a word alone on its line, mostly the heading of the abstract, stands at the end of the line above, as the rows of "
            "tokens tell its end and not its start; a model learnt from pages cut there too, and told that a name on behalf "
            "of a group is a line of authors, did neither better nor worse on one fold of three. Whole pages read by three such models, each without the fold it is asked about: the title "
            "right in 95.6 % of 592 (by the rules before the last ones 94.9 %), all authors in 89.1 % of 589 (85.9 %). Two of "
            "the folds were read for what goes wrong; on the third, before it was read, the title was right in 96.4 % by "
            "either rules, and all authors in 88.3 % (87.3 %). Some lists that count as wrong are the annotations' faults: an "
            "editor, or somebody named twice. Asked "
            "once more, the test papers have one title and one list of authors less right than by the rules before; of "
            "these unseen pages the title of 92.1 % is right (89 %)."
        ),
    )


def _scores(weights: Path, pages: Sequence[FirstPage]) -> Iterator[tuple[Label, float]]:
    tagger = pycrfsuite.Tagger()
    tagger.open(str(weights))
    found = [
        (told, label)
        for page in pages
        for told, label in zip(
            as_labels(tagger.tag(list(features(page.lines[:MAX_LINES])))), page.labels[:MAX_LINES], strict=True
        )
    ]
    labels: tuple[Label, ...] = ("title", "author", "affiliation", "abstract")
    for label in labels:
        right = sum(told == wanted == label for told, wanted in found)
        yield label, f1(right, sum(told == label for told, _ in found), sum(wanted == label for _, wanted in found))
