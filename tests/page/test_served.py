"""What the real command serves, asked by plain HTTP: to whom, with which headers, and what a panel's addresses give."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from sf_police.page.panels import PANELS
from tests.support.dashboard import Dashboard

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
CHOICE = "?from=2018-12-01T00:00&to=2018-12-08T00:00&window=2018-10-10T12:00&kind=Passing%20Call"


def as_csv_has_it(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize(
    "path", ["/", "/assets/page.js", "/data/state.json", "/data/kinds.csv", "/none", "/data/x.json"]
)
def test_every_answer_has_the_headers_that_keep_others_out(quarter_served: Dashboard, path: str) -> None:
    response, _ = quarter_served.get(path)

    assert response.getheader("content-security-policy") == POLICY
    assert response.getheader("x-content-type-options") == "nosniff"
    assert response.getheader("referrer-policy") == "no-referrer"
    assert response.getheader("cross-origin-resource-policy") == "same-origin"
    assert response.getheader("access-control-allow-origin") is None


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
@pytest.mark.parametrize("path", ["/", "/events", "/data/kinds.json"])
def test_who_asks_by_another_name_is_refused(quarter_served: Dashboard, host: str, path: str) -> None:
    response, text = quarter_served.get(path, Host=host)

    assert (response.status, text) == (421, "this host is not served: open the address that the dashboard printed\n")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST", "[::1]"])
def test_loopback_is_served_by_each_of_its_names(quarter_served: Dashboard, host: str) -> None:
    assert quarter_served.get("/", Host=f"{host}:{quarter_served.port}")[0].status == 200


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_has_the_same_rows_as_json_and_as_csv(quarter_served: Dashboard, panel: str) -> None:
    response, text = quarter_served.get(f"/data/{panel}.csv{CHOICE}")
    rows = quarter_served.rows(panel, CHOICE)

    assert response.getheader("content-disposition") == f'attachment; filename="{panel}.csv"'
    assert rows
    assert list(csv.DictReader(io.StringIO(text))) == [
        {name: as_csv_has_it(value) for name, value in row.items()} for row in rows
    ]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?from=yesterday", "from=yesterday: expected a time such as 2018-12-31T23:30"),
        ("?window=2018-02-30T12:00", "window=2018-02-30T12:00: expected a time such as 2018-12-31T23:30"),
        ("?to=2018-12-01T00:00Z", "to=2018-12-01T00:00Z: expected a time such as 2018-12-31T23:30"),
        (f"?kind={'x' * 2001}", "kind: it is too long"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_one_line(quarter_served: Dashboard, query: str, said: str) -> None:
    response, text = quarter_served.get(f"/data/kinds.json{query}")

    assert (response.status, text) == (400, said)


@pytest.mark.parametrize("kind", ["%00", "%F0%9F%9A%93", "'%3BDROP%20TABLE%20counts--", "%25", "_"])
def test_a_kind_that_is_not_there_has_no_rows(quarter_served: Dashboard, kind: str) -> None:
    assert quarter_served.rows("kind", f"?kind={kind}") == []


def test_times_at_the_ends_of_the_calendar_are_spans_like_others(quarter_served: Dashboard) -> None:
    everything = quarter_served.rows("answer")

    assert quarter_served.rows("answer", "?from=0001-01-01T00:00&to=9999-12-31T23:59") == everything
    assert quarter_served.rows("answer", "?from=9999-12-31T23:59") == []
    assert quarter_served.rows("rejected", "?window=9999-12-31T23:59") == []


def test_the_state_of_things_is_json_for_everybody(quarter_served: Dashboard) -> None:
    response, text = quarter_served.get("/data/state.json")

    assert response.getheader("content-type") == "application/json"
    assert json.loads(text)["state"] == "stopped"
