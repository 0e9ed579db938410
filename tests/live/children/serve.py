"""`serve` with the stand-ins as its children."""

import logging
import sys

from app.settings import load_settings
from app.supervisor.errors import ServeError
from app.supervisor.serve import Commands, serve


def main() -> None:
    logging.basicConfig(level="WARNING", format="%(message)s")
    python = (sys.executable, "-P", "-m")
    commands = Commands(
        worker=(*python, "tests.live.children.worker"),
        api=(*python, "tests.live.children.api"),
    )
    try:
        serve(load_settings(), lambda text: print(text, flush=True), commands)
    except ServeError as error:
        sys.exit(str(error))


main()
