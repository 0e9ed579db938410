"""A real server that is not there is skipped, with its reason, or missed where it has to be there."""

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.support.servers import STORE, live_url

pytestmark = pytest.mark.extended


def test_a_server_nobody_named_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE, raising=False)
    monkeypatch.delenv("PAPERS_REQUIRE_LIVE", raising=False)
    with pytest.raises(Skipped, match="PAPERS_LIVE_STORE_URL is not set"):
        live_url(STORE)


def test_a_server_nobody_named_is_a_failure_where_servers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE, raising=False)
    monkeypatch.setenv("PAPERS_REQUIRE_LIVE", "1")
    with pytest.raises(Failed, match="PAPERS_LIVE_STORE_URL is not set, and PAPERS_REQUIRE_LIVE=1 asks for it"):
        live_url(STORE)


@pytest.mark.parametrize(("required", "outcome"), [("0", Skipped), ("1", Failed)])
def test_a_server_that_is_named_and_away_is_told_as_such(
    required: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE, "mongodb://nowhere/papers")
    monkeypatch.setenv("PAPERS_REQUIRE_LIVE", required)
    with pytest.raises(outcome, match="nobody listens where PAPERS_LIVE_STORE_URL says"):
        live_url(STORE, lambda _: False)


def test_a_server_that_is_named_and_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE, "mongodb://somewhere/papers")
    assert live_url(STORE, lambda _: True) == "mongodb://somewhere/papers"
