"""PDF: lines, columns, paragraphs, furniture; and PDFs that are not quite."""

import random

import pypdfium2.raw as pdfium
import pytest
from pypdfium2 import PdfBitmap, PdfDocument, PdfImage, PdfMatrix

from app.domain.errors import ReadError
from app.domain.knowledge import BlockKind, Reading
from app.extraction import readers
from app.extraction.content_type import PDF
from app.extraction.readers.layout import Fragment, Word, columns_of
from app.extraction.readers.made import year_made
from app.extraction.readers.pdf import _with_plausible_sizes
from tests.extraction.readers import files
from tests.extraction.readers.support import blocks, read, read_or_refused

pytestmark = pytest.mark.extended

LEFT = [
    "The left column is here and it",
    "goes on for some more lines, of",
    "which none crosses the gutter of",
    "the page, and ends in the mid-",
]
RIGHT = [
    "dle of a word. The right column",
    "is read after it, although each",
    "of its lines stands beside a",
    "line of the left one.",
]


def _two_columns() -> Reading:
    page: list[files.Line] = [(150, 740, 16, "A Title Across Both of the Columns")]
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        page += [(72, 690 - 12 * row, 10, left), (320, 690 - 12 * row, 10, right)]
    return read(files.pdf(page), PDF)


def test_two_columns_are_read_one_after_the_other() -> None:
    title, text = blocks(_two_columns())
    assert title == "A Title Across Both of the Columns"
    assert text.index("goes on") < text.index("The right column") < text.index("line of the left one.")


def _fragments(*places: tuple[float, float], lines: int = 6, top: float = 0.0) -> list[Fragment]:
    return [
        Fragment(f"{x0:.0f} line {line}", x0, top + 12 * line, x1, top + 12 * line + 9, 9.0, bold=False)
        for line in range(lines)
        for x0, x1 in places
    ]


def test_the_middle_of_three_columns_is_no_gutter() -> None:
    columns = columns_of(_fragments((50, 180), (200, 330), (350, 480)), 530)
    assert [{line.x0 for line in column} for column in columns] == [{50}, {200}, {350}]


@pytest.mark.parametrize("width", [0, 1])
def test_lines_of_no_width_to_speak_of_are_one_column(width: float) -> None:
    (column,) = columns_of(_fragments((50, 50 + width), lines=10), 530)
    assert len(column) == 10


def test_columns_may_begin_below_lines_of_full_width() -> None:
    text = _fragments((50, 480), lines=20)
    columns = columns_of(text + _fragments((50, 180), (200, 330), (350, 480), top=300), 530)
    assert [{line.x0 for line in column} for column in columns] == [{50}, {50}, {200}, {350}]


def test_a_word_cut_at_the_end_of_a_column_is_whole_again() -> None:
    assert "ends in the middle\nof a word." in blocks(_two_columns())[1]


def test_a_paragraph_goes_on_past_the_note_and_the_figure_between_its_columns() -> None:
    page: list[files.Line] = [(150, 740, 16, "A Title Across Both of the Columns")]
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        page += [(72, 690 - 12 * row, 10, left), (320, 640 - 12 * row, 10, right)]
    page += [(72, 560, 7, "1 A note at the foot of the left column."), (320, 690, 8, "Figure 1: A float on the right.")]
    texts = blocks(read(files.pdf(page), PDF))
    assert "ends in the middle\nof a word." in next(text for text in texts if "goes on" in text)
    assert {"1 A note at the foot of the left column.", "Figure 1: A float on the right."} < set(texts)


def test_a_titles_short_last_line_stays_with_it_above_columns_of_authors() -> None:
    page: list[files.Line] = [
        (110, 740, 16, "A Long Title Across Both of the Columns of It"),
        (250, 722, 16, "and Some More"),
    ]
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        page += [(72, 690 - 14 * row, 12, left[:20]), (340, 690 - 14 * row, 12, right[:20])]
        page += [(72, 600 - 12 * row, 10, left), (320, 600 - 12 * row, 10, right)]
    assert blocks(read(files.pdf(page), PDF))[0] == "A Long Title Across Both of the Columns of It\nand Some More"


def test_columns_of_authors_are_read_before_an_abstract_that_begins_on_the_line_of_its_heading() -> None:
    page: list[files.Line] = [(110, 740, 16, "A Long Title Across Both of the Columns of It")]
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
        page += [(72, 700 - 12 * row, 11, left[:20]), (340, 700 - 12 * row, 11, right[:20])]
        page += [(72, 600 - 12 * row, 10, left if row else f"Abstract: {left[:20]}"), (320, 600 - 12 * row, 10, right)]
    text = read(files.pdf(page), PDF).text
    assert text.index(RIGHT[3][:20]) < text.index("Abstract")


def test_a_raised_letter_at_a_name_is_a_word_of_its_own_on_the_first_page() -> None:
    marked: list[files.Line] = [(72, 700, 12, "Okafor"), (108, 704, 7, "a,b"), (119, 700, 12, ", Lindqvist")]
    assert read(files.pdf(marked), PDF).text.startswith("Okafor a,b")
    lowered: list[files.Line] = [(72, 680, 12, "Tesla"), (102, 676, 7, "c"), (110, 680, 12, "of it")]
    assert read(files.pdf(lowered), PDF).text.startswith("Teslac")


def test_a_page_whose_lines_run_upwards_is_read_as_if_it_were_turned() -> None:
    lines = ["A table that is wider than", "the page stands on its side."]
    page = [(100 + 12.0 * row, 72.0, 10.0, words) for row, words in enumerate(lines)]
    assert blocks(read(files.pdf(page, upwards=True), PDF)) == ["\n".join(lines)]


def test_a_size_that_cannot_be_that_of_its_letters_gives_way_to_their_height() -> None:
    drawn, plain = Word("drawn", 0, 0, 30, 10, 1.0, False), Word("plain", 40, 0, 70, 10, 9.0, False)
    askew = Word("DRAFT", 0, 0, 90, 90, 60.0, False)
    found = _with_plausible_sizes([(drawn, 0), (plain, 0), (askew, None)])
    assert [(word.text, word.size) for word, _ in found] == [("drawn", 10.0), ("plain", 9.0), ("DRAFT", 60.0)]


def test_a_page_that_cannot_be_loaded_is_empty_and_the_others_are_read() -> None:
    pages: list[list[files.Line]] = [[(72, 700, 10, "Of the first page.")], [(72, 700, 10, "Of the second.")]]
    data = files.pdf(*pages).replace(b"[5 0 R 7 0 R]", b"[5 0 R 9 0 R]")
    reading = read(data, PDF)
    assert (reading.pages, blocks(reading)) == (2, ["Of the first page."])


def test_blocks_know_their_size_and_page() -> None:
    reading = read(files.pdf([(72, 700, 18, "A Title")], [(72, 700, 10, "Text of the second page.")]), PDF)
    assert [(block.font_size, block.page) for block in reading.blocks] == [(18.0, 1), (10.0, 2)]
    assert reading.pages == 2


def test_bold_type_is_told_by_the_fonts_name() -> None:
    line = [(72.0, 700.0, 12.0, "Introduction")]
    assert [read(files.pdf(line, bold=bold), PDF).blocks[0].bold for bold in (True, False)] == [True, False]


def test_running_heads_and_page_numbers_are_furniture() -> None:
    words = ["one", "two", "three", "four"]
    pages = [
        [
            (72.0, 770.0, 9.0, f"Journal of Tides, page {n}"),
            (72.0, 600.0, 10.0, f"Text {word}."),
            (300.0, 30.0, 9.0, str(n)),
        ]
        for n, word in enumerate(words, start=1)
    ]
    reading = read(files.pdf(*pages), PDF)
    assert blocks(reading, BlockKind.PARAGRAPH) == [f"Text {word}." for word in words]
    assert len(blocks(reading, BlockKind.FURNITURE)) == 8


def test_paragraphs_begin_where_a_line_is_indented_after_a_full_stop() -> None:
    lines = [
        "A first paragraph fills this line to its very end",
        "and stops here.",
        "The second begins with an indent and fills its",
        "own lines likewise, as it should be.",
    ]
    page = [(84.0 if row == 2 else 72.0, 700.0 - 12 * row, 10.0, words) for row, words in enumerate(lines)]
    assert blocks(read(files.pdf(page), PDF)) == ["\n".join(lines[:2]), "\n".join(lines[2:])]


def test_progress_is_told_page_by_page() -> None:
    told: list[tuple[int, int]] = []
    data = files.pdf(*([(72, 700, 10, f"Page {n}")] for n in range(3)))
    readers.read(data, PDF, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(files.pdf(), "no_pages", id="no pages"),
        pytest.param(files.pdf([(72, 700, 12, "Secret")], encrypt=True), "encrypted", id="encrypted"),
        pytest.param(files.pdf([]), "no_text", id="a scan"),
        pytest.param(
            files.pdf([(72, 700, 10, "Nobody can read this line")], garbled=True), "no_text", id="a garbled text layer"
        ),
        pytest.param(b"%PDF-1.7\n", "unreadable", id="only a header"),
    ],
)
def test_a_pdf_that_cannot_be_read_says_why(data: bytes, code: str) -> None:
    with pytest.raises(ReadError) as refused:
        readers.read(data, PDF, lambda done, total: None)
    assert refused.value.code == code


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_pdf_is_refused_or_read(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(files.pdf(*([(72, 700, 10, f"Words on page {n}")] for n in range(3))))
    if seed % 2:
        data = data[: chance.randrange(20, len(data))]
    for _ in range(10):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    read_or_refused(bytes(data), PDF)


@pytest.mark.slow
def test_a_real_paper_keeps_its_words_apart_from_its_furniture() -> None:
    reading = read((files.PAPERS / "responsible_information.pdf").read_bytes(), PDF)
    assert reading.pages == 11
    assert any("Compromiso de los Ayuntamientos" in words for words in blocks(reading, BlockKind.PARAGRAPH))
    assert len(blocks(reading, BlockKind.FURNITURE)) >= 11


@pytest.mark.slow
def test_specter_is_read_in_order_with_its_words_whole() -> None:
    reading = read((files.PAPERS / "specter.pdf").read_bytes(), PDF)
    flat = " ".join(reading.text.split())
    order = [
        "Representation learning is a critical ingredient",
        "As the pace of scientific publication",
        "2 Model",
        "7 Related Work",
        "References",
    ]
    places = [flat.find(words) for words in order]
    assert -1 not in places
    assert places == sorted(places)
    sizes = {reading.text[b.start : b.end]: b.font_size for b in reading.blocks}
    assert sizes["1 Introduction"] == 12.0


@pytest.mark.parametrize(("width", "is_told"), [(300, True), (600, False)])
def test_a_file_tells_the_year_it_was_made_in_unless_an_image_covers_its_page(width: int, is_told: bool) -> None:
    document = PdfDocument.new()
    page, image = document.new_page(600, 800), PdfImage.new(document)
    image.set_bitmap(PdfBitmap.new_native(2, 2, pdfium.FPDFBitmap_BGR))
    image.set_matrix(PdfMatrix().scale(width, 800))
    page.insert_obj(image)
    page.gen_content()
    try:
        assert (year_made(document.raw) is not None) is is_told
    finally:
        document.close()
