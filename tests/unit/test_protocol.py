"""What a client may say over a socket, and the sentence it gets for what it may not."""

import pytest

from app.domain.errors import BadMessageError, UnknownActionError
from app.realtime.protocol import Close, Ping, Subscribe, Unsubscribe, parse_action


def test_the_three_actions_are_understood() -> None:
    assert parse_action('{"action": "ping"}') == Ping(action="ping")
    assert parse_action('{"action": "subscribe", "paper_ids": ["a", "b"]}') == Subscribe(
        action="subscribe", paper_ids=("a", "b")
    )
    assert parse_action('{"action": "unsubscribe", "paper_ids": ["a"]}') == Unsubscribe(
        action="unsubscribe", paper_ids=("a",)
    )


@pytest.mark.parametrize("text", ["{}", '{"action": "dance"}', '{"action": null}', '{"paper_ids": ["a"]}'])
def test_an_action_that_nobody_knows_is_answered_with_those_there_are(text: str) -> None:
    with pytest.raises(UnknownActionError) as caught:
        parse_action(text)
    assert caught.value.detail == 'A message is an object with "action": "ping", "subscribe" or "unsubscribe".'


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("nonsense", "the message: Invalid JSON"),
        ("[]", "the message: "),
        ('{"action": "subscribe"}', "paper_ids: "),
        ('{"action": "subscribe", "paper_ids": []}', "paper_ids: "),
        ('{"action": "subscribe", "paper_ids": ["a", 1]}', "paper_ids.1: "),
        ('{"action": "ping", "loud": true}', "loud: "),
    ],
)
def test_a_bad_message_is_told_where_it_is_bad(text: str, where: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        parse_action(text)
    assert caught.value.detail.startswith(where)
    assert caught.value.detail.endswith(".")
    assert "http" not in caught.value.detail


def test_every_close_code_is_one_of_a_kind() -> None:
    assert len({close.code for close in Close}) == len({close.reason for close in Close}) == len(Close)
