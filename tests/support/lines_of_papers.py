"""The gate that each line of a paper's way passes: whoever writes one, in whichever test, it says which paper it is about."""

import json
import logging

from app.logs import JsonLine

WAY = (
    "app.services.papers",
    "app.services.dispatcher",
    "app.services.pipeline",
    "app.services.relay",
    "app.services.sweeper",
    "app.worker.runtime",
)
"""The loggers whose every line is about a paper."""


class LinesOfPapers(logging.Filter):
    """Looks at all lines of these loggers; those that the root logger would not have had stop here."""

    def __init__(self) -> None:
        super().__init__()
        self._form = JsonLine("test")
        self._lost: list[str] = []
        for name in WAY:
            logger = logging.getLogger(name)
            logger.setLevel(logging.DEBUG)
            # `make prove` imports all of it once more in one process; of two, the first would keep lines from the second.
            logger.filters[:] = [one for one in logger.filters if type(one).__name__ != type(self).__name__]
            logger.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        line = json.loads(self._form.format(record))
        if "paper" not in line:
            self._lost.append(f"{line['logger']}: {line['message']}")
        return record.levelno >= logging.getLogger().level

    def lost(self) -> list[str]:
        """The lines since the last look that name no paper."""
        lost, self._lost = self._lost, []
        return lost


LINES = LinesOfPapers()
