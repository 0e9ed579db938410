"""docs/scaling.md says what the model says, and the model what can be reckoned by hand."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.model import EVENT_BYTES, SIZES, Size, load, row
from tests.docs.pages import text_of

pytestmark = pytest.mark.extended

SMALL = Size(nodes=4, sockets=400, papers=1_000, events=100, shards=1)


@pytest.mark.slow
def test_each_part_of_what_is_measured_has_its_place(tmp_path: Path) -> None:
    from tests.bench.report import DOCS
    from tests.bench.scale.__main__ import PARTS  # these draw, which takes a second to import
    from tests.bench.scale.growth import Growth

    costs = Growth("sockets", "sockets", tmp_path)
    costs.note(100, cpu_us_a_delivery=2.0, cpu_ms_a_second_at_rest=5.0)
    costs.note(5000, cpu_us_a_delivery=3.0, cpu_ms_a_second_at_rest=250.0)
    report = costs.report("cpu_us_a_delivery")
    assert report.headings == ("sockets", "CPU µs a delivery", "CPU ms a second at rest")
    assert report.rows == [("100", "2", "5"), ("5,000", "3", "250")]
    assert report.ratios[0] == "CPU µs a delivery: 1.50 times as much at 5,000 as at 100"
    assert (tmp_path / "scale-sockets.svg").exists()

    page = tmp_path / "scaling.md"
    page.write_bytes((DOCS / "scaling.md").read_bytes())
    for part in PARTS:
        report.keep(page, part)


@pytest.mark.slow
def test_the_table_is_the_model_s() -> None:
    for size in SIZES:
        assert f"| {' | '.join(row(size))} |" in text_of("docs/scaling.md")


def test_with_one_shard_every_node_reads_everything() -> None:
    found = load(SMALL, random.Random(0))
    assert (found.shards_read, found.node_events) == (1, 100)
    assert found.shard_mbytes == 4 * 100 * EVENT_BYTES / 1e6


def test_with_as_many_shards_as_papers_a_node_reads_only_what_is_watched() -> None:
    found = load(replace(SMALL, shards=SMALL.papers), random.Random(0))
    assert found.shards_read <= SMALL.sockets / SMALL.nodes
    assert found.node_events <= found.node_deliveries


def test_deliveries_depend_on_no_shard() -> None:
    assert {load(replace(SMALL, shards=shards), random.Random(0)).node_deliveries for shards in (1, 8, 64)} == {10.0}
