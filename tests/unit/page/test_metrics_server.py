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
from sf_police.errors import SfPoliceError
from sf_police.page.metrics import StoreMetrics
from sf_police.page.metrics_server import served
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.topic.probe import Probed
from tests.support.brokers import free_ports
from tests.support.builders import store_batch
from tests.support.metrics import Answer, samples_of


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[StoreMetrics]:
    with closing(open_database(f"sqlite:///{tmp_path / 'answers.db'}", QUESTION)) as database:
        store_batch(database, late=3)
        yield StoreMetrics(StoreReader(database), Answer(Probed(is_reachable=False)))


@pytest.fixture
def port(metrics: StoreMetrics) -> Iterator[int]:
    port = free_ports()
    with served(metrics, port) as address:
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

    assert (answer.status, text) == (404, "the metrics are at /metrics\n")


def test_nothing_can_be_sent(port: int) -> None:
    assert get(port, method="POST")[0].status == 501


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:9464", "LOCALHOST:1"])
def test_own_names_are_answered(port: int, host: str) -> None:
    assert get(port, Host=host)[0].status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:9464", "[", "", "127.0.0.1@evil.example"])
def test_a_name_that_others_have_given_this_address_is_refused(port: int, host: str) -> None:
    answer, text = get(port, Host=host)

    assert answer.status == 421
    assert text == "error: this is a server for this machine: ask for 127.0.0.1 or localhost\n"


def test_a_client_that_goes_away_leaves_no_traceback(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as gone:
        gone.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert get(port)[0].status == 200

    assert capsys.readouterr() == ("", "")


def test_a_port_that_is_taken_is_one_line(metrics: StoreMetrics, port: int) -> None:
    with pytest.raises(SfPoliceError) as refused, served(metrics, port):
        pytest.fail("both listen")

    what = f"cannot serve the metrics at port {port}: {os.strerror(errno.EADDRINUSE)}"
    assert (refused.value.what, refused.value.remedy) == (what, "set METRICS_PORT to another one")


def test_the_port_is_free_afterwards(metrics: StoreMetrics) -> None:
    port = free_ports()
    for _ in range(2):
        with served(metrics, port):
            assert get(port)[0].status == 200
    with pytest.raises(ConnectionRefusedError):
        get(port)
