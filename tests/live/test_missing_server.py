"""A real server that is named and away is noticed before a driver waits for it, in each test for a minute."""

import socket

import pytest

from tests.support.servers import takes_connections

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    "url", ["redis://:s%40crt@{}/0", "mongodb://127.0.0.1:9,{}/db", "mongodb://papers:s,crt@{}/db", "bolt://{}"]
)
def test_a_server_is_there_while_it_takes_connections(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        named = url.format(f"127.0.0.1:{server.getsockname()[1]}")
        assert takes_connections(named)
    assert not takes_connections(named)
