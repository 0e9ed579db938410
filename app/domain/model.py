"""The base of every value in the domain, and the one form of a time."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, WithJsonSchema


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC, cut to milliseconds: what every store can hold exactly."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its time zone")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def format_timestamp(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`: a fixed width, so that text sorts as time does."""
    return to_milliseconds(moment).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


Timestamp = Annotated[
    datetime,
    AfterValidator(to_milliseconds),
    PlainSerializer(format_timestamp, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Value(BaseModel):
    """An immutable value; a field nobody declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
