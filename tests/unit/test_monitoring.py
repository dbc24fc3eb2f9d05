"""docs/monitoring: whatever the alert rules, the Grafana dashboard and the table of metrics name is served."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric

from sf_police.page.metrics import Facts, metrics_of
from sf_police.store.metrics import BOUNDS_S, OUTCOMES, Totals
from sf_police.store.tables import Books
from tests.support.builders import a_batch
from tests.support.environment import ROOT

FOLDER = ROOT / "docs" / "monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text()
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
TABLE = (FOLDER / "README.md").read_text()

# Prometheus itself puts these on every sample.
OF_PROMETHEUS = {"instance", "job"}
NAME = re.compile(r"\bsf_police_\w+")
SELECTED = re.compile(r"\b(sf_police_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
EXPRESSION = re.compile(r"^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.+)\n)", re.MULTILINE)


def all_metrics() -> list[Metric]:
    """Every metric that there can be: nothing is unknown."""
    last = a_batch(state_rows=1, committed_at=datetime(2026, 1, 1), version="1.0.0")
    totals = Totals(1, 500, (1,) * len(BOUNDS_S), Books(4, 4, 1, 1, 1, 1, 1, 1), last)
    facts = Facts("sf_police", "calls", totals, is_running=True, is_reachable=True, lag={0: 1})
    return list(metrics_of(facts))


def served() -> dict[str, dict[str, set[str]]]:
    """Every sample's name, and its labels with the values that they have."""
    found: dict[str, dict[str, set[str]]] = {}
    for metric in all_metrics():
        for sample in metric.samples:
            for label, value in sample.labels.items():
                found.setdefault(sample.name, {}).setdefault(label, set()).add(value)
            found.setdefault(sample.name, {})
    return found


SERVED = served()
LABELS = {label for labels in SERVED.values() for label in labels} | OF_PROMETHEUS


def of_alerts() -> list[str]:
    return [block or line for block, line in EXPRESSION.findall(ALERTS)]


def of_dashboard() -> list[str]:
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return expressions + [each["definition"] for each in variables("query")]


def variables(kind: str) -> list[Any]:
    return [each for each in DASHBOARD["templating"]["list"] if each["type"] == kind]


def unknown(expression: str) -> list[str]:
    """What an expression names that is not served."""
    names = [name for name in NAME.findall(expression) if name not in SERVED]
    for name, matchers in SELECTED.findall(expression):
        for label, value in MATCHER.findall(matchers):
            values = SERVED.get(name, {}).get(label)
            if values is None and label not in OF_PROMETHEUS:
                names.append(f"{name}{{{label}}}")
            if values is not None and label == "outcome" and value not in values:
                names.append(f"{name}{{{label}={value}}}")
    grouped = [label.strip() for labels in GROUPED.findall(expression) for label in labels.split(",")]
    return names + [label for label in grouped if label and label not in LABELS]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("sf_police_lag > 0", ["sf_police_lag"]),
        ('sf_police_records_total{outcom="late"}', ["sf_police_records_total{outcom}"]),
        ('sf_police_records_total{outcome="lost"}', ["sf_police_records_total{outcome=lost}"]),
        ("sum by (partitions) (sf_police_consumer_lag_records)", ["partitions"]),
        ('sum without (outcome) (sf_police_records_total{outcome="late", instance=~"$instance"})', []),
    ],
)
def test_this_test_sees_a_name_that_is_not_served(expression: str, found: list[str]) -> None:
    assert unknown(expression) == found


@pytest.mark.parametrize("expression", [*of_alerts(), *of_dashboard()])
def test_every_name_and_label_is_served(expression: str) -> None:
    assert NAME.search(expression)
    assert unknown(expression) == []


def test_every_alert_has_a_rule_and_words_for_people() -> None:
    names = re.findall(r"^ {6}- alert: (\w+)$", ALERTS, re.MULTILINE)

    assert len(names) == len(set(names)) == len(of_alerts()) == 5
    assert len(re.findall(r"^ {10}summary: .+\.$", ALERTS, re.MULTILINE)) == len(names)
    assert len(re.findall(r"^ {10}description: >-$", ALERTS, re.MULTILINE)) == len(names)
    words = {label for text in re.findall(r"\{\{ \$labels\.(\w+) \}\}", ALERTS) for label in [text]}
    assert words <= LABELS


def test_every_legend_names_a_label_that_its_expression_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert re.search(rf"by \({label}\)", target["expr"]), (panel["title"], label)


def test_the_dashboard_shows_every_metric_once_at_least() -> None:
    shown = {name for expression in of_dashboard() for name in NAME.findall(expression)}

    assert set(SERVED) - shown == {"sf_police_batch_duration_seconds_count"}  # which is that of the micro-batches


def test_the_dashboard_can_be_imported_anywhere() -> None:
    assert DASHBOARD["id"] is None
    assert [each["name"] for each in variables("datasource")] == ["datasource"]
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {"${datasource}"}
    assert all(panel["title"] and panel["description"] for panel in panels)


def test_no_two_panels_are_in_the_same_place() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_table_of_metrics_is_what_is_served() -> None:
    rows = re.findall(r"^\| `(sf_police_\w+)` \| (\w+).*? \| (.*?) ?\| ", TABLE, re.MULTILINE)
    suffixes, kinds = {"counter": "_total", "info": "_info"}, {"info": "gauge"}
    expected = {
        f"{each.name}{suffixes.get(each.type, '')}": (
            kinds.get(each.type, each.type), sorted({label for sample in each.samples for label in sample.labels}),
        )
        for each in all_metrics()
    }  # fmt: skip

    assert {name: (kind, sorted(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows} == expected
    outcomes = re.findall(r"`outcome`: ([\w, ]+\w)", TABLE)
    assert outcomes == [", ".join(OUTCOMES)]
