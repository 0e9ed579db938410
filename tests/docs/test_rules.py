"""The rules and what keeps them, as `make rules` takes them out and docs/reliability.md tells them."""

import pytest

from tests.rules.rule import Rule
from tests.rules.table import ROOT, RULES, homes, table, told

pytestmark = pytest.mark.extended

HOMES = homes()


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.text)
def test_a_rule_can_be_taken_out_where_it_says(rule: Rule) -> None:
    compile(rule.take_out(ROOT), rule.path, "exec")
    assert set(rule.tests) <= HOMES.keys()


def test_the_page_tells_every_rule() -> None:
    assert told() == table(), "`make rules ARGS=--write` writes it"
