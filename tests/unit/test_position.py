"""Resume positions: opaque to clients, exact to the service."""

import base64

import pytest

from app.domain.errors import InvalidPositionError
from app.domain.position import Position, decode_position, entry_order

LARGEST = f"{2**64 - 1}-{2**64 - 1}"


def encoded(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@pytest.mark.parametrize("entry", ["0-0", "0-1", "1769860800000-0", "1769860800000-17", LARGEST])
@pytest.mark.parametrize("seq", [0, 1, 17, 10**18 - 1])
def test_a_position_comes_back_as_it_was(entry: str, seq: int) -> None:
    position = Position(entry=entry, seq=seq)
    assert decode_position(position.encode()) == position


def test_a_position_without_a_seq_is_the_same_text_wherever_it_is_given_out() -> None:
    assert Position(entry="1-1").encode() == encoded("1-1")
    assert Position(entry="1-1", seq=2).encode() == encoded("1-1.2")


def test_a_position_needs_no_escaping_in_a_url() -> None:
    texts = {Position(entry=f"{10**12 + number}-{number}", seq=number).encode() for number in range(100)}
    assert len(texts) == 100
    assert all(text.replace("-", "").replace("_", "").isalnum() for text in texts)


@pytest.mark.parametrize("entry", ["1-1", "1-10", "1-100"])
def test_a_position_may_keep_its_padding(entry: str) -> None:
    assert decode_position(base64.urlsafe_b64encode(entry.encode()).decode()) == Position(entry=entry)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1769860800000-0", id="an entry that is not encoded"),
        pytest.param("$", id="the log's own word for its end"),
        pytest.param("not base64 at all!", id="no base64"),
        pytest.param("a", id="base64 of no length"),
        pytest.param("!" + encoded("1-1"), id="a character before it that base64 does not know"),
        pytest.param("é" * 4, id="beyond ASCII"),
        pytest.param(encoded("é"), id="beyond ASCII inside"),
        pytest.param("\x00", id="a zero byte"),
        pytest.param(encoded("1-1\n"), id="a newline after it"),
        pytest.param(encoded("1"), id="half an entry"),
        pytest.param(encoded("1-"), id="no number"),
        pytest.param(encoded("-1-1"), id="negative"),
        pytest.param(encoded("1-1."), id="a dot and no seq"),
        pytest.param(encoded("1-1.-1"), id="a negative seq"),
        pytest.param(encoded("1-1.1.1"), id="two seqs"),
        pytest.param(encoded(f"{'9' * 21}-0"), id="more digits than the log has"),
        pytest.param(encoded(f"{2**64}-0"), id="a time greater than the log has"),
        pytest.param(encoded(f"0-{2**64}"), id="a number greater than the log has"),
        pytest.param(encoded(f"1-1.{'9' * 19}"), id="more digits than a seq has"),
        pytest.param(encoded("+"), id="the log's own word for its greatest entry"),
        pytest.param("A" * 10_000, id="very long"),
    ],
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(InvalidPositionError):
        decode_position(text)


@pytest.mark.parametrize("plain", ["٣-٠", "１-１"])
def test_digits_of_other_scripts_are_refused(plain: str) -> None:
    with pytest.raises(InvalidPositionError):
        decode_position(encoded(plain))


def test_entries_sort_as_numbers_do() -> None:
    out_of_order = [LARGEST, "10-0", "9-10", "0-1", "1769860800000-0", "9-2", "0-0"]
    in_order = ["0-0", "0-1", "9-2", "9-10", "10-0", "1769860800000-0", LARGEST]
    assert sorted(out_of_order, key=entry_order) == in_order
