"""All rules, where their tests are, and the table of them in docs/reliability.md."""

import re
from pathlib import Path

from tests.rules import processes, relay, resume, sockets, work, write
from tests.rules.rule import Rule

ROOT = Path(__file__).parents[2]
PAGE = "docs/reliability.md"
RULES: tuple[Rule, ...] = (*write.RULES, *relay.RULES, *resume.RULES, *work.RULES, *sockets.RULES, *processes.RULES)
BEGIN, END = "<!-- rules -->\n", "<!-- /rules -->\n"
_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


def table() -> str:
    rows = [f"| {rule.text} | {', '.join(f'`{test}`' for test in rule.tests)} |" for rule in RULES]
    return "\n".join(["| rule | tests |", "| --- | --- |", *rows]) + "\n"


def told() -> str:
    """The table as the page has it."""
    return (ROOT / PAGE).read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def write_page() -> None:
    page = ROOT / PAGE
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{head}{BEGIN}{table()}{END}{rest.partition(END)[2]}", encoding="utf-8")


def homes() -> dict[str, str]:
    """Each test by its name, as pytest is asked for it."""
    return {
        name: f"{path.relative_to(ROOT)}::{name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in _TEST.findall(path.read_text(encoding="utf-8"))
    }
