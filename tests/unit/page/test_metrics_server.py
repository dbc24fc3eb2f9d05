"""Metrics over HTTP: one address on loopback, asked for by its own name."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UsageError
from sf_police.page.health import Health
from sf_police.page.metrics import StoreMetrics
from sf_police.page.metrics_server import served
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.topic.probe import Probed
from tests.support.brokers import free_ports
from tests.support.builders import store_batch
from tests.support.metrics import Answer, samples_of

PROBES = {"/healthz": lambda: Health(True, "the stream is running"), "/readyz": lambda: Health(False, "not yet")}


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[StoreMetrics]:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        store_batch(database, late=3)
        yield StoreMetrics(StoreReader(database), Answer(Probed(is_reachable=False)))


@pytest.fixture
def port(metrics: StoreMetrics) -> Iterator[int]:
    port = free_ports()
    with served(metrics, PROBES, port) as address:
        assert address == f"http://127.0.0.1:{port}/metrics"
        yield port


def get(port: int, path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()


@pytest.mark.parametrize("path", ["/metrics", "/metrics?name[]=anything"])
def test_the_metrics_are_served(port: int, path: str) -> None:
    answer, text = get(port, path)

    assert (answer.status, answer.getheader("Content-Type")) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert samples_of(text)[("sf_police_records_total", (("outcome", "late"),))] == 3
    assert answer.getheader("Server") == "sf-police"


def test_openmetrics_is_negotiated(port: int) -> None:
    answer, text = get(port, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")

    assert str(answer.getheader("Content-Type")).startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics/../x", "/%6detrics"])
def test_nothing_else_is(port: int, path: str) -> None:
    answer, text = get(port, path)

    assert (answer.status, text) == (404, "the metrics are at /metrics, the probes at /healthz and /readyz\n")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "status", "line"),
    [("/healthz", 200, "the stream is running\n"), ("/readyz?verbose", 503, "error: not yet\n")],
)
def test_probes_are_answered(port: int, method: str, path: str, status: int, line: str) -> None:
    answer, text = get(port, path, method)

    assert (answer.status, text) == (status, line if method == "GET" else "")
    assert answer.getheader("Content-Length") == str(len(line))


def test_on_another_address_any_name_may_ask_as_a_probe_in_a_pod_does(metrics: StoreMetrics) -> None:
    port = free_ports()
    with served(metrics, PROBES, port, host="0.0.0.0") as address:  # what METRICS_HOST is for
        assert address == f"http://0.0.0.0:{port}/metrics"
        assert get(port, "/healthz", Host=f"10.1.2.3:{port}")[0].status == 200


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_this_machines_is_one_line(metrics: StoreMetrics, host: str) -> None:
    with pytest.raises(UsageError) as refused, served(metrics, PROBES, free_ports(), host=host):
        pytest.fail("it listens")

    assert refused.value.what.startswith(f"METRICS_HOST={host}: cannot listen there: ")
    assert refused.value.remedy == "name an address of this machine"


def test_nothing_can_be_sent(port: int) -> None:
    assert get(port, method="POST")[0].status == 501


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:9464", "LOCALHOST:1", "[::1]:9464"])
def test_own_names_are_answered(port: int, host: str) -> None:
    assert get(port, Host=host)[0].status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:9464", "[", "", "127.0.0.1@evil.example"])
def test_a_name_that_others_have_given_this_address_is_refused(port: int, host: str) -> None:
    answer, text = get(port, Host=host)

    assert answer.status == 421
    assert text == "error: this is a server for this machine: ask for 127.0.0.1 or localhost\n"


def test_a_client_that_goes_away_leaves_no_traceback(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as gone:
        gone.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert get(port)[0].status == 200

    assert capsys.readouterr() == ("", "")


def test_a_port_that_is_taken_is_one_line(metrics: StoreMetrics, port: int) -> None:
    with pytest.raises(SfPoliceError) as refused, served(metrics, PROBES, port):
        pytest.fail("both listen")

    what = f"cannot serve the metrics at port {port}: {os.strerror(errno.EADDRINUSE)}"
    assert (refused.value.what, refused.value.remedy) == (what, "set METRICS_PORT to another one")


def test_the_port_is_free_afterwards(metrics: StoreMetrics) -> None:
    port = free_ports()
    for _ in range(2):
        with served(metrics, PROBES, port):
            assert get(port)[0].status == 200
    with pytest.raises(ConnectionRefusedError):
        get(port)
