"""What a paper speaks of, where, and under which key."""

import pytest

from app.domain.knowledge import Document, Entity, EntityType
from app.extraction import entities as entities_module
from app.extraction.abbreviations import find_abbreviations
from app.extraction.assemble import build_document
from app.extraction.entities import extract_entities
from app.extraction.lexicon import load, singular, slug
from app.extraction.sentences import MAX_SENTENCE, sentences
from tests.extraction.papers import HOSTILE, document, no_progress, seed

pytestmark = pytest.mark.extended


def entities(text: str) -> dict[str, Entity]:
    return {entity.key: entity for entity in extract_entities(document(text), no_progress)}


def assert_exact(paper: Document) -> None:
    spans = []
    for entity in extract_entities(paper, no_progress):
        assert entity.mentions
        assert entity.key == f"{entity.type.value}:{entity.key.partition(':')[2]}" != f"{entity.type.value}:"
        for mention in entity.mentions:
            assert paper.text[mention.start : mention.end] == mention.text != ""
            spans.append((mention.start, mention.end))
    spans.sort()
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))


def test_the_seed_paper_has_entities_of_every_type() -> None:
    paper = build_document(seed())
    found = {entity.key: entity for entity in extract_entities(paper, no_progress)}
    assert {entity.type for entity in found.values()} == set(EntityType)
    assert {
        "task:named-entity-recognition", "task:information-extraction", "method:latticereader", "method:conditional-random-field",
        "metric:f1", "metric:mean-reciprocal-rank", "dataset:scierc", "dataset:harbour-paper", "other:word-lattice",
    } <= set(found)  # fmt: skip
    assert len(found["method:conditional-random-field"].mentions) == 4
    assert_exact(paper)


def test_nothing_is_taken_from_the_list_of_references() -> None:
    paper = build_document(seed())
    start = next(section.start for section in paper.sections if section.title == "References")
    found = extract_entities(paper, no_progress)
    assert all(mention.end <= start for entity in found for mention in entity.mentions)


@pytest.mark.parametrize(
    "text",
    [
        "We train a conditional random field here.",
        "Conditional Random Fields are old.",
        "The CRF is trained.",
        "Two CRFs are trained.",
        "We use a conditional random field (CRF) for it.",
        "The CRF model is small.",
        "A conditional\nrandom field across lines.",
    ],
)
def test_one_thing_has_one_key_however_it_is_written(text: str) -> None:
    assert list(entities(text)) == ["method:conditional-random-field"]


def test_the_papers_own_abbreviations_come_before_the_known_ones() -> None:
    found = entities("A calibrated reading framework (CRF) is new. The CRF is ours.")
    assert list(found) == ["method:calibrated-reading-framework"]
    assert [mention.text for mention in found["method:calibrated-reading-framework"].mentions][-1] == "CRF"


def test_a_name_is_typed_by_the_noun_beside_it_and_keeps_its_type_elsewhere() -> None:
    found = entities(
        "We build the GraphReader model. GraphReader is small. We use the DocBank-X dataset; DocBank-X is large."
    )
    assert len(found["method:graphreader"].mentions) == 2
    assert len(found["dataset:docbank-x"].mentions) == 2


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("We study protein name normalization tasks.", "task:protein-name-normalization-task"),
        ("This novel lattice-based neural network is slow.", "method:lattice-based-neural-network"),
        ("The Icelandic legal corpus is small.", "dataset:icelandic-legal-corpus"),
        ("We count the slot error rate.", "metric:slot-error-rate"),
        ("They hold lexical features.", "other:lexical-feature"),
        ("We call it DeepHarbour, and it works.", "method:deepharbour"),
    ],
)
def test_a_phrase_is_typed_by_its_last_noun_or_by_what_is_said_of_it(text: str, key: str) -> None:
    assert key in entities(text)


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("We use a tree tensor network (TTN) here.", "tree tensor network (TTN)"),
        ("Each tree tensor network (TTN) parser is small.", "tree tensor network (TTN) parser"),
        ("It holds (tree tensor networks) too.", "tree tensor networks"),
        ("It learns from an annotated legal corpus.", "annotated legal corpus"),
        ("We annotated legal corpora for it.", "legal corpora"),
        ("It needs the obtained legal corpus.", "legal corpus"),
        ("It needs syntactic and semantic features.", "syntactic and semantic features"),
        ("It needs parsing and semantic features.", "semantic features"),
        ("The parsing algorithm is old.", "parsing algorithm"),
        ("It helps lattice stitching.", "lattice stitching"),
    ],
)
def test_a_phrase_holds_all_that_belongs_to_its_noun(text: str, mention: str) -> None:
    found = [
        mention.text
        for entity in extract_entities(document(f"{text} {text}"), no_progress)
        for mention in entity.mentions
    ]
    assert mention in found


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The parsing algorithm is old.", "method:parsing-algorithm"),
        ("It helps lattice stitching. All lattice stitching is hard.", "task:lattice-stitching"),
        ("We ported SilvaParse. Now SilvaParse is fast.", "method:silvaparse"),
        ("A tree tensor network (TTN) parser is small.", "method:tree-tensor-network-parser"),
    ],
)
def test_what_a_noun_or_a_name_is_called_after_gives_its_type(text: str, key: str) -> None:
    assert key in entities(text)


def test_general_words_and_plain_verbs_are_no_entities() -> None:
    assert (
        entities(
            "In this paper we propose a new method. The results of the experiments are good, and the system works well."
        )
        == {}
    )


def test_abbreviations_are_found_from_right_to_left_as_schwartz_and_hearst_do() -> None:
    text = "We use conditional random fields (CRFs), part-of-speech tagging (POST), see (Smith 2003), in Paris (EU)."
    found = {short: text[start:end] for short, (start, end) in find_abbreviations(text).items()}
    assert found == {"CRFs": "conditional random fields", "POST": "part-of-speech tagging"}


def test_an_abbreviation_may_come_before_what_it_stands_for() -> None:
    text = "The TTN (tree tensor network) is new, BLEU (see Papineni) is not, and neither is ABC (or the like, a bad crop)."
    assert find_abbreviations(text) == {"TTN": (9, 28)}


def test_one_method_written_three_ways_in_three_papers_is_one_thing() -> None:
    papers = (
        "We propose Tree Tensor Networks (TTNs). TTNs are fast.",
        "A tree-tensor network is slow.",
        "The TTN (tree tensor network) is used. We train a TTN.",
    )
    found = [entities(text) for text in papers]
    assert [list(paper) for paper in found] == [["method:tree-tensor-network"]] * 3
    written = [{mention.text for mention in only["method:tree-tensor-network"].mentions} for only in found]
    assert written == [{"Tree Tensor Networks (TTNs)", "TTNs"}, {"tree-tensor network"}, {"TTN", "tree tensor network"}]


def test_progress_is_told_in_characters_and_ends_at_the_total() -> None:
    calls: list[tuple[int, int]] = []
    paper = document("A reader reads. " * 1000)
    extract_entities(paper, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(paper.text), len(paper.text))
    assert len(calls) > 4
    assert calls == sorted(calls)


def test_mentions_and_entities_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entities_module, "MAX_MENTIONS", 3)
    monkeypatch.setattr(entities_module, "MAX_ENTITIES", 1)
    found = entities("Question answering helps. " + "The parser is no parser. " * 5)
    assert list(found) == ["method:parser"]
    assert len(found["method:parser"].mentions) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_spans_are_exact_in_a_hostile_text(name: str) -> None:
    assert_exact(document(HOSTILE[name]))


def test_a_slug_is_singular_lower_case_and_keeps_other_scripts() -> None:
    assert [slug(name) for name in ("Conditional Random Fields", "F1-score", "Naïve Bayes", "机器 翻译", "!!")] == [
        "conditional-random-field", "f1-score", "naïve-baye", "机器-翻译", "",
    ]  # fmt: skip
    assert [singular(word) for word in ("studies", "classes", "corpora", "analysis", "bus", "parsers")] == [
        "study", "class", "corpus", "analysis", "bus", "parser",
    ]  # fmt: skip


def test_every_shipped_term_is_recognised_with_its_own_type() -> None:
    lexicon = load()
    assert len(lexicon.terms) + len(lexicon.cased) > 600
    assert all(slug(term.name) for term in [*lexicon.terms.values(), *lexicon.cased.values()])
    assert not lexicon.stops & set(lexicon.heads)


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = "We follow Smith et al. (2003), e.g. in Fig. 3. It works!  Does it?\n\nA heading\n\nThe F1 is 3.5. J. Doe agrees."
    assert [text[start:end] for start, end in sentences(text)] == [
        "We follow Smith et al. (2003), e.g. in Fig. 3.", "It works!", "Does it?", "A heading", "The F1 is 3.5.", "J. Doe agrees.",
    ]  # fmt: skip


def test_a_sentence_without_end_is_cut() -> None:
    spans = list(sentences("word " * 1000 + "x" * 5000))
    assert max(end - start for start, end in spans) <= MAX_SENTENCE
    assert sum(end - start for start, end in spans) >= 9_900
