"""What one sentence says of two things."""

import pytest

from app.domain.knowledge import Document, Relationship, RelationType
from app.extraction.assemble import build_document
from app.extraction.entities import extract_entities
from app.extraction.relations import extract_relations
from tests.extraction.papers import HOSTILE, document, no_progress, seed

pytestmark = pytest.mark.extended


def relations(paper: Document) -> tuple[Relationship, ...]:
    return extract_relations(paper, extract_entities(paper, no_progress), no_progress)


def triples(text: str) -> set[tuple[str, str, str]]:
    return {(found.source, found.type.value, found.target) for found in relations(document(text))}


def assert_sound(paper: Document) -> None:
    entities = extract_entities(paper, no_progress)
    relationships = extract_relations(paper, entities, no_progress)
    for found in relationships:
        assert {found.source, found.target} <= {entity.key for entity in entities}
        assert found.source != found.target
        assert " ".join(paper.text[found.evidence.start : found.evidence.end].split()) == found.sentence != ""
    assert len({(found.source, found.type, found.target) for found in relationships}) == len(relationships)


def test_the_seed_paper_states_every_type_of_relationship() -> None:
    paper = build_document(seed())
    found = {(relation.source, relation.type.value, relation.target) for relation in relations(paper)}
    assert {kind for _, kind, _ in found} == {kind.value for kind in RelationType}
    assert {
        ("method:scibert", "hyponym_of", "method:language-model"),
        ("method:latticereader", "evaluated_on", "dataset:scierc"),
        ("task:entity-linking", "measured_by", "metric:mean-reciprocal-rank"),
        ("method:attention-mechanism", "part_of", "method:latticereader"),
        ("method:conditional-random-field", "used_for", "task:sequence-labeling"),
        ("method:conditional-random-field", "compared_with", "method:support-vector-machine"),
        ("metric:precision", "conjunction", "metric:recall"),
    } <= found
    assert_sound(paper)


@pytest.mark.parametrize(
    ("text", "triple"),
    [
        ("We use beam search for machine translation.", ("method:beam-search", "used_for", "task:machine-translation")),
        ("Parsing with the parser is done using beam search.", ("method:beam-search", "used_for", "method:parser")),
        ("Classifiers such as decision trees work.", ("method:decision-tree", "hyponym_of", "method:classifier")),
        ("A decision tree is a classifier.", ("method:decision-tree", "hyponym_of", "method:classifier")),
        ("Dropout is part of the autoencoder.", ("method:dropout", "part_of", "method:autoencoder")),
        ("The autoencoder consists of a parser.", ("method:parser", "part_of", "method:autoencoder")),
        ("BERT outperforms the decision tree.", ("method:bert", "compared_with", "method:decision-tree")),
        ("Parsing is evaluated on the Penn Treebank.", ("task:parsing", "evaluated_on", "dataset:penn-treebank")),
        ("BERT is measured in terms of BLEU.", ("method:bert", "measured_by", "metric:bleu")),
        ("The accuracy of BERT is high.", ("method:bert", "measured_by", "metric:accuracy")),
        ("We know the hidden state of the autoencoder.", ("other:hidden-state", "feature_of", "method:autoencoder")),
        ("An autoencoder with a hidden state is small.", ("other:hidden-state", "feature_of", "method:autoencoder")),
        ("A decision tree, a classifier, works.", ("method:decision-tree", "hyponym_of", "method:classifier")),
        ("We know a classifier called BERT.", ("method:bert", "hyponym_of", "method:classifier")),
        ("Parsing is cast as a language model.", ("method:language-model", "used_for", "task:parsing")),
        ("We know beam search in parsing.", ("method:beam-search", "used_for", "task:parsing")),
        ("The parser is trained on the Penn Treebank.", ("dataset:penn-treebank", "used_for", "method:parser")),
        ("BERT reaches a higher recall than BART.", ("method:bart", "compared_with", "method:bert")),
        ("BERT, BART are old.", ("method:bart", "conjunction", "method:bert")),
        ("We know MNIST and BERT.", ("dataset:mnist", "conjunction", "method:bert")),
    ],
)
def test_a_cue_between_two_entities_says_how_they_relate(text: str, triple: tuple[str, str, str]) -> None:
    assert triple in triples(text)


def test_a_list_shares_what_is_said_of_it() -> None:
    found = triples("Classifiers such as decision trees, random forests and logistic regression work.")
    assert {source for source, kind, _ in found if kind == "hyponym_of"} == {
        "method:decision-tree", "method:random-forest", "method:logistic-regression",
    }  # fmt: skip
    assert sum(kind == "conjunction" for _, kind, _ in found) == 2


def test_a_symmetric_relationship_is_one_in_either_order() -> None:
    found = relations(
        document("BERT outperforms BART. BART is compared with BERT. BART and BERT work. BERT and BART work.")
    )
    assert [(relation.source, relation.type.value, relation.target) for relation in found] == [
        ("method:bart", "compared_with", "method:bert"),
        ("method:bart", "conjunction", "method:bert"),
    ]


def test_the_evidence_is_the_first_sentence_that_says_so() -> None:
    paper = document("Nothing here. We use beam search\nfor parsing. Beam search is used for parsing.")
    (found,) = relations(paper)
    assert found.sentence == "We use beam search for parsing."
    assert paper.text[found.evidence.start : found.evidence.end] == "We use beam search\nfor parsing."


@pytest.mark.parametrize(
    "text",
    [
        "BERT is old. BART is new.",
        "We use BERT; for parsing we do nothing.",
        "We like BERT for reasons that nobody else has ever known or wanted to know, and parsing too.",
        "",
    ],
)
def test_nothing_is_said_across_sentences_and_clauses(text: str) -> None:
    assert triples(text) == set()


def test_entities_of_another_document_do_no_harm() -> None:
    entities = extract_entities(build_document(seed()), no_progress)
    assert extract_relations(document("Short."), entities, no_progress) == ()


def test_progress_ends_at_the_total() -> None:
    calls: list[tuple[int, int]] = []
    paper = document("BERT and BART work. " * 500)
    extract_relations(paper, extract_entities(paper, no_progress), lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(paper.text), len(paper.text))
    assert calls == sorted(calls)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_relationships_of_a_hostile_text_are_sound(name: str) -> None:
    assert_sound(document(HOSTILE[name]))
