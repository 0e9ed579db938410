"""The table that says what came of all rounds, and its place in docs/reliability.md."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from tests.faults.fault import AnyFault
from tests.faults.plan import ALL
from tests.faults.rounds import Outcome
from tests.faults.verdict import Kind, count
from tests.support.pages import markdown, put

PAGE = Path(__file__).parents[2] / "docs/reliability.md"

HEADINGS = (
    "fault", "rounds", "strikes", "papers", "terminal", "sockets", "events checked", "lost", "repeated", "inverted",
    "late", "other", "resyncs", "next event: median s", "max s",
)  # fmt: skip


def rows(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """A row for each fault that was tried, and one for all."""
    done = list(outcomes)
    by_name = {fault.name: [one for one in done if one.fault is fault] for fault in ALL} | {"all": done}
    return [_row(name, outcomes) for name, outcomes in by_name.items() if outcomes]


def _row(name: str, outcomes: list[Outcome]) -> tuple[str, ...]:
    kinds = count([complaint for outcome in outcomes for complaint in outcome.complaints])
    order: tuple[Kind, ...] = ("lost", "repeated", "inverted", "late", "other")
    pauses = [pause for outcome in outcomes for pause in outcome.pauses]
    numbers = (
        len(outcomes),
        sum(outcome.strikes for outcome in outcomes),
        sum(outcome.papers for outcome in outcomes),
        sum(outcome.terminal for outcome in outcomes),
        sum(outcome.sockets for outcome in outcomes),
        sum(outcome.events for outcome in outcomes),
        *(kinds[kind] for kind in order),
        sum(outcome.resyncs for outcome in outcomes),
    )
    timing = (f"{median(pauses):.1f}", f"{max(pauses):.1f}") if pauses else ("", "")
    return (name, *(f"{number:,}" for number in numbers), *timing)


def write(outcomes: Iterable[Outcome], command: str, place: str, page: Path = PAGE) -> None:
    """Puts the table between the page's markers of that name."""
    put(page, place, f"`{command}`:\n\n{markdown(HEADINGS, rows(outcomes))}")


def had_by_all(outcomes: Iterable[Outcome], faults: Iterable[AnyFault], planned: int) -> int:
    """How many rounds each of the faults had: all that were planned, or fewer where somebody would not wait for them."""
    done = {outcome.name for outcome in outcomes}
    missed = (seed for seed in range(planned) for fault in faults if f"{fault.name}-{seed}" not in done)
    return next(missed, planned)


def how_to_reproduce(outcome: Outcome) -> str:
    return f"make test-faults SEED={outcome.name}"
