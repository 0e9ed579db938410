"""A port for a server of a test, which it keeps while it is dead and starts again."""

import socket
from random import SystemRandom

_PORTS = range(20_000, 32_000)
"""Below those that the kernel gives to clients: one of them could take the port of a server that is dead just now."""


def free_port() -> int:
    """One that nobody listens on."""
    while True:
        port = SystemRandom().choice(_PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
