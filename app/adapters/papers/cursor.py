"""The list's cursor: the place of a paper among all others, in a form that nobody is tempted to build by hand."""

import base64
from datetime import datetime
from typing import NamedTuple

from app.domain.errors import InvalidCursorError
from app.domain.model import format_timestamp
from app.domain.paper import Paper


class Place(NamedTuple):
    """Papers are listed by time of creation and, where that is the same, by id."""

    created_at: str
    paper_id: str

    @classmethod
    def of(cls, paper: Paper) -> "Place":
        return cls(format_timestamp(paper.created_at), paper.id)


def encode_cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(" ".join(place).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Place:
    """Raises `InvalidCursorError` for anything `encode_cursor` would not have made."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created_at, _, paper_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(" ")
        place = Place(format_timestamp(datetime.fromisoformat(created_at)), paper_id)
    except (ValueError, OverflowError) as error:
        raise InvalidCursorError from error
    if encode_cursor(place) != cursor:
        raise InvalidCursorError
    return place
