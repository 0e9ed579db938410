"""A folder with a network tells entities as a file of crfsuite does; one that cannot be used says why in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.knowledge import EntityType
from app.extraction.entities import extract_entities
from app.extraction.network import first_pieces
from app.extraction.sentences import sentences
from app.extraction.tagger import load
from app.extraction.taught import WeightsError
from tests.extraction.papers import document, no_progress
from tests.support.networks import LABELS, network
from tests.support.taught import SENTENCE

pytestmark = pytest.mark.extended

EACH_TYPE = {
    "glo": "B-task",
    "##rbs": "B-other",
    "convolution": "B-method",
    "##al": "O",
    "network": "I-method",
    "mnist": "B-dataset",
    "wide": "B-other",
    "frumps": "B-metric",
}
TAKE_IT = r"^a folder holds a network: pip install 'paper-processing\[neural\]'$"
# The library takes longer to import than all else here.
slow = pytest.mark.slow


def found(folder: Path, text: str = SENTENCE) -> dict[str, list[str]]:
    entities = extract_entities(document(text), no_progress, folder)
    return {entity.key: [mention.text for mention in entity.mentions] for entity in entities}


def test_pieces_that_are_none_of_a_text_open_no_word() -> None:
    words, pieces = [(0, 3), (3, 4), (5, 9)], [(0, 0), (0, 2), (2, 3), (3, 4), (5, 7), (7, 9), (0, 0)]
    assert list(first_pieces(words, pieces)) == [1, 3, 4]


def test_a_word_without_pieces_takes_none_of_the_next_word() -> None:
    assert list(first_pieces([(0, 3), (4, 7), (8, 9)], [(0, 0), (0, 3), (8, 9), (0, 0)])) == [1, None, 2]


def test_words_whose_pieces_were_cut_off_have_none() -> None:
    assert list(first_pieces([(0, 3), (4, 7), (8, 9)], [(0, 0), (0, 3), (0, 0)])) == [1, None, None]


@slow
def test_a_word_is_what_its_first_piece_is(tmp_path: Path) -> None:
    assert found(network(tmp_path / "all", EACH_TYPE)) == {
        "task:glorb": ["glorbs"],
        "method:convolutional-network": ["convolutional network"],
        "dataset:mnist": ["MNIST"],
        "other:wide": ["wide"],
        "metric:frump": ["frumps"],
    }


@slow
def test_nothing_goes_on_that_has_not_begun(tmp_path: Path) -> None:
    assert "task:wide" not in found(network(tmp_path / "all", {**EACH_TYPE, "wide": "I-task"}))


@slow
def test_a_network_of_some_types_adds_to_what_the_rules_find(tmp_path: Path) -> None:
    told = found(network(tmp_path / "some", {"glo": "B-task", "##rbs": "O"}, ["O", "B-task", "I-task"]))
    assert told.keys() == {"task:glorb", "method:convolutional-network", "dataset:mnist"}


@slow
def test_the_end_of_a_long_sentence_is_tagged_too(tmp_path: Path) -> None:
    text = f"We saw {'very, ' * 320}very odd glorbs ."
    assert len(list(sentences(text))) == 1
    assert found(network(tmp_path / "all", EACH_TYPE), text)["task:glorb"] == ["glorbs"]


@slow
def test_a_letter_that_is_parted_from_its_accent_moves_nothing(tmp_path: Path) -> None:
    text = f"Na\u00efve Zu\u0308rich cafe\u0301s. {SENTENCE}"
    assert found(network(tmp_path / "all", EACH_TYPE), text)["dataset:mnist"] == ["MNIST"]


@slow
def test_each_file_of_the_folder_is_part_of_its_fingerprint(tmp_path: Path) -> None:
    one = network(tmp_path / "one", EACH_TYPE)
    other = network(tmp_path / "other", {**EACH_TYPE, "wide": "B-task"})
    named = network(tmp_path / "named", EACH_TYPE)
    config = json.loads((named / "config.json").read_text())
    (named / "config.json").write_text(json.dumps({**config, "more": 1}))
    assert len({load(folder).fingerprint for folder in (one, other, named)}) == 3


@slow
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("model.onnx", "?", "^its model.onnx holds no network$"),
        ("tokenizer.json", "{}", "^its tokenizer.json holds no tokenizer$"),
        ("config.json", "?", "^its config.json does not name the labels"),
        ("config.json", '{"id2label": {"1": "B-task"}}', "^its config.json does not name the labels"),
        ("config.json", '{"id2label": {"0": "O", "1": "B-person"}}', "^it knows none of the tags B-dataset"),
        ("config.json", '{"id2label": {"0": "O", "1": "B-task"}}', "^its model.onnx .* each of its 2 labels$"),
    ],
    ids=["no network", "no tokenizer", "no JSON", "a gap in the labels", "other things", "too few labels"],
)
def test_a_folder_that_cannot_be_used_says_why(name: str, content: str, why: str, tmp_path: Path) -> None:
    folder = network(tmp_path / "broken", EACH_TYPE)
    (folder / name).write_text(content)
    with pytest.raises(WeightsError, match=why):
        load(folder)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    with pytest.raises(WeightsError, match=r"^it holds no tokenizer\.json and no config\.json$"):
        load(tmp_path)


@slow
def test_the_library_writes_nothing_down_for_its_makers(tmp_path: Path) -> None:
    folder, home = network(tmp_path / "all", EACH_TYPE), tmp_path / "home"
    home.mkdir()
    program = "import sys, pathlib, app.extraction.tagger as tagger; tagger.load(pathlib.Path(sys.argv[1]))"
    environment = {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program, folder], env=environment, timeout=60, check=True)
    assert list(home.rglob("*")) == []


@slow
def test_a_network_that_knows_every_type_says_so(tmp_path: Path) -> None:
    assert load(network(tmp_path / "all", EACH_TYPE, LABELS)).types == set(EntityType)


def test_without_the_extra_a_folder_is_told_to_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).touch()
    (tmp_path / "config.json").write_text('{"id2label": {"0": "B-task"}}')
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(WeightsError, match=TAKE_IT):
        load(tmp_path)


@slow
def test_with_half_of_the_extra_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = network(tmp_path / "all", EACH_TYPE)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(WeightsError, match=TAKE_IT):
        load(folder)
