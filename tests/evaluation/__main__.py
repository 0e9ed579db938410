"""`make eval`: every group of measures, or those named as arguments; `--development` leaves the test papers alone."""

import argparse
from itertools import groupby

from rich.console import Console
from rich.table import Table

from tests.evaluation import citations, entities, header, references, sections
from tests.evaluation.data import data_folder
from tests.evaluation.figure import draw
from tests.evaluation.model import Group, Row
from tests.evaluation.speed import papers_a_second

GROUPS: dict[str, Group] = {
    "header": header.measure,
    "sections": sections.measure,
    "references": references.measure,
    "citations": citations.measure,
    "entities": entities.measure,
}


def table(rows: list[Row]) -> Table:
    drawn = Table(
        "measure", "set", "part", "count", "naive", "ours", title="Found in papers with known truth, in percent"
    )
    for _, same in groupby(rows, key=lambda row: row.measure):
        for row in same:
            baseline = "" if row.baseline is None else f"{row.baseline:.1f}"
            drawn.add_row(row.measure, row.data, row.part, f"{row.count:,}", baseline, f"[bold]{row.ours:.1f}[/]")
        drawn.add_section()
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"one or more of {', '.join(GROUPS)}")
    parser.add_argument("--development", action="store_true", help="while working on rules and models: no test papers")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}. There are {', '.join(GROUPS)}.")
    folder = data_folder()
    rows = [row for name in arguments.groups or GROUPS for row in GROUPS[name](folder)]
    order = list(dict.fromkeys(row.measure for row in rows))
    rows.sort(key=lambda row: order.index(row.measure))
    if arguments.development:
        rows = [row for row in rows if row.part == "development"]
    Console().print(table(rows))
    if not arguments.groups and not arguments.development:
        draw([row for row in rows if row.part == "test"])
        count, rate = papers_a_second(folder)
        print(
            f"All of extraction, from bytes to relationships: {rate:.1f} papers a second of one core ({count} papers)."
        )


if __name__ == "__main__":
    main()
