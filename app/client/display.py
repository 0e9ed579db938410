"""How far the papers are: bars on a terminal, lines everywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column

from app.domain.lifecycle import Status
from app.domain.paper import Paper
from app.domain.stages import STAGES

PERCENT_A_LINE = 25
"""Without a terminal, progress alone is worth a line this often, and only in the one long status."""
_STAGES_OF_PROCESSING = frozenset(stage.name for stage in STAGES if stage.status is Status.PROCESSING)


class Display(Protocol):
    """Is told of each change of a paper."""

    def show(self, paper: Paper) -> None: ...


@contextmanager
def opened_display() -> Iterator[Display]:
    """The display that suits where the output goes."""
    console = Console()
    if not console.is_terminal:
        yield Lines()
        return
    with Bars(console) as bars:
        yield bars


class Bars(Progress):
    """One bar per paper."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            # Fixed widths for what must stay in sight; the words take what is left and are cut.
            TextColumn("{task.description}", markup=False, table_column=Column(width=24, no_wrap=True)),
            BarColumn(bar_width=20, table_column=Column(width=20)),
            TaskProgressColumn(table_column=Column(width=4, justify="right")),
            TextColumn("{task.fields[words]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
            console=console,
            expand=True,
        )
        self._bars: dict[str, TaskID] = {}

    def show(self, paper: Paper) -> None:
        if paper.id not in self._bars:
            self._bars[paper.id] = self.add_task(printable(paper.filename), total=100, words="")
        self.update(self._bars[paper.id], completed=paper.progress, words=describe(paper))


class Lines:
    """One line for each thing worth knowing."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[object, ...]] = {}

    def show(self, paper: Paper) -> None:
        quarter = paper.progress // PERCENT_A_LINE if paper.status is Status.PROCESSING else None
        news = (paper.status, paper.run, paper.counts.entities, paper.counts.relationships, quarter)
        if self._shown.get(paper.id) != news:
            self._shown[paper.id] = news
            typer.echo(f"{printable(paper.filename)}: {paper.progress} %, {describe(paper)}")


def describe(paper: Paper) -> str:
    """The status in words, the stage where one status has several, and what was found so far."""
    words = paper.status.replace("_", " ")
    if paper.status is Status.PROCESSING and paper.stage in _STAGES_OF_PROCESSING:
        words += f" ({paper.stage})"
    found = [
        f"{number} {name}"
        for name, number in (("entities", paper.counts.entities), ("relationships", paper.counts.relationships))
        if number
    ]
    return ", ".join([words, *found])


def printable(text: str) -> str:
    """The text without what could steer a terminal: control characters, changes of direction, broken code points."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
