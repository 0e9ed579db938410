"""`python -m tests.prove`: deletes each place that publishes and prints which test notices; 1 when one survives."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.prove.places import ELSEWHERE, find_places
from tests.prove.runner import Verdict, control, copies, prove, warm_up

PAGE = Path("docs/proof.md")
MARK = "<!-- written by make prove -->\n"
ROW = re.compile(r"\| `(?P<path>[^`]+)` \| `(?P<where>[^`]+)` \| `(?P<code>[^`]+)` \| `(?P<test>[^`]+)` \|")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("-k", metavar="TEXT", default="", help="only places with this in their file, function or code")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE}")
    parser.add_argument("--list", action="store_true", help="only list the places")
    options = parser.parse_args(arguments)
    if options.write and options.k:
        parser.error("--write writes the whole table: leave -k out")

    console = Console()
    places = [place for place in find_places(Path.cwd()) if options.k in place.name]
    if options.list:
        for place in places:
            console.print(place.name, markup=False, soft_wrap=True)
        return 0
    if not places:
        parser.error(f"no place has {options.k!r} in it")
    known = read_page() if PAGE.exists() else {}
    console.print(f"{len(places)} places. Not looked at: {', '.join(ELSEWHERE)} (tests/prove/places.py says why).")
    warm_up()
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with copies(Path.cwd(), options.jobs) as folders, Progress(*bar, console=console) as progress:
        task = progress.add_task("deleting", total=len(places))

        def tell(verdict: Verdict) -> None:
            line = f"{verdict.seconds:6.1f} s  {verdict.place.name}\n          {verdict.test or 'SURVIVED'}"
            progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
            progress.advance(task)

        verdicts: list[Verdict] = []
        flawed: list[str] = []
        while places:
            verdicts += prove(places, known, flawed, folders, tell)
            # A test that fails with nothing deleted proves nothing: what it noticed is tried again without it.
            found = control(folders[0], sorted({verdict.test for verdict in verdicts if verdict.test}))
            for test in found:
                progress.console.print(f"fails with nothing deleted: {test}", markup=False)
            flawed += found
            places = [verdict.place for verdict in verdicts if verdict.test in found]
            verdicts = [verdict for verdict in verdicts if verdict.test not in found]
            progress.update(task, completed=len(verdicts))
    if options.write:
        write_page(verdicts)
    survivors = sum(verdict.test is None for verdict in verdicts)
    console.print(f"{len(verdicts)} places deleted in turn, {survivors} survived.")
    return 1 if survivors else 0


def read_page() -> dict[str, str]:
    """The test that noticed each place's deletion last time."""
    rows = ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return {f"{row['path']} · {row['where']} · {row['code']}": row["test"] for row in rows}


def write_page(verdicts: Sequence[Verdict]) -> None:
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    in_order = sorted(verdicts, key=lambda verdict: (verdict.place.path, verdict.place.start))
    rows = [
        f"| `{verdict.place.path}` | `{verdict.place.where}` | `{verdict.place.code}` | `{verdict.test}` | {verdict.seconds:.1f} |"
        for verdict in in_order
    ]
    table = ["| file | in | deleted | killed by | s |", "| --- | --- | --- | --- | --- |", *rows]
    PAGE.write_text(f"{head}{MARK}\n" + "\n".join(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
