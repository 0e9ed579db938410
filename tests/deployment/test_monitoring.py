"""Dashboard, alerts and autoscaling ask for what `/metrics` really shows, under labels it really has."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import WorkerLostError, WorkerOutOfMemoryError
from app.domain.lifecycle import Status
from app.realtime.protocol import Close
from tests.deployment.files import TEXTS, compose, documents, resource
from tests.support.in_process import InProcessLane

pytestmark = pytest.mark.slow  # files are what changes here: `make check` is soon enough

DASHBOARD = "deploy/grafana/dashboards/paper-processing.json"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
OF_PROMETHEUS = {"instance", "job", "le"}
"""Labels it adds itself, and that of a histogram's buckets."""


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(TEXTS[DASHBOARD])["panels"]
    return found


def rules() -> list[dict[str, Any]]:
    (file,) = documents("deploy/prometheus/rules.yml")
    return [rule for group in file["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where each stands, and the expression."""
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for trigger in resource("ScaledObject", "worker")["spec"]["triggers"]:
        yield "autoscaling", trigger["metadata"]["query"]


def parts(expression: str) -> list[promql.Expr]:
    """All it is made of. Raises `ValueError` when Prometheus would refuse it; the interval is put in by Grafana."""
    found: list[promql.Expr] = []
    promql.walk(promql.parse(expression.replace("$__rate_interval", "1m")), found.append)
    return found


def selectors(expression: str) -> list[promql.VectorSelector]:
    found = [part.vector_selector if isinstance(part, promql.MatrixSelector) else part for part in parts(expression)]
    return [part for part in found if isinstance(part, promql.VectorSelector)]


def metrics_in(expression: str) -> set[str]:
    return {str(selector.name) for selector in selectors(expression)}


def labels_in(expression: str) -> set[str]:
    modifiers = [part.modifier for part in parts(expression) if isinstance(part, promql.AggregateExpr)]
    matchings = [
        part.modifier and part.modifier.matching for part in parts(expression) if isinstance(part, promql.BinaryExpr)
    ]
    named = {label for modifier in (*modifiers, *matchings) if modifier for label in modifier.labels}
    return named | {matcher.name for selector in selectors(expression) for matcher in selector.matchers.matchers}


def test_the_names_in_an_expression_are_found() -> None:
    expression = 'histogram_quantile(0.9, sum by (le, route) (rate(a_bucket{status=~"5.."}[5m]))) > 2 and on (x) b == 0'
    assert metrics_in(expression) == {"a_bucket", "b"}
    assert labels_in(expression) == {"le", "route", "status", "x"}


@pytest.mark.anyio
@pytest.mark.in_process
async def test_every_expression_asks_for_metrics_and_labels_that_the_service_shows(
    in_process: InProcessLane, test_paper_id: str
) -> None:
    await in_process.process(test_paper_id)
    await in_process.settled()
    in_process.service.hub.metrics.socket_closed(Close.SLOW_CONSUMER.code)
    shown = (await in_process.client.get("/metrics")).text
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(shown):
        for suffix in SUFFIXES[family.type]:
            labels[family.name + suffix] = {name for sample in family.samples for name in sample.labels}

    for place, expression in expressions():
        asked = metrics_in(expression)
        assert asked, f"{place}: {expression}"
        assert asked <= set(labels), f"{place}: the service shows no {sorted(asked - set(labels))}"
        known = OF_PROMETHEUS.union(*(labels[name] for name in asked))
        assert labels_in(expression) <= known, f"{place}: these metrics have no {sorted(labels_in(expression) - known)}"
    used = {name for _, expression in expressions() for name in metrics_in(expression)}
    kinds = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in labels}
    told = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in used}
    assert kinds - told == {"paper_processing_events_per_second"}, "a rate of its own is on the dashboard"


def test_the_values_that_alerts_look_for_exist() -> None:
    looked_for = {pair for _, expression in expressions() for pair in re.findall(r'(\w+)="([^"]*)"', expression)}
    assert looked_for == {
        ("code", WorkerLostError.code),
        ("code", WorkerOutOfMemoryError.code),
        ("code", str(Close.SLOW_CONSUMER.code)),
        ("service", "redis"),
        ("status", Status.FAILED.value),
    }


def test_every_alert_says_how_bad_it_is_and_what_is_wrong() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"].endswith(".")


def test_prometheus_takes_its_files() -> None:
    """It refuses a key that it does not know."""
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert promql.parse_duration(rule.get("for", "1m")), rule["alert"]
    (config,) = documents("deploy/prometheus/prometheus.yml")
    assert set(config) == {"global", "rule_files", "scrape_configs"}
    assert set(config["global"]) == {"scrape_interval", "evaluation_interval"}
    for job in config["scrape_configs"]:
        assert set(job) == {"job_name", "dns_sd_configs"}
        for found in job["dns_sd_configs"]:
            assert set(found) == {"names", "type", "port", "refresh_interval"}


def test_every_panel_has_its_own_place_and_asks_the_chosen_prometheus() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in panels()}) == len(panels())
    charts = [panel for panel in panels() if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in charts} == {"${datasource}"}
    for panel in charts:
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= labels_in(target["expr"]) | {"instance"}, panel["title"]


def test_prometheus_finds_every_api_and_grafana_finds_prometheus_and_the_dashboard() -> None:
    (config,) = documents("deploy/prometheus/prometheus.yml")
    (found,) = config["scrape_configs"][0]["dns_sd_configs"]
    services = compose()["services"]
    assert set(found["names"]) <= set(services)
    assert f"deploy/prometheus/{config['rule_files'][0]}" in TEXTS
    (source,) = documents("deploy/grafana/provisioning/datasources/prometheus.yaml")
    assert re.findall(r"//(\w+):", source["datasources"][0]["url"])[0] in services
    (provider,) = documents("deploy/grafana/provisioning/dashboards/files.yaml")
    mounted = {mount.split(":")[1] for mount in services["grafana"]["volumes"]}
    assert provider["providers"][0]["options"]["path"] in mounted
    assert "/etc/grafana/provisioning" in mounted
