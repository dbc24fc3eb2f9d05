"""The page over real HTTP: what it answers, what it refuses, and a message for each commit."""

from __future__ import annotations

import csv
import http.client
import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import UsageError
from sf_police.page.assets import Assets
from sf_police.page.over_time import Choice
from sf_police.page.panels import PANELS, Panels
from sf_police.page.server import choice_of, listening
from sf_police.page.watch import Snapshot
from sf_police.store.database import Database, open_database
from tests.support.builders import store_batch
from tests.support.metrics import samples_of
from tests.support.pages import Served, message, served

START = datetime(2018, 10, 12, 14)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx")
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def counts(*hours: float, kind: str = "Traffic Stop") -> list[tuple[Any, ...]]:
    starts = [START + timedelta(hours=each) for each in hours]
    return [(start, start + timedelta(minutes=30), kind, "Handled", 1) for start in starts]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, assets: Assets) -> Iterator[Served]:
    """A page on a store of four half hours from 14:00, which stays as it is."""
    url = f"sqlite:///{tmp_path_factory.mktemp('page') / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        store_batch(database, counts(0, 0.5, 1, 2))
        with served(database, assets) as page:
            page.in_state("stopped")
            yield page


@pytest.fixture
def live(store: Database, assets: Assets) -> Iterator[Served]:
    """A page on a store of four half hours from 14:00, which changes."""
    store_batch(store, counts(0, 0.5, 1, 2))
    with served(store, assets) as page:
        page.in_state("stopped")
        yield page


@pytest.mark.parametrize(
    ("path", "media", "begins"),
    [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/assets/index.html", "text/html; charset=utf-8", "<!doctype html>"),
        ("/assets/page.css", "text/css; charset=utf-8", ""),
        ("/assets/page.js", "text/javascript; charset=utf-8", "//"),
        ("/assets/charts.js", "text/javascript; charset=utf-8", "//"),
        ("/assets/tables.js", "text/javascript; charset=utf-8", "//"),
        ("/assets/icon.svg", "image/svg+xml", "<svg"),
        ("/assets/vega.js", "text/javascript; charset=utf-8", ""),
        ("/assets/specs.json", "application/json", "{"),
        ("/data/state.json", "application/json", "{"),
        ("/data/windows.json", "application/json", "{"),
        ("/data/windows.csv", "text/csv; charset=utf-8", "start,end,windows,rows,kinds,least,most,mark\n"),
    ],
)
def test_what_is_served_has_its_type(page: Served, path: str, media: str, begins: str) -> None:
    answer = page.ask(path)

    assert (answer.status, answer.headers["content-type"]) == (200, media)
    assert answer.text.startswith(begins)
    assert answer.headers["cache-control"] == "no-cache"
    assert HEADERS.items() <= answer.headers.items()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "line"), [("/healthz", "the page is served\n"), ("/readyz", "the store can be read\n")]
)
def test_probes_are_answered(page: Served, path: str, line: str, method: str) -> None:
    answer = page.ask(path, method=method)

    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == (line if method == "GET" else "")
    assert page.ask(path, Host="evil.example").status == 421


def test_without_a_store_the_page_is_not_ready(store: Database, assets: Assets) -> None:
    with served(store, assets) as page:
        page.in_state("none")
        alive, ready = page.ask("/healthz"), page.ask("/readyz")

    assert (alive.status, ready.status) == (200, 503)
    assert ready.text == "error: there is no store yet: run `make run-stream`, or `make live`\n"


def test_what_the_page_asks_for_is_served(page: Served) -> None:
    html = page.ask("/").text
    asked = [each.split('"')[0] for attribute in ('src="', 'href="') for each in html.split(attribute)[1:]]

    local = [path for path in asked if not path.startswith("#")]
    assert len(local) >= 4
    assert {path: page.ask(path).status for path in local} == dict.fromkeys(local, 200)
    panels = {each.split('"')[0] for each in html.split('data-panel="')[1:]}
    assert panels <= set(PANELS)


def test_the_state_of_things_is_what_was_seen(page: Served) -> None:
    state = page.ask("/data/state.json").json

    assert (state["state"], state["first"], state["last"]) == ("stopped", "2018-10-12 14:00:00", "2018-10-12 16:00:00")
    assert (state["length_s"], state["is_whole"], state["batch"]["batch"]) == (1_800, True, 0)
    assert state["version"] == page.watcher.snapshot.version


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_every_panel_is_served_in_both_forms(page: Served, panel: str, form: str) -> None:
    answer = page.ask(f"/data/{panel}.{form}?kind=Traffic+Stop&window=2018-10-12T14:00")

    assert answer.status == 200
    if form == "csv":
        assert answer.headers["content-disposition"] == f'attachment; filename="{panel}.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text)))
    else:
        assert answer.json["is_newest"] is True
        rows = answer.json["rows"]
    assert bool(rows) is (panel not in ("findings", "rejected"))


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ("", [14, 14.5, 15, 16]),
        ("?from=2018-10-12T14:30", [14.5, 15, 16]),
        ("?to=2018-10-12T15:00", [14, 14.5]),
        ("?from=2018-10-12+14:30:00&to=2018-10-12T15:30", [14.5, 15]),
        ("?from=2018-10-12&to=2018-10-13", [14, 14.5, 15, 16]),
        ("?from=2018-10-12T15:00&to=2018-10-12T15:00", []),
        ("?from=2018-10-12T15:00&to=2018-10-12T14:00", []),
        ("?from=0001-01-01&to=9999-12-31", [14, 14.5, 15, 16]),
        ("?from=&to=&kind=&window=", [14, 14.5, 15, 16]),
        ("?from=9999-12-31T23:59:59.999999", []),
        ("?from=2018-10-12T14:30&from=2018-10-12T15:00", [15, 16]),
        ("?unknown=1", [14, 14.5, 15, 16]),
    ],
)
def test_a_span_is_in_the_address(page: Served, query: str, hours: list[float]) -> None:
    expected = [str(datetime(2018, 10, 12) + timedelta(hours=each)) for each in hours]

    assert [row["start"] for row in page.rows(f"/data/windows.json{query}")] == expected
    for panel in PANELS:
        page.rows(f"/data/{panel}.json{query}")


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        ({}, 14, 16.5),
        ({"from": "2018-10-12"}, 14, 16.5),
        ({"to": "2018-10-12T16:30"}, 14, 16.5),
        ({"from": "0001-01-01", "to": "9999-12-31"}, 14, 16.5),
        ({"from": "2018-10-12T15:00"}, 15, 16.5),
        ({"from": "2018-10-12T15:00", "to": "2018-10-12T14:00"}, 15, 15),
        ({"from": "2018-10-12T17:00", "to": "2018-10-12T18:00"}, 17, 17),
    ],
)
def test_every_address_of_a_view_is_one_choice(given: dict[str, str], since: float, until: float) -> None:
    day, last = datetime(2018, 10, 12), START + timedelta(hours=2)
    snapshot = Snapshot(1, "stopped", first=START, last=last, length_s=1_800)

    assert choice_of(given, snapshot) == Choice(day + timedelta(hours=since), day + timedelta(hours=until))


def test_without_a_window_a_choice_is_what_was_given() -> None:
    assert choice_of({"kind": "Fire", "window": "2018-10-12T14:00"}, Snapshot(1, "empty")) == Choice(
        kind="Fire", window=START
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=yesterday", "from=yesterday: expected a time such as 2018-12-31T23:30"),
        ("to=2018-13-01", "to=2018-13-01: expected a time such as 2018-12-31T23:30"),
        ("window=2018-10-12T14:00Z", "window=2018-10-12T14:00Z: expected a time such as 2018-12-31T23:30"),
        ("from=2018-10-12T14:00%2B02:00", "from=2018-10-12T14:00+02:00: expected a time such as 2018-12-31T23:30"),
        ("from=0000-01-01", "from=0000-01-01: expected a time such as 2018-12-31T23:30"),
        ("from=" + "9" * 5_000, f"from={'9' * 40}: expected a time such as 2018-12-31T23:30"),
        ("from=a%0D%0Ab%00%1B%5B2J", r"from=a\r\nb\x00\x1b[2J: expected a time such as 2018-12-31T23:30"),
        ("from=%FF", "from=\N{REPLACEMENT CHARACTER}: expected a time such as 2018-12-31T23:30"),
        ("from=%3Cscript%3E", "from=<script>: expected a time such as 2018-12-31T23:30"),
        ("kind=" + "x" * 2_001, "kind: it is too long"),
    ],
    ids=lambda text: text[:30],
)
@pytest.mark.parametrize("panel", ["windows", "books"])
def test_what_is_no_choice_is_refused_in_one_line(page: Served, panel: str, query: str, said: str) -> None:
    answer = page.ask(f"/data/{panel}.json?{query}")

    assert (answer.status, answer.text) == (400, said)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert HEADERS.items() <= answer.headers.items()


@pytest.mark.parametrize("kind", ["x" * 2_000, "%00", "%FF", "'%3B+DROP+TABLE+counts%3B--", "%25s", ":since", "%0A"])
def test_any_other_text_is_a_kind_that_no_record_has(page: Served, kind: str) -> None:
    assert page.rows(f"/data/shares.json?kind={kind}") == []
    assert page.rows(f"/data/kind.json?kind={kind}") == []
    assert len(page.rows("/data/shares.json")) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/data/passwords.json",
        "/data/windows.xml",
        "/data/windows",
        "/data/",
        "/data/_panels.json",
        "/data/../data/windows.json",
        "/assets/",
        "/assets/nothing.js",
        "/assets/index.html/",
        "/assets/../server.py",
        "/assets/%2e%2e/server.py",
        "/assets/..%2fserver.py",
        "/assets/..%5cserver.py",
        "/assets/%2e%2e%2f%2e%2e%2fcli.py",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/vega.js%00.css",
        "/static/page.js",
        "/favicon.ico",
        "/docs",
    ],
)
def test_nothing_else_is_served(page: Served, path: str) -> None:
    answer = page.ask(path)

    assert answer.status == 404
    assert len(answer.text.splitlines()) == 1
    assert HEADERS.items() <= answer.headers.items()


def test_an_unknown_panel_is_told_which_there_are(page: Served) -> None:
    said = page.ask("/data/passwords.json").text

    assert said.startswith("no such panel: it is one of answer, books, overview, windows, ")
    assert said.endswith(", as .json or .csv")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/data/state.json", "/data/books.json", "/events"])
def test_nothing_can_be_sent(page: Served, method: str, path: str) -> None:
    answer = page.ask(path, method=method)

    assert answer.status == 405
    assert HEADERS.items() <= answer.headers.items()


@pytest.mark.parametrize("path", ["/", "/assets/vega.js", "/data/state.json", "/data/books.csv", "/events"])
def test_a_head_is_an_answer_without_its_body(page: Served, path: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)) as connection:
        for _ in range(2):  # the connection is free again
            connection.request("HEAD", path)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"")
            assert HEADERS.items() <= {name.lower(): text for name, text in answer.getheaders()}.items()


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LocalHost:{port}", "localhost:{port}", "127.0.0.1", "127.0.0.1:{port}", "[::1]", "[::1]:{port}",
        "LOCALHOST:1",
    ],
)  # fmt: skip
def test_the_names_of_loopback_are_served(page: Served, host: str) -> None:
    assert page.ask("/data/state.json", Host=host.format(port=page.port)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:{port}", "localhost.evil.example", "evil.example:localhost", "127.0.0.1.evil",
        "127.0.0.2", "[::1].evil", "[::2]:{port}", "::1", ":{port}", "localhost:{port}:{port}",
        "localhost@evil.example", "\xe9vil.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/data/books.json", "/events", "/nothing"])
def test_a_foreign_host_is_refused(page: Served, host: str, path: str) -> None:
    answer = page.ask(path, Host=host.format(port=page.port))

    assert answer.status == 421
    assert answer.text == "this host is not served: open the address that the dashboard printed\n"
    assert HEADERS.items() <= answer.headers.items()


def test_a_request_without_a_host_is_refused(page: Served) -> None:
    with closing(socket.create_connection(("127.0.0.1", page.port), timeout=20)) as connection:
        connection.sendall(b"GET /data/books.json HTTP/1.0\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] == b"421"


def test_a_request_with_two_hosts_is_refused(page: Served) -> None:
    with closing(socket.create_connection(("127.0.0.1", page.port), timeout=20)) as connection:
        connection.sendall(b"GET /data/books.json HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] in (b"400", b"421")


def test_where_people_may_call_the_machine_what_they_like_every_host_is_served(store: Database, assets: Assets) -> None:
    with served(store, assets, hosts=()) as page:
        assert page.ask("/data/state.json", Host="my-machine.example:8050").status == 200


@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/assets/vega.js", "/assets/specs.json"])
def test_a_file_that_is_known_is_not_sent_again(page: Served, path: str) -> None:
    tag = page.ask(path).headers["etag"]

    again = page.ask(path, If_None_Match=tag)

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert HEADERS.items() <= again.headers.items()
    assert page.ask(path, If_None_Match='"another"').status == 200


def test_each_file_has_a_tag_of_its_own(page: Served, assets: Assets) -> None:
    assert len({page.ask(f"/assets/{name}").headers["etag"] for name in assets.names}) == len(list(assets.names))


def test_the_metrics_are_served_beside_the_page(page: Served) -> None:
    found = samples_of(page.ask("/metrics").text)

    assert found[("sf_police_books_balanced", ())] == 1
    assert found[("sf_police_broker_reachable", ())] == 0


def test_large_answers_are_packed_for_those_who_take_it(page: Served) -> None:
    packed = page.ask("/assets/vega.js", Accept_Encoding="gzip")
    plain = page.ask("/assets/vega.js")

    assert packed.headers["content-encoding"] == "gzip"
    assert 2 * len(packed.body) < len(plain.body)
    assert "content-encoding" not in plain.headers


def test_text_that_a_spreadsheet_would_run_stays_text(store: Database, assets: Assets) -> None:
    store_batch(store, [row for formula in FORMULAS for row in counts(0, kind=formula)])
    with served(store, assets) as page:
        page.in_state("stopped")
        rows = csv.DictReader(io.StringIO(page.ask("/data/kinds.csv").text))
        shown = {row["crime_type"] for row in rows}
        as_json = {row["crime_type"] for row in page.rows("/data/kinds.json")}

    # What a terminal would act on is escaped before.
    assert shown == {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "\\tx", "\\rx"}
    assert as_json == set(FORMULAS)


def test_hostile_text_is_data_in_json_and_never_markup(store: Database, assets: Assets) -> None:
    kind = "</script><img src=x onerror=alert(1)>\u2028 日本"
    store_batch(store, counts(0, kind=kind))
    with served(store, assets) as page:
        page.in_state("stopped")
        answer = page.ask("/data/kinds.json")

    assert answer.body.isascii()
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["rows"][0]["crime_type"] == kind


def test_without_a_store_there_is_a_page_and_no_rows(store: Database, assets: Assets) -> None:
    with served(store, assets) as page:
        page.in_state("none")
        assert page.ask("/").status == 200
        assert page.ask("/data/state.json").json["note"].startswith("there is no store yet: run `make run-stream`")
        for panel in PANELS:
            assert page.ask(f"/data/{panel}.json").json == {"is_newest": True, "rows": []}


def test_a_store_that_fails_is_said_in_one_line(live: Served, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # As between two looks at it.
    monkeypatch.setattr(live.watcher, "_look", lambda: live.watcher.snapshot)
    with store.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE rejected")

    answer = live.ask("/data/rejected.json")

    assert answer.status == 503
    assert answer.text.startswith(f"{store.where} was deleted or replaced while it was in use: ")
    assert answer.text.endswith("\n")
    assert answer.text.count("\n") == 1
    assert HEADERS.items() <= answer.headers.items()


def test_a_fault_of_ours_tells_nothing_and_has_the_headers(live: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(Panels, "rows", broken)

    answer = live.ask("/data/books.json")

    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert HEADERS.items() <= answer.headers.items()


def test_a_viewer_has_the_state_at_once_and_a_message_for_each_commit(live: Served, store: Database) -> None:
    with live.events() as events:
        assert (events.status, events.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
        assert HEADERS.items() <= {name.lower(): text for name, text in events.getheaders()}.items()
        first = message(events)
        assert (first["state"], first["batch"]["batch"]) == ("stopped", 0)
        for number in (1, 2, 3):
            store_batch(store, counts(2 + number))
            then = message(events)
            assert (then["version"], then["batch"]["batch"]) == (first["version"] + number, number)
            assert then["last"] == str(START + timedelta(hours=2 + number))
        assert live.ask("/data/state.json").json == then


def test_a_viewer_that_takes_packed_answers_waits_for_no_more_either(page: Served) -> None:
    with page.events(Accept_Encoding="gzip", seconds=20) as events:
        assert events.getheader("content-encoding") is None
        assert message(events)["state"] == "stopped"


def test_many_viewers_cost_one_look(live: Served, store: Database) -> None:
    with ExitStack() as opened:
        viewers = [opened.enter_context(live.events()) for _ in range(30)]
        for viewer in viewers:
            assert message(viewer)["batch"]["batch"] == 0

        store_batch(store, counts(5))

        assert {message(viewer)["batch"]["batch"] for viewer in viewers} == {1}


def test_a_viewer_that_slept_gets_the_newest_alone(live: Served, store: Database) -> None:
    for number in range(3):
        store_batch(store, counts(5 + number))
    live.in_state("stopped")
    with live.events() as events:
        # What has been committed before, however often, is one message.
        newest = message(events)
        while newest["batch"]["batch"] < 3:
            newest = message(events)
        assert newest["last"] == str(START + timedelta(hours=7))


def test_a_viewer_hears_that_nothing_is_new(live: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sf_police.page.server._SECONDS_BETWEEN_SIGNS", 0.05)
    with live.events() as events:
        message(events)
        assert events.readline() == b"retry: 1000\n"
        lines = [events.readline() for _ in range(5)]

    assert lines == [b"\n", b": nothing new\n", b"\n", b": nothing new\n", b"\n"]


def test_viewers_do_not_keep_the_server_from_ending(store: Database, assets: Assets) -> None:
    store_batch(store, counts(0))
    with ExitStack() as opened:
        with served(store, assets) as page:
            page.in_state("stopped")
            viewers = [opened.enter_context(page.events()) for _ in range(5)]
            for viewer in viewers:
                message(viewer)
            began = time.monotonic()
        assert time.monotonic() - began < 10
        for viewer in viewers:
            assert b"data:" not in viewer.read()  # to its end
    with pytest.raises(OSError, match=r"refused"):
        page.ask("/")


def test_a_page_can_be_woken_before_and_after_its_server_runs(store: Database, assets: Assets) -> None:
    with served(store, assets) as page:
        page.in_state("none")
    page.page.wake()


def test_a_port_in_use_is_refused_by_name() -> None:
    with closing(listening("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(UsageError) as refused:
            listening("127.0.0.1", port)

    assert str(refused.value) == (
        f"DASHBOARD_PORT={port}: cannot listen on 127.0.0.1: Address already in use: choose another port"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a..b", "x" * 64 + ".example", "::ffff:g"])
def test_an_address_that_is_not_this_machines_is_refused_by_name(host: str) -> None:
    with pytest.raises(UsageError) as refused:
        listening(host, 0)

    assert str(refused.value).startswith(f"DASHBOARD_HOST={host}: cannot listen there: ")
    assert str(refused.value).endswith(": name an address of this machine")
    assert "\n" not in str(refused.value)


def test_a_port_can_be_had_again_at_once(store: Database, assets: Assets) -> None:
    with served(store, assets) as page:
        page.ask("/")
    with closing(listening("127.0.0.1", page.port)):
        pass


def test_no_file_of_the_package_is_among_the_assets(assets: Assets) -> None:
    assert sorted(assets.names) == [
        "app.js", "charts.js", "choice.js", "choose.js", "icon.svg", "index.html", "page.css", "page.js", "panels.js",
        "specs.json", "status.js", "tables.js", "trace.js", "vega.js",
    ]  # fmt: skip
    assert {Path(name).suffix for name in assets.names} & {".py", ".db"} == set()
    assert json.loads(assets.read("specs.json"))
