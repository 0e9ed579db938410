"""Stands in for a worker: leaves a mark when asked to end. STUBBORN: it does not end; MORTAL: it dies at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.supervisor.leash import follow_parent


def leave(*_: object) -> None:
    (Path(os.environ["PAPERS_DATA_DIR"]) / f"ended-{os.getpid()}").touch()
    sys.exit(0)


def main() -> None:
    follow_parent()
    if "MORTAL" in os.environ:
        sys.exit(3)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "STUBBORN" in os.environ else leave)
    subprocess.Popen(["sleep", "600"])  # a child of its own, as a reader is
    while True:
        time.sleep(600)


main()
