"""How every process writes its log: one line an event, to standard error, with what it is about at its end.

`with about(paper=…, run=…)`: all that is logged inside, whoever logs it, carries these. They follow into tasks and
threads that are started inside, and go out with an error that is raised inside: whoever logs that, says what it is about.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

Format = Literal["auto", "text", "json"]

CHATTY = ("uvicorn.error", "uvicorn.access", "celery.worker.strategy", "celery.app.trace", "kombu", "httpx")
"""Loggers whose ordinary messages say what ours say already; they are heard from WARNING on, or with DEBUG."""
NOISY = ("opentelemetry.exporter",)
"""Loggers that tell again with each try what `app.tracing` tells once; they are heard with DEBUG."""

_ABOUT: ContextVar[dict[str, object]] = ContextVar("about", default={})  # noqa: B039  # never changed, always replaced


_SUBJECT = "_paper_processing_about"
"""The attribute of an error that keeps it."""


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Adds fields to every line logged inside; what is noted inside ends with it too."""
    token = _ABOUT.set({**_ABOUT.get(), **fields})
    try:
        yield
    except Exception as error:
        vars(error).setdefault(_SUBJECT, _ABOUT.get())  # the innermost knows most
        raise
    finally:
        _ABOUT.reset(token)


def subject_of(error: BaseException | None) -> dict[str, object]:
    """What an error is about that came out of an `about`."""
    return vars(error).get(_SUBJECT, {}) if error is not None else {}


def note(**fields: object) -> None:
    """Adds fields to every line from now on, to the end of the `about` around it."""
    _ABOUT.set({**_ABOUT.get(), **fields})


def configure_logging(level: str, form: Format = "text", process: str = "") -> None:
    """Sets up the root logger of this process; `process` names its kind. `auto`: text on a terminal, otherwise JSON."""
    readable = sys.stderr.isatty() if form == "auto" else form == "text"
    handler = logging.StreamHandler()
    handler.setFormatter(TextLine(process) if readable else JsonLine(process))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(capture=True)
    if level != "DEBUG":
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)


class TextLine(logging.Formatter):
    """For people: time, level, process, part of it, message, and what it is about."""

    default_msec_format = "%s.%03d"

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {process}[%(process)d] %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        fields = "".join(f" {name}={_plain(str(value))}" for name, value in _fields_of(record).items())
        return super().formatMessage(record).replace("\n", "\n    ") + fields


def _fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What a line is about: what its error is, and where it is logged."""
    return {**subject_of(record.exc_info[1] if record.exc_info else None), **_ABOUT.get()}


def _plain(value: str) -> str:
    """In quotes where it could pass for something else: ids in paths are what clients make of them."""
    return value if value.isprintable() and " " not in value else json.dumps(value)


class JsonLine(logging.Formatter):
    """For programs: one JSON object a line, a traceback inside it."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
