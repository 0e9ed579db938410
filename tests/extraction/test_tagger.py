"""What a model adds to the rules, whose word counts, and which files are models."""

from pathlib import Path

import pytest

from app.domain.knowledge import EntityType
from app.extraction.entities import extract_entities
from app.extraction.phrases import names_of, phrases
from app.extraction.tagger import Weights, load, spans_of
from app.extraction.taught import WeightsError
from tests.extraction.papers import document, no_progress
from tests.support.taught import EACH_TYPE, SENTENCE, taught

pytestmark = pytest.mark.extended


def found(weights: Path | None, text: str = SENTENCE) -> dict[str, list[str]]:
    entities = extract_entities(document(text), no_progress, weights)
    return {entity.key: [mention.text for mention in entity.mentions] for entity in entities}


def test_a_model_of_every_type_speaks_alone(tmp_path: Path) -> None:
    told = found(taught(tmp_path / "all", EACH_TYPE))
    assert told == {
        "task:glorb": ["glorbs"],
        "method:convolutional-network": ["convolutional network"],
        "dataset:mnist": ["MNIST"],
        "other:wide": ["wide"],
        "metric:frump": ["frumps"],
    }


def test_a_model_of_some_types_adds_to_what_the_rules_find(tmp_path: Path) -> None:
    rules = {found.term.name for found in phrases(SENTENCE, 0, len(SENTENCE), names_of(SENTENCE)) if found.sure}
    told = found(taught(tmp_path / "some", "O B-task " + "O " * 10))
    assert rules == {"convolutional network", "MNIST"}
    assert told.keys() == {"task:glorb", "method:convolutional-network", "dataset:mnist"}


def test_what_the_rules_are_sure_of_is_believed_over_a_model_of_some_types(tmp_path: Path) -> None:
    told = found(taught(tmp_path / "wrong", "O O O O O O O B-task O O O O"))
    assert "dataset:mnist" in told
    assert "task:mnist" not in told


def test_a_name_the_model_finds_has_the_key_of_what_it_stands_for(tmp_path: Path) -> None:
    sentence = SENTENCE.replace("glorbs", "GLO")
    told = found(taught(tmp_path / "all", EACH_TYPE, sentence), f"We know grand looping orbs (GLO). {sentence}")
    assert "GLO" in told["task:grand-looping-orb"]


@pytest.mark.parametrize("data", [b"", b"no model at all"])
def test_a_file_that_holds_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(WeightsError, match="no model of crfsuite"):
        Weights(data)


def test_a_model_of_other_things_is_refused(tmp_path: Path) -> None:
    path = taught(tmp_path / "people", "B-person " + "O " * 11)
    with pytest.raises(WeightsError, match="B-dataset"):
        Weights(path.read_bytes())


def test_the_model_that_ships_knows_tasks_datasets_and_metrics() -> None:
    assert load(None).types == {EntityType.TASK, EntityType.DATASET, EntityType.METRIC}


def test_tags_that_go_on_are_one_thing_and_a_new_beginning_another() -> None:
    words = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    tags = ["B-task", "I-task", "B-task", "O", "I-method"]
    assert list(spans_of(words, tags)) == [(0, 3, "task"), (4, 5, "task"), (8, 9, "method")]
