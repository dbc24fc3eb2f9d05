"""Settings as commands take them, from flags and the environment, and output that cannot be written."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.store.database import open_database
from tests.support.builders import store_batch
from tests.support.environment import ROOT, SETTINGS, clean_environment

NOWHERE = "no broker at 127.0.0.1:1: run `make kafka-start`\n"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"SF_POLICE_{name}", raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(list(arguments))
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "text", "note"),
    [
        ("MAX_OFFSETS_PER_TRIGGER", "200", "MAX_OFFSETS_PER_TRIGGER=200"),
        ("WINDOW", "1 hour", "WINDOW=1 hour"),
        ("STORE", "postgresql+psycopg://me:secret@db/x", "STORE"),
    ],
)
def test_a_bare_name_that_would_be_valid_is_said_with_the_right_form(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, text: str, note: str
) -> None:
    monkeypatch.setenv(variable, text)
    line = f"note: {note} in the environment is ignored: set SF_POLICE_{variable}\n"

    assert said(capsys, "stream") == f"{line}error: {NOWHERE}"
    assert said(capsys, "inspect") == f"error: {NOWHERE}"


@pytest.mark.parametrize(
    ("variable", "text"), [("WINDOW", "0"), ("KAFKA_PORT", "tcp://10.0.0.1:9092"), ("TRIGGER", "manual")]
)
def test_a_bare_name_that_is_somebody_elses_is_said_by_v_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    line = f"note: {variable}={text} in the environment is ignored: set SF_POLICE_{variable}\n"

    assert said(capsys, "stream") == f"error: {NOWHERE}"
    assert said(capsys, "stream", "-v").startswith(line)


def test_a_flag_leaves_nothing_to_say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WINDOW", "1 hour")

    assert said(capsys, "stream", "--window", "2 hours") == f"error: {NOWHERE}"


def test_a_command_checks_only_what_it_uses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SF_POLICE_WINDOW", "0")

    assert said(capsys, "inspect") == f"error: {NOWHERE}"
    assert said(capsys, "stream").startswith("error: WINDOW=0: expected ")


def test_an_unknown_name_of_ours_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SF_POLICE_WINDO", "1 hour")

    assert main(["answer"]) == 2
    assert capsys.readouterr().err == "error: SF_POLICE_WINDO is not a setting: did you mean SF_POLICE_WINDOW?\n"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a command whose store has one call, of a type with an accent."""
    state = tmp_path / "state"
    row = ("2018-10-12T14:00", "2018-10-12T14:30", "Café Noise", "Handled", 1)
    with closing(open_database(f"sqlite:///{state / 'answers.db'}", QUESTION)) as database:
        database.create()
        store_batch(database, [row])
    return clean_environment(STATE_DIR=str(state))


def answer(environ: dict[str, str], redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = f'exec "$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, "-m", "sf_police", "answer", *arguments],
        env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [
        (">&-", "it is closed"),
        (">&- <&-", "it is closed"),
        pytest.param(
            ">/dev/full",
            "No space left on device",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full"),
        ),
    ],
)
def test_output_that_cannot_be_written_is_one_line(
    environ: dict[str, str], redirection: str, reason: str, form: str
) -> None:
    done = answer(environ, redirection, "--format", form)

    assert (done.returncode, done.stderr) == (1, f"error: cannot write to standard output: {reason}\n")


def test_help_that_cannot_be_written_is_one_line(environ: dict[str, str]) -> None:
    done = answer(environ, ">&-", "--help")

    assert (done.returncode, done.stderr) == (1, "error: cannot write to standard output: it is closed\n")


@pytest.mark.parametrize("redirection", ["2>&-", "2>&- <&-"])
def test_without_standard_error_the_answer_is_the_same(environ: dict[str, str], redirection: str) -> None:
    expected, done = answer(environ, ""), answer(environ, redirection)

    assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, "")


@pytest.mark.parametrize(
    ("form", "text"), [("table", r"Caf\xe9 Noise"), ("csv", r"Caf\xe9 Noise"), ("json", r"Caf\u00e9 Noise")]
)
def test_what_an_encoding_lacks_is_shown_escaped(environ: dict[str, str], form: str, text: str) -> None:
    done = answer({**environ, "PYTHONIOENCODING": "ascii"}, "", "--format", form, "--by", "crime-type")

    assert done.returncode == 0, done.stderr
    assert text in done.stdout


def test_a_port_of_metrics_that_is_taken_is_said_before_anything_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = f"error: cannot serve the metrics at port {port}: {os.strerror(errno.EADDRINUSE)}"

        assert said(capsys, "stream", "--metrics-port", str(port)) == f"{line}: set METRICS_PORT to another one\n"


def test_metrics_without_their_package_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for name in ("metrics", "metrics_server"):
        monkeypatch.delitem(sys.modules, f"sf_police.page.{name}", raising=False)

    line = said(capsys, "stream", "--metrics-port", "9464")

    assert line.startswith("error: --metrics-port 9464 needs a package that is not installed (")
    assert "prometheus_client" in line
    assert line.endswith("): install the extra `dashboard`\n")
    assert said(capsys, "stream") == f"error: {NOWHERE}"


def test_an_interrupt_within_an_exec_ends_by_its_exit_code_too(tmp_path: Path) -> None:
    # As a dataclass is made by: Python would end by SIGINT later on, although the interrupt was caught.
    (tmp_path / "interrupted.py").write_text(
        "from sf_police import cli\n"
        "cli._run = lambda *_: exec('raise KeyboardInterrupt')\n"
        "raise SystemExit(cli.main(['answer']))\n"
    )

    env = {**clean_environment(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "interrupted"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (130, "interrupted\n")
