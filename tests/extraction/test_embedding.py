"""A folder with an encoder tells what papers and queries mean; one that cannot be used says why in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.embedding import Embedding
from app.domain.knowledge import Document
from app.extraction.embedding import Encoder, embed_document, embed_query, load
from app.extraction.taught import WeightsError
from tests.support.networks import encoder

pytestmark = pytest.mark.extended

ANIMALS = {"cat": (3.0, 0.0), "dog": (0.0, 3.0), "car": (0.0, -1.0)}
# The library takes longer to import than all else here.
slow = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return encoder(tmp_path / "encoder", ANIMALS)


def directions(found: Embedding | None) -> list[float]:
    import numpy as np

    assert found is not None, "it points nowhere"
    return [round(float(number), 3) for number in np.frombuffer(found.vector, dtype="<f4")]


@slow
def test_a_text_points_where_its_pieces_do_on_the_whole(folder: Path) -> None:
    assert directions(Encoder(folder).embed("Cat")) == [1.0, 0.0]
    assert directions(Encoder(folder).embed("A cat, another cat and a dog!")) == [0.894, 0.447]


@slow
def test_an_encoder_that_gives_one_vector_for_the_text_is_believed(tmp_path: Path) -> None:
    whole = encoder(tmp_path / "whole", ANIMALS, "sentence_embedding")
    assert directions(Encoder(whole).embed("A cat, another cat and a dog!")) == [0.894, 0.447]


@slow
@pytest.mark.parametrize("output", ["token_embeddings", "anything"])
def test_the_vectors_of_the_pieces_may_have_another_name(output: str, tmp_path: Path) -> None:
    assert directions(Encoder(encoder(tmp_path / "named", ANIMALS, output)).embed("cat dog")) == [0.707, 0.707]


@slow
def test_a_vector_is_numbers_of_four_bytes_and_of_length_one(folder: Path) -> None:
    found = Encoder(folder).embed("cat dog")
    assert found is not None
    assert found.model == Encoder(folder).fingerprint
    assert len(found.vector) == 2 * 4


@slow
def test_a_paper_means_what_its_title_and_abstract_do(folder: Path) -> None:
    paper = Document(title="A cat", abstract="and a dog", text="A car, a car")
    assert directions(embed_document(paper, folder)) == [0.707, 0.707]
    assert directions(embed_document(Document(title="A cat", text="and a dog"), folder)) == [0.707, 0.707]
    assert directions(embed_document(Document(abstract="A dog", text="A cat"), folder)) == [0.0, 1.0]
    assert embed_document(Document(), folder) is None


@slow
def test_of_a_long_text_the_beginning_counts(tmp_path: Path) -> None:
    text = "cat " * 6 + "dog " * 500_000
    short = encoder(tmp_path / "short", ANIMALS, takes=8, cuts=8)
    assert directions(Encoder(short).embed(text)) == [1.0, 0.0], "its tokenizer cuts after eight"
    usual = directions(embed_document(Document(abstract=text), encoder(tmp_path / "usual", ANIMALS)))
    assert 0 < usual[0] < 0.1, "512 pieces where nothing is said"


@slow
def test_what_points_nowhere_has_no_direction(folder: Path) -> None:
    assert Encoder(folder).embed("") is None
    assert Encoder(folder).embed("Nothing known here \u0000") is None


@slow
def test_a_query_without_words_means_nothing(tmp_path: Path) -> None:
    any_text = encoder(tmp_path / "any", {"?": (1.0, 0.0), "cat": (0.0, 1.0)})
    assert embed_query("??", any_text) is None
    assert directions(embed_query("cat?", any_text)) == [0.707, 0.707]


@slow
def test_another_model_or_tokenizer_is_another_fingerprint(tmp_path: Path, folder: Path) -> None:
    other = encoder(tmp_path / "other", {**ANIMALS, "car": (0.0, 1.0)})
    cuts = encoder(tmp_path / "cuts", ANIMALS, cuts=100)
    assert len({load(each).fingerprint for each in (folder, other, cuts)}) == 3


@slow
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("model.onnx", "?", "^its model.onnx holds no network$"),
        ("tokenizer.json", "{}", "^its tokenizer.json holds no tokenizer$"),
    ],
    ids=["no network", "no tokenizer"],
)
def test_a_folder_that_cannot_be_used_says_why(name: str, content: str, why: str, folder: Path) -> None:
    (folder / name).write_text(content)
    with pytest.raises(WeightsError, match=why):
        load(folder)


@slow
def test_a_network_that_takes_less_than_is_said_of_it_is_found_out_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^its model\.onnx cannot be run on the pieces of a long text$"):
        load(encoder(tmp_path / "short", ANIMALS, takes=100))


@slow
def test_a_network_that_gives_no_vector_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^its model\.onnx gives no vector for a text$"):
        load(encoder(tmp_path / "none", {"[UNK]": (float("nan"), 1.0)}))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^it holds no model\.onnx and no tokenizer\.json$"):
        load(tmp_path)


def test_without_the_extra_a_folder_is_told_to_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(WeightsError, match=r"^a folder holds a network: pip install 'paper-processing\[neural\]'$"):
        load(tmp_path)


@slow
def test_who_has_no_encoder_imports_nothing_of_what_runs_one() -> None:
    program = (
        "import sys, app.main, app.worker.runtime, app.adapters.papers.sqlite, app.adapters.papers.mongo\n"
        "print(sorted({'numpy', 'onnxruntime', 'tokenizers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
