"""Text, Markdown and LaTeX."""

import pytest

from app.domain.errors import ReadError
from app.domain.knowledge import BlockKind
from app.extraction import readers
from app.extraction.content_type import LATEX, MARKDOWN, TEXT
from app.extraction.readers.draft import MAX_CHARACTERS, MAX_PAGES, Draft
from tests.extraction.readers import files
from tests.extraction.readers.support import blocks, headings, read, read_or_refused

pytestmark = pytest.mark.extended


class TestText:
    def test_paragraphs_stand_between_blank_lines_and_pages_between_form_feeds(self) -> None:
        told: list[tuple[int, int]] = []
        data = b"One\nline.\r\n \r\nTwo.\fThree.\f"
        reading = readers.read(data, TEXT, lambda done, total: told.append((done, total)))
        assert blocks(reading) == ["One\nline.", "Two.", "Three."]
        assert [block.page for block in reading.blocks] == [1, 1, 2]
        assert told == [(1, 2), (2, 2)]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
    def test_encodings_are_told_apart(self, encoding: str) -> None:
        words = "Une étude détaillée des phénomènes météorologiques à l'île d'Oléron."
        assert blocks(read(words.encode(encoding), TEXT)) == [words]

    def test_cyrillic_without_a_declaration_is_read(self) -> None:
        words = "Приливы и отливы зависят от положения Луны и Солнца относительно Земли."
        assert blocks(read(words.encode("cp1251"), TEXT)) == [words]

    def test_cut_words_are_put_together_and_compounds_keep_their_hyphen(self) -> None:
        data = b"A predic-\ntion is state-of-the-\nart when its self-\nattention is. We like self-attention."
        assert blocks(read(data, TEXT)) == [
            "A prediction\nis state-of-the-art\nwhen its self-attention\nis. We like self-attention."
        ]

    @pytest.mark.slow
    @pytest.mark.parametrize("unit", ["a", "é", "a-", "a-\n", "-\n", " ", "\n "])
    def test_one_thing_a_hundred_thousand_times_takes_no_time(self, unit: str) -> None:
        read_or_refused(b"x" + unit.encode() * (100_000 // len(unit)), TEXT)


class TestMarkdown:
    def test_front_matter_is_metadata(self) -> None:
        data = b'---\ntitle: "On Tides"\nauthor:\n  - Ana M\n  - name: Jo N\ndate: 2021-03-01\ndoi: 10.1000/t\n---\n\nWords.\n'
        metadata = read(data, MARKDOWN).metadata
        assert (metadata.title, metadata.year, metadata.doi) == ("On Tides", 2021, "10.1000/t")
        assert metadata.authors == ("Jo N",)
        assert read(b"---\ntitle: T\nauthor: [A B, C D]\n---\nx", MARKDOWN).metadata.authors == ("A B", "C D")
        assert read(b"---\ntitle: T\nauthors:\n- A B\n- C D\n---\nx", MARKDOWN).metadata.authors == ("A B", "C D")

    def test_marks_give_way_to_structure(self) -> None:
        data = b"""# On Tides

## Abstract

We *read* [gauges](https://x.org) `all` day.

## Method {#sec:method}

- An item
- Another

| a | b |
|---|---|
| 1 | 2 |

Figure 1: A gauge.

<!-- hidden -->

## References

1. Doodson 1921.
2. Darwin 1898.
"""
        reading = read(data, MARKDOWN)
        assert headings(reading) == [(2, "Abstract"), (2, "Method"), (2, "References")]
        assert reading.metadata.title == "On Tides"
        assert blocks(reading, BlockKind.ABSTRACT) == ["We read gauges all day."]
        assert blocks(reading, BlockKind.PARAGRAPH) == ["An item", "Another"]
        assert blocks(reading, BlockKind.CAPTION) == ["a | b", "1 | 2", "Figure 1: A gauge."]
        assert blocks(reading, BlockKind.REFERENCE) == ["Doodson 1921.", "Darwin 1898."]

    @pytest.mark.slow
    def test_brackets_without_end_are_too_complex(self) -> None:
        refused = read_or_refused(b"![" * 100_000, MARKDOWN)
        assert isinstance(refused, ReadError)
        assert refused.code == "file_too_complex"

    @pytest.mark.slow
    @pytest.mark.parametrize("mark", [b"> ", b"[", b"*a **b ", b"`", b"<!--", b"- "])
    def test_marks_repeated_without_end_do_not_hang_it(self, mark: bytes) -> None:
        assert read(b"x\n\n" + mark * 500 + b"y", MARKDOWN).blocks


class TestLatex:
    def test_a_papers_source_is_read_without_running_tex(self) -> None:
        reading = read((files.PAPERS / "own_example.tex").read_bytes(), LATEX)
        metadata = reading.metadata
        assert (metadata.title, metadata.year) == ("Reading Tide Gauges with TideNet", 2024)
        assert metadata.authors == ("Ana Müller", "José Nuñez")
        assert metadata.abstract == (
            "We present TideNet, a recurrent network that predicts the height of tides."
            " It lowers the error on the Harbour-12 dataset by 8%."
        )
        assert headings(reading) == [(1, "Introduction"), (2, "Related Work"), (1, "Conclusion"), (1, "References")]
        assert blocks(reading, BlockKind.CAPTION) == ["A tide gauge and its prediction."]
        assert blocks(reading, BlockKind.PARAGRAPH)[0] == (
            "Tides are regular [1], yet their height depends on weather. Harmonic analysis [1] ignores it — ours does not."
        )

    def test_each_bibitem_is_a_reference(self) -> None:
        references = blocks(read((files.PAPERS / "own_example.tex").read_bytes(), LATEX), BlockKind.REFERENCE)
        assert references[0].startswith("A. T. Doodson. The harmonic development")
        assert references[0].endswith("100:305–329, 1921.")
        assert references[1] == "S. Hochreiter and J. Schmidhuber. Long short-term memory. 1997."

    def test_a_bibliography_of_its_own_is_read(self) -> None:
        data = b"\\begin{thebibliography}{1}\\bibitem{a} One.\n\n\\bibitem[B(1)]{b} Two.\\end{thebibliography}"
        assert blocks(read(data, LATEX), BlockKind.REFERENCE) == ["One.", "Two."]

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "hostile",
        [
            pytest.param("{" * 100_000 + "}" * 100_000, id="braces"),
            pytest.param("{" * 100_000, id="open braces"),
            pytest.param("\\section{" * 5_000, id="open sections"),
            pytest.param("\\cite{" * 5_000 + "}" * 5_000, id="nested citations"),
            pytest.param("\\'{" * 5_000 + "}" * 5_000, id="nested accents"),
            pytest.param("\\begin{verbatim}" * 5_000, id="open environments"),
            pytest.param("\\begin{a}" * 3_000 + "\\end{b}" * 3_000, id="crossed environments"),
            pytest.param("\\item[" * 3_000, id="open options"),
            pytest.param("\\\\%" * 50_000, id="comments"),
            pytest.param("\n \n" * 50_000, id="blank lines"),
            pytest.param("\\", id="a lone backslash"),
            pytest.param(
                "".join(f"\\def\\{a}{{\\{b}\\{b}}}" for a, b in zip("bcdefghijk", "abcdefghij", strict=True)) * 9,
                id="macros that double",
            ),
        ],
    )
    def test_hostile_source_neither_hangs_nor_crashes_it(self, hostile: str) -> None:
        read_or_refused(f"before it \n\n{hostile}\n\nafter it".encode(), LATEX)

    def test_an_environment_that_is_left_open_ends_with_the_one_around_it(self) -> None:
        reading = read(b"\\begin{figure}\\begin{center}A gauge.\\end{figure} After the figure.", LATEX)
        assert blocks(reading, BlockKind.CAPTION) == ["A gauge."]
        assert blocks(reading, BlockKind.PARAGRAPH) == ["After the figure."]

    def test_entries_without_their_environment_are_references(self) -> None:
        assert blocks(read(b"\\bibitem{a} One.\n\n\\bibitem{b} Two.", LATEX), BlockKind.REFERENCE) == ["One.", "Two."]

    def test_only_a_macro_of_few_words_is_put_in_and_what_defines_none_is_passed_over(self) -> None:
        long = "word " * 50
        source = f"\\newcommand 7 \\newcommand{{\\long}}{{{long}}}\\newcommand{{\\short}}{{TideNet}}We ask \\short{{}} \\long{{}} now."
        assert "We ask TideNet now." in blocks(read(source.encode(), LATEX))[0]

    def test_an_empty_abstract_is_none(self) -> None:
        reading = read(b"\\abstract{} Words.", LATEX)
        assert (reading.metadata.abstract, blocks(reading)) == (None, ["Words."])


class TestTooMuch:
    """More than any paper has, told before much work is spent on it."""

    def test_parts_that_are_too_long_only_together(self) -> None:
        draft = Draft()
        draft.add("x" * (MAX_CHARACTERS - 5))
        with pytest.raises(ReadError) as refused:
            draft.add("words")
        assert refused.value.code == "text_too_long"

    def test_pages_beyond_any_paper_s(self) -> None:
        with pytest.raises(ReadError, match=r"has 5,001 pages, more than 5,000") as refused:
            Draft().set_pages(MAX_PAGES + 1)
        assert refused.value.code == "file_too_complex"
