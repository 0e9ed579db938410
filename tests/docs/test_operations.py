"""The operator's page names what the running service really shows."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.pages import text_of
from tests.support.in_process import InProcessLane

pytestmark = [pytest.mark.anyio, pytest.mark.in_process, pytest.mark.extended]


async def test_the_table_of_metrics_is_what_the_service_shows(in_process: InProcessLane) -> None:
    shown = (await in_process.client.get("/metrics")).text
    rows = [
        f"| `{family.name}{'_total' * (family.type == 'counter')}` | {family.type} | {family.documentation} |"
        for family in text_string_to_metric_families(shown)
    ]
    table = "\n".join(["| metric | kind | what it tells |", "| --- | --- | --- |", *rows])
    assert table in text_of("docs/operations.md"), f"the table of metrics has to be:\n{table}"
