"""The command `dashboard`, as it is typed."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.commands import dashboard
from sf_police.commands.run import Run
from sf_police.page import server
from sf_police.stop import Stop
from sf_police.store.database import Database
from tests.support.brokers import free_ports
from tests.support.builders import store_batch
from tests.support.environment import ROOT, SETTINGS, clean_environment
from tests.support.pages import message
from tests.support.question import resolve
from tests.support.waiting import wait_for_line

COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 6)]


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jars_dir: Path) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"SF_POLICE_{name}", raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SF_POLICE_JARS_DIR", str(jars_dir))


@contextmanager
def dashboard_process(tmp_path: Path, jars_dir: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A real one, once it listens; and its port."""
    port = free_ports()
    env = clean_environment(STATE_DIR=str(tmp_path), JARS_DIR=str(jars_dir))
    command = [sys.executable, "-m", "sf_police", "dashboard", "--dashboard-port", str(port), *arguments]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=-1, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = wait_for_line(process, "dashboard: ")
            assert line == f"dashboard: http://127.0.0.1:{port}/ (Ctrl-C ends it)\n"
            yield process, port
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_its_viewers_and_leaves_nothing(
    tmp_path: Path, jars_dir: Path, store: Database, number: signal.Signals
) -> None:
    store_batch(store, COUNTS)
    store.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with dashboard_process(tmp_path, jars_dir) as (process, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            assert answer.read().startswith(b"<!doctype html>")
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/events")
            with closing(connection.getresponse()) as viewer:
                while message(viewer)["state"] != "stopped":
                    pass

                process.send_signal(number)

                viewer.read()  # to its end
        out, error = process.communicate(timeout=60)

    assert (process.returncode, out, error) == (0, "", "")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=20)


def test_without_a_store_it_serves_and_makes_none(tmp_path: Path, jars_dir: Path) -> None:
    with dashboard_process(tmp_path / "none", jars_dir) as (process, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/data/state.json", timeout=60) as answer:
            assert b'"state": "' in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0

    assert list(tmp_path.iterdir()) == []


def test_a_page_elsewhere_cannot_ask_it(tmp_path: Path, jars_dir: Path) -> None:
    with dashboard_process(tmp_path, jars_dir) as (_, port):
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/data/books.json", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(asked, timeout=60):
            pass
        with closing(refused.value):
            assert refused.value.code == 421


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing or name == server.__name__]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("sf_police.page.server")
    monkeypatch.setitem(sys.modules, missing, None)

    assert main(["dashboard"]) == 1

    said = capsys.readouterr().err
    assert said.startswith("error: the dashboard needs packages that are not installed (")
    assert missing in said
    assert said.endswith("): install the extra `dashboard`\n")
    assert said.count("\n") == 1


def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        reason = "cannot listen on 127.0.0.1: Address already in use: choose another port\n"

        assert main(["dashboard", "--dashboard-port", str(port)]) == 2
        assert capsys.readouterr().err == f"error: --dashboard-port {port}: {reason}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dashboard-port", "0"], "error: --dashboard-port 0: expected a whole number from 1 to 65,535\n"),
        (["--dashboard-host", "a b"], "error: --dashboard-host a b: expected an address or a host name, such as "
         "127.0.0.1\n"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["dashboard", *arguments]) == 2
    assert capsys.readouterr().err == said


def ended_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jars_dir: Path, host: str) -> tuple[Any, ...]:
    """What it does if Ctrl-C comes as soon as it listens; on loopback, whatever the host. And who may ask."""
    names: list[tuple[str, ...]] = []
    app = server.Page.app
    monkeypatch.setattr(server, "listening", lambda host, port: socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setattr(server.Page, "app", lambda self, hosts: names.append(hosts) or app(self, hosts))
    stop = Stop()
    stop.signal = signal.SIGINT
    settings = {"state_dir": str(tmp_path), "jars_dir": str(jars_dir), "dashboard_host": host}
    return dashboard.dashboard(Run(resolve(settings), QUESTION, stop)), *names


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]")],
)
def test_on_loopback_it_says_its_address_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, jars_dir: Path, host: str,
    address: str,
) -> None:  # fmt: skip
    names = ("localhost", "127.0.0.1", "[::1]")

    assert ended_at_once(monkeypatch, tmp_path, jars_dir, host) == (0, names)

    assert capsys.readouterr().err == f"dashboard: http://{address}:8050/ (Ctrl-C ends it)\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "my-machine.example"])
def test_elsewhere_it_says_what_that_means(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, jars_dir: Path, host: str
) -> None:
    assert ended_at_once(monkeypatch, tmp_path, jars_dir, host) == (0, ())

    _, warning = capsys.readouterr().err.splitlines()
    assert warning == (
        "whoever reaches port 8050 of this machine can read the store: there is no password and no encryption. "
        "Behind a proxy that has both, DASHBOARD_HOST is not needed"
    )


def test_a_server_that_ends_by_itself_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    closed.close()
    monkeypatch.setattr(server, "listening", lambda host, port: closed)
    monkeypatch.setattr("threading.excepthook", lambda _: None)  # of the server's thread

    assert main(["dashboard"]) == 1

    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: the dashboard's server has ended by itself: run it again with -v"
    )


def test_charts_that_are_made_are_not_made_again_at_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["make-page"]) == 0

    assert capsys.readouterr().err == ""


def test_charts_that_cannot_be_made_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SF_POLICE_JARS_DIR", str(tmp_path / "jars"))
    (tmp_path / "jars").write_text("a file in its place")

    assert main(["make-page"]) == 1

    making, error = capsys.readouterr().err.splitlines()
    assert making == "making the page's charts (once)"
    assert error.startswith(f"error: the page's charts cannot be made in {tmp_path}/jars/page-")
