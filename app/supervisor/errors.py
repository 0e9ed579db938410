"""Why `serve` cannot start, or cannot go on."""


class ServeError(Exception):
    """The message is a sentence that says what is wrong and what to do."""
