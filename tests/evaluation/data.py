"""Where the data with known truth is: never in the project, whose licence most of it does not share."""

import os
import sys
from pathlib import Path

VARIABLE = "PAPERS_EVAL_DATA"
DEFAULT = Path(__file__).parents[3] / "shared" / "data"


def data_folder() -> Path:
    """The folder; ends the program with a sentence when there is none."""
    folder = Path(os.environ.get(VARIABLE) or DEFAULT)
    if not (folder / "papers" / "truth.json").is_file():
        sys.exit(f"No papers with known truth in {folder}: set {VARIABLE} to a folder with papers/truth.json in it.")
    return folder
