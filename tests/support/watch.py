"""`make watch`: pytest-watcher, which Ctrl-C ends without a traceback."""

import sys
from contextlib import suppress

from pytest_watcher.watcher import run

ARGUMENTS = ["."]
"""It asks for the folder, and takes the rest from pyproject.toml."""

if __name__ == "__main__":
    sys.argv[1:] = ARGUMENTS
    with suppress(KeyboardInterrupt):
        run()
