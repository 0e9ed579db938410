"""`make watch`: pytest-watcher, which Ctrl-C ends without a traceback."""

from contextlib import suppress

from pytest_watcher.watcher import run

if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        run()
