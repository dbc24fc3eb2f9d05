"""The JVM as a process: a fake one, which never answers, is interrupted, or ends by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest
from pyspark import SparkConf

from sf_police.spark import gateway
from sf_police.stop import Stop
from sf_police.topic.java_properties import parse_properties
from tests.support.waiting import eventually

LAUNCHED = r"""#!/bin/sh
case "$*" in
  *launcher.Main*) echo "Picked up JAVA_TOOL_OPTIONS: x"; printf '\000\n%s\000jvm\000' "$0" ;;
  *) echo $$ >> "$PIDS"; JVM ;;
esac
"""


@pytest.fixture
def output(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "spark.log").open("wb") as file:
        yield file


@pytest.fixture
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    Stop().listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def a_java(folder: Path, jvm: str) -> Path:
    java = folder / "java"
    java.write_text(LAUNCHED.replace("JVM", jvm))
    java.chmod(0o755)
    return java


def start(java: Path, folder: Path, output: IO[bytes], conf: SparkConf | None = None) -> None:
    environ = {"PATH": os.environ["PATH"], "SPARK_HOME": "/spark", "PIDS": str(folder / "pids")}
    conf = conf or SparkConf(loadDefaults=False)
    gateway.start_gateway(conf, java=java, environ=environ, output=output)


def is_gone(pid: int) -> bool:
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode != 0


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_jvm_starts_leaves_none(tmp_path: Path, output: IO[bytes], number: int) -> None:
    pids = tmp_path / "pids"

    def interrupt() -> None:
        eventually(lambda: int(pids.read_text()), FileNotFoundError, ValueError)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        start(a_java(tmp_path, "exec sleep 300"), tmp_path, output)
    thread.join()

    assert is_gone(int(pids.read_text()))
    assert gateway._running == set()


@pytest.mark.parametrize("code", [0, 1])
def test_a_jvm_that_ends_by_itself_is_an_error_whatever_its_code(tmp_path: Path, output: IO[bytes], code: int) -> None:
    with pytest.raises(gateway.JvmEndedError):
        start(a_java(tmp_path, f"echo so it ended; exit {code}"), tmp_path, output)

    assert (tmp_path / "spark.log").read_text() == "so it ended\n"
    assert gateway._running == set()


def test_a_launcher_that_fails_is_an_error_and_what_it_says_is_kept(tmp_path: Path, output: IO[bytes]) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'Error: agent library failed to init'; exit 1\n")
    java.chmod(0o755)

    with pytest.raises(gateway.JvmEndedError):
        start(java, tmp_path, output)

    assert (tmp_path / "spark.log").read_text() == "Error: agent library failed to init\n"


def test_a_process_is_ended_once_and_for_all() -> None:
    process = subprocess.Popen(["sleep", "300"], stdin=subprocess.PIPE)

    gateway.end(process)
    gateway.end(process)

    assert process.returncode == -signal.SIGKILL


def test_no_option_is_on_the_command_line_and_nobody_else_can_read_the_file(tmp_path: Path, output: IO[bytes]) -> None:
    options = {"spark.hadoop.fs.s3a.secret.key": "c4nary", "spark.a": ' é=#\\ "x y"\n😀 '}
    conf = SparkConf(loadDefaults=False).setAll(list(options.items()))
    java = tmp_path / "java"
    java.write_text(
        f"""#!/bin/sh
echo "$*" > {tmp_path}/arguments
while [ "$1" != --properties-file ]; do shift; done
cp "$2" {tmp_path}/options; ls -ld "${{2%/*}}" > {tmp_path}/rights; exit 1
"""
    )
    java.chmod(0o755)

    with pytest.raises(gateway.JvmEndedError):
        start(java, tmp_path, output, conf)

    assert "c4nary" not in (tmp_path / "arguments").read_text()
    assert (tmp_path / "rights").read_text().startswith("drwx------")
    assert parse_properties((tmp_path / "options").read_text("ascii")) == options


def test_the_jvm_of_a_submit_is_left_alone() -> None:
    class Gateway:
        proc = None

        def shutdown(self) -> None:
            raise AssertionError("it is not ours")

    gateway.stop_gateway(Gateway())


@pytest.mark.parametrize(("seconds", "code"), [(30.0, 0), (0.05, -signal.SIGKILL)])
def test_a_jvm_has_the_time_to_end_that_it_is_given(seconds: float, code: int) -> None:
    # As one that writes the archive of classes when its standard input is closed.
    process = subprocess.Popen(["sh", "-c", "cat; exec sleep 1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    gateway.stop_gateway(SimpleNamespace(proc=process, shutdown=lambda: None), seconds=seconds)

    assert process.returncode == code
