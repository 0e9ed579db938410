"""The log of this process, as a program reads it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.logs import JsonLine

Line = dict[str, Any]


class LogLines(logging.Handler):
    """Every line that is written while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLine("test"))
        self.all: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(self.format(record)))

    def of(self, paper_id: str) -> list[Line]:
        """What is about one paper."""
        return [line for line in self.all if line.get("paper") == paper_id]


@contextmanager
def log_lines(level: int = logging.INFO) -> Iterator[LogLines]:
    handler = LogLines()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield handler
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
