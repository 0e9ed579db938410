"""What a model's training leaves: weights in the package, and a card that says what they are."""

from pathlib import Path
from typing import NamedTuple

SEED = 17
_PROJECT = Path(__file__).parents[2]
WEIGHTS = _PROJECT / "app" / "extraction" / "models"
CARDS = _PROJECT / "docs" / "models"


class Card(NamedTuple):
    """A model card: all that someone has to know who relies on the model."""

    name: str
    what: str
    data: str
    licence: str
    """Of the data, and so of the weights."""
    method: str
    figures: dict[str, str]
    limits: str

    def write(self) -> Path:
        """To docs/models/NAME.md, the same bytes for the same card."""
        figures = "\n".join(f"| {what} | {figure} |" for what, figure in self.figures.items())
        text = f"""# {self.name}

{self.what}

**Data.** {self.data}

**Licence.** {self.licence}

**Method.** {self.method} `make train ARGS={self.name}` makes the weights and this page anew.

| figure | |
| --- | --- |
{figures}

**Limits.** {self.limits}
"""
        path = CARDS / f"{self.name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path
