"""What a user of the client can do something about."""


class ClientError(Exception):
    """The message is a sentence for people."""


class RefusedError(ClientError):
    """The service answered, and the answer is no; the message is the service's own `detail`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class UnreachableError(ClientError):
    """The service did not answer; trying again may help."""
