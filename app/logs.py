"""How every process writes its log: one line an event, with the process and the part of it, to standard error."""

import logging

FORMAT = "%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s"
CHATTY = ("uvicorn.error", "uvicorn.access", "celery.worker.strategy", "celery.app.trace", "kombu", "httpx")
"""Loggers whose ordinary messages say what ours say already; they are heard from WARNING on, or with DEBUG."""


def configure_logging(level: str) -> None:
    """Sets up the root logger of this process."""
    logging.basicConfig(level=level, format=FORMAT)
    if level != "DEBUG":
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
