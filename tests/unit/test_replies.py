"""What a client is told in answer: each reply says in words what its data says."""

from app.domain.errors import PaperBusyError
from app.domain.position import Position
from app.realtime import replies
from tests.support.builders import NOW, a_paper

HERE = Position(entry="7-1", seq=3)


def test_the_connection_says_what_it_is_to() -> None:
    everything = replies.connection(NOW, "here", None, None)
    assert everything.message == "Connected to Paper Processing WebSocket"
    assert (everything.data.paper_id, everything.data.snapshot) == (None, None)
    paper = a_paper(id="p1")
    one = replies.connection(NOW, "here", "p1", paper)
    assert one.message == "Connected to updates for paper p1"
    assert (one.data.paper_id, one.data.snapshot, one.data.position) == ("p1", paper, "here")


def test_a_resync_says_where_to_go_on_from() -> None:
    paper = a_paper(id="p1")
    event = replies.resync(NOW, HERE, "p1", paper, "log_lost")
    assert event.message == "What you asked for is no longer in the log; go on from here"
    told = event.data
    assert (told.paper_id, told.reason, told.position, told.snapshot) == ("p1", "log_lost", HERE.encode(), paper)


def test_a_pong_says_how_far_the_client_is() -> None:
    event = replies.pong(NOW, HERE)
    assert (event.message, event.data.position, event.timestamp) == ("pong", HERE.encode(), NOW)


def test_a_subscription_says_what_is_followed_now() -> None:
    paper = a_paper(id="b")
    event = replies.subscribed(NOW, HERE, {"b", "a"}, [paper])
    assert event.message == "Subscribed to 2 papers"
    assert (event.data.paper_ids, event.data.snapshots, event.data.position) == (("a", "b"), (paper,), HERE.encode())
    assert replies.subscribed(NOW, HERE, {"a"}, []).message == "Subscribed to 1 paper"


def test_the_end_of_a_subscription_says_what_is_left() -> None:
    event = replies.unsubscribed(NOW, HERE, {"b", "a"})
    assert event.message == "Still subscribed to 2 papers"
    assert (event.data.paper_ids, event.data.position) == (("a", "b"), HERE.encode())
    assert replies.unsubscribed(NOW, HERE, ()).message == "Still subscribed to 0 papers"


def test_a_refusal_says_why_to_people_and_to_programs() -> None:
    cause = PaperBusyError("queued")
    event = replies.error(NOW, cause)
    assert (event.message, event.data.detail, event.data.code) == (cause.detail, cause.detail, "paper_busy")
