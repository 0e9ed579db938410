"""What a part of the benchmarks found: a table with sentences under it, printed and kept on a page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support.pages import markdown, put

DOCS = Path(__file__).parents[2] / "docs"

Step = Callable[[str], None]
"""Told what is done next."""


@dataclass(frozen=True)
class Report:
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    ratios: list[str]
    """What counts, in a sentence each."""

    def show(self, console: Console) -> None:
        table = Table(box=None)
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for sentence in self.ratios:
            console.print(f"[bold]{sentence}[/]", highlight=False)
        console.print()

    def keep(self, page: Path, name: str) -> None:
        said = "".join(f"- {sentence}\n" for sentence in self.ratios)
        put(page, name, f"{markdown(self.headings, self.rows)}\n{said}")
