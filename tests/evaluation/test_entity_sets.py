"""How marked texts are read, and when a found relation is the marked one."""

import json
from pathlib import Path

import pytest

from app.domain.knowledge import RelationType
from tests.evaluation.entities import _as_marked, _wanted, score
from tests.evaluation.entity_sets import scierc, tdmsci
from tests.support.builders import a_relationship, an_entity

pytestmark = pytest.mark.extended

ABSTRACT = {
    "sentences": [["BLEU", "-LRB-", "B", "-RRB-", "."], ["It", "judges", "CRF", "tagging", "."]],
    "ner": [[[0, 0, "Metric"]], [[5, 5, "Generic"], [7, 8, "Method"]]],
    "relations": [[], [[0, 0, 7, 8, "EVALUATE-FOR"], [5, 5, 7, 8, "USED-FOR"]]],
}


def folder(tmp_path: Path) -> Path:
    for name in ("scierc", "tdmsci"):
        (tmp_path / "entities" / name).mkdir(parents=True)
    for part in ("train", "dev"):
        (tmp_path / "entities" / "scierc" / f"{part}.json").write_text(json.dumps(ABSTRACT), encoding="utf-8")
    lines = "On\t100\tO\nimage\t103\tB-TASK\nsearch\t109\tI-TASK\n.\t115\tO\n\nGo\t7\tO\n"
    (tmp_path / "entities" / "tdmsci" / "train.conll").write_text(lines, encoding="utf-8")
    return tmp_path


def test_abstracts_are_read_with_their_signs_and_places(tmp_path: Path) -> None:
    learnt, unseen = scierc(folder(tmp_path))
    assert (learnt.part, unseen.part) == ("development", "test")
    assert unseen.text == "BLEU ( B ) . It judges CRF tagging . "
    assert {unseen.text[start:end]: kind for start, end, kind in unseen.entities} == {
        "BLEU": "metric",
        "It": "generic",
        "CRF tagging": "method",
    }


def test_sentences_keep_the_spaces_they_were_cut_at(tmp_path: Path) -> None:
    first, second = tdmsci(folder(tmp_path))
    assert [first.text[start:end] for start, end, _ in first.entities] == ["image search"]
    assert (first.text, second.text, second.entities) == ("On image search.", "Go", frozenset())


def test_a_thing_counts_where_place_and_type_are_right(tmp_path: Path) -> None:
    texts = [text for text in scierc(folder(tmp_path)) if text.part == "test"]
    assert score(texts, lambda _: [(0, 4, "metric"), (23, 34, "metric")]) == 50
    assert score(texts, lambda _: [(0, 4, "metric"), (23, 34, "method"), (13, 15, "generic")]) == 100


def test_a_measure_is_read_from_the_yardstick_to_what_it_measures(tmp_path: Path) -> None:
    [_, text] = scierc(folder(tmp_path))
    bleu, crf = (next(one for one in text.entities if one[2] == kind) for kind in ("metric", "method"))
    found = a_relationship(an_entity("CRF tagging"), an_entity("BLEU"), RelationType.MEASURED_BY)
    assert _wanted(text, {bleu: "method:bleu", crf: "method:crf-tagging"}) == {_as_marked(found)}
