"""The one form of a time: UTC, in milliseconds, wherever the machine stands."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.domain.model import format_timestamp, to_milliseconds

CAIRO = timezone(timedelta(hours=2))


@pytest.fixture(autouse=True)
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own zone is none of the zones of the test."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_moment_is_cut_to_milliseconds_and_moved_to_utc() -> None:
    moment = to_milliseconds(datetime(2026, 1, 31, 1, 2, 3, 123999, tzinfo=CAIRO))
    assert moment == datetime(2026, 1, 30, 23, 2, 3, 123000, tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


def test_its_text_has_a_fixed_width_and_sorts_as_time_does() -> None:
    moments = [datetime(2026, 1, 31, 12, 0, 0, micro, tzinfo=CAIRO) for micro in (0, 999, 1000, 20000, 999999)]
    texts = [format_timestamp(moment) for moment in moments]
    assert texts == [f"2026-01-31T10:00:00.{millis}Z" for millis in ("000", "000", "001", "020", "999")]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_milliseconds(datetime(2026, 1, 31, 12))  # noqa: DTZ001
