"""The scripts that manage the local brokers: twice, stale, foreign, taken, dying, spaces, another install, three."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from tests.support.brokers import free_ports, run_script
from tests.support.environment import ROOT, clean_environment
from tests.support.waiting import eventually


class Scripts:
    """The scripts with a state folder (its name has a space, an accent, an `&` and more) and ports of their own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.env = clean_environment(KAFKA_PORT=str(free_ports()), STATE_DIR=str(state), KAFKA_START_TIMEOUT="60")
        self.port = int(self.env["SF_POLICE_KAFKA_PORT"])

    def run(self, verb: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return run_script(f"kafka-{verb}.sh", {**self.env, **clean_environment(**extra)})

    def pid_file(self, broker: int = 0) -> Path:
        return self.state / "kafka" / f"broker-{broker}" / "kafka.pid"

    def pid(self, broker: int = 0) -> int:
        return int(self.pid_file(broker).read_text())


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    scripts = Scripts(tmp_path / "a é & %20 ü|\\ folder")
    yield scripts
    scripts.run("stop")


def is_alive(pid: int) -> bool:
    # A process that ended stays as a zombie until whoever is its parent by now asks for it.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_start_status_and_stop_twice_and_the_data_stays(scripts: Scripts) -> None:
    assert scripts.run("status").returncode == 3
    assert scripts.run("stop").returncode == 0

    assert scripts.run("start").returncode == 0
    pid = scripts.pid()
    again = scripts.run("start")
    assert (again.returncode, scripts.pid()) == (0, pid)
    assert f"already running (pid {pid})" in again.stderr
    assert scripts.run("status").returncode == 0
    admin = KafkaAdminClient(bootstrap_servers=f"localhost:{scripts.port}")
    admin.create_topics({"kept": {"num_partitions": 1}})
    admin.close()

    assert scripts.run("stop").returncode == 0
    assert not is_alive(pid)
    assert not scripts.pid_file().exists()
    assert scripts.run("stop").returncode == 0
    assert scripts.run("start").returncode == 0
    admin = KafkaAdminClient(bootstrap_servers=f"localhost:{scripts.port}")
    assert "kept" in admin.list_topics()
    admin.close()


def test_an_id_of_a_cluster_may_start_with_a_dash(scripts: Scripts) -> None:
    # One random id of 64 does.
    scripts.pid_file().parent.parent.mkdir(parents=True)
    (scripts.state / "kafka" / "cluster.id").write_text("-l-jJQqegjlw-QQw0P73dA\n")

    assert scripts.run("start").returncode == 0


def test_a_stale_pid_file_is_cleaned_and_the_foreign_process_untouched(scripts: Scripts) -> None:
    foreign = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "kafka.Kafka"])
    try:
        scripts.pid_file().parent.mkdir(parents=True)
        scripts.pid_file().write_text(f"{foreign.pid}\n")

        assert scripts.run("status").returncode == 3
        started = scripts.run("start")
        assert started.returncode == 0, started.stderr
        assert "stale pid file" in started.stderr
        assert scripts.pid() != foreign.pid
        scripts.run("stop")
        scripts.pid_file().write_text(f"{foreign.pid}\n")
        assert scripts.run("stop").returncode == 0
        assert foreign.poll() is None
        assert not scripts.pid_file().exists()
    finally:
        foreign.kill()
        foreign.wait()


@pytest.mark.parametrize("further", [0, 1], ids=["the broker's port", "the controller's port"])
def test_a_port_that_is_taken_is_named(scripts: Scripts, further: int) -> None:
    with socket.create_server(("127.0.0.1", scripts.port + further)):
        started = scripts.run("start")

    assert started.returncode == 1
    assert f"port {scripts.port + further} is in use by another program: stop it, or set KAFKA_PORT" in started.stderr
    assert not scripts.pid_file().exists()


@pytest.mark.parametrize("further", [0, 1], ids=["the broker's port", "the controller's port"])
def test_a_port_that_is_taken_without_an_answer_is_named_as_well(scripts: Scripts, further: int) -> None:
    # As by a connection that goes out from it.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", scripts.port + further))
        started = scripts.run("start")

    assert started.returncode == 1
    port = scripts.port + further
    assert f"died at start: another program has taken port {port}: run it again, or set KAFKA_PORT" in started.stderr
    assert f"failed to bind to localhost:{port}" in started.stderr

    # Its errors were those of that start.
    again = scripts.run("start", KAFKA_HEAP_OPTS="-Xmx1k")
    assert again.returncode == 1
    assert "another program" not in again.stderr
    assert scripts.run("start").returncode == 0


def test_a_broker_that_dies_at_start_shows_its_log(scripts: Scripts) -> None:
    started = scripts.run("start", KAFKA_HEAP_OPTS="-Xmx1k")

    assert started.returncode == 1
    assert "the last lines of" in started.stderr
    assert "heap" in started.stderr.lower()
    assert not scripts.pid_file().exists()


def test_a_broker_that_stopped_answering_is_killed_in_the_end(scripts: Scripts) -> None:
    assert scripts.run("start").returncode == 0
    pid = scripts.pid()
    os.kill(pid, signal.SIGSTOP)

    stopped = scripts.run("stop", KAFKA_STOP_TIMEOUT="1")

    assert stopped.returncode == 0
    assert "killing it" in stopped.stderr
    assert not is_alive(pid)


def test_data_of_other_brokers_is_refused(scripts: Scripts) -> None:
    assert scripts.run("start").returncode == 0
    scripts.run("stop")

    started = scripts.run("start", KAFKA_BROKERS="3")

    assert started.returncode == 1
    assert "set KAFKA_PORT and KAFKA_BROKERS as they were, or run `make kafka-clean`" in started.stderr


def test_three_brokers_replicate_and_one_may_go(scripts: Scripts) -> None:
    scripts.env["SF_POLICE_KAFKA_BROKERS"] = "3"
    started = scripts.run("start")
    assert started.returncode == 0, started.stderr

    os.kill(scripts.pid(2), signal.SIGKILL)
    servers = [f"localhost:{scripts.port + 2 * broker}" for broker in range(2)]

    def create_on_two() -> None:
        # The controller may have been on the third: the two others elect one.
        admin = KafkaAdminClient(bootstrap_servers=servers)
        try:
            if "kept" not in admin.list_topics():
                admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 2}})
        finally:
            admin.close()

    eventually(create_on_two, KafkaError)
    assert scripts.run("status").returncode == 3
    assert scripts.run("start").returncode == 0

    def replicated() -> dict[str, Any]:
        admin = KafkaAdminClient(bootstrap_servers=f"localhost:{scripts.port + 4}")
        try:
            if "replicated" not in admin.list_topics():
                admin.create_topics({"replicated": {"num_partitions": 1}}, wait_for_metadata=True)
            return next(iter(admin.describe_topics(["replicated"])))
        finally:
            admin.close()

    topic = eventually(replicated, KafkaError)
    assert len(topic["partitions"][0]["replica_nodes"]) == 3
    assert scripts.run("stop").returncode == 0


def test_another_install_of_kafka_is_used_when_named(scripts: Scripts, tmp_path: Path) -> None:
    command = f'source "{ROOT}/scripts/lib.sh" && echo "$KAFKA_HOME"'
    shown = subprocess.run(["bash", "-c", command], env=scripts.env, capture_output=True, text=True, check=True)
    other = tmp_path / "another install"
    shutil.copytree(Path(shown.stdout.strip()) / "libs", other / "libs", copy_function=os.link)

    started = scripts.run("start", KAFKA_HOME=str(other))

    assert started.returncode == 0, started.stderr
    line = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(scripts.pid())], capture_output=True, text=True, check=True
    )
    assert f"-cp {other}/libs/*" in line.stdout


@pytest.mark.parametrize(
    ("extra", "code", "message"),
    [
        ({"KAFKA_PORT": "x"}, 2, "KAFKA_PORT=x: expected a port"),
        ({"KAFKA_BROKERS": "0"}, 2, "KAFKA_BROKERS=0: expected a number from 1 to 9"),
        ({"KAFKA_HOME": "/nowhere"}, 1, "no Kafka in '/nowhere'"),
        ({"JAVA_HOME": "/nowhere"}, 1, "no Java at '/nowhere/bin/java'"),
    ],
)
def test_settings_that_cannot_be_are_refused(scripts: Scripts, extra: dict[str, str], code: int, message: str) -> None:
    started = scripts.run("start", **extra)

    assert started.returncode == code
    assert message in started.stderr


def test_an_unsupported_java_is_refused(scripts: Scripts, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)

    started = scripts.run("start", JAVA_HOME=str(tmp_path))

    assert started.returncode == 1
    assert "is Java 11: install Java 17 or 21" in started.stderr


def test_an_altered_jar_is_refused_and_nothing_is_installed(tmp_path: Path) -> None:
    # A mirror of the user's own that gives something else: no network is needed to see it.
    jars = tmp_path / "jars"
    env = clean_environment(JARS_DIR=str(jars), MAVEN_REPO="http://127.0.0.1:1/none/")

    installed = run_script("kafka-install.sh", env)

    assert installed.returncode == 1
    assert "could not fetch the jars" in installed.stderr
    assert list(jars.iterdir()) == []


def test_a_jar_that_was_altered_after_the_install_is_noticed(tmp_path: Path) -> None:
    command = f'source "{ROOT}/scripts/lib.sh" && echo "$JARS"'
    shown = subprocess.run(["bash", "-c", command], env=clean_environment(), capture_output=True, text=True, check=True)
    jars = tmp_path / "jars"
    shutil.copytree(shown.stdout.strip(), jars, ignore=shutil.ignore_patterns("incoming.*"))
    env = clean_environment(JARS_DIR=str(jars), MAVEN_REPO="http://127.0.0.1:1/none/")
    assert run_script("kafka-install.sh", env).returncode == 0  # complete: no network is asked for

    next(jars.glob("connector-*/kafka-clients-*.jar")).open("ab").write(b"x")

    installed = run_script("kafka-install.sh", env)
    assert installed.returncode == 1
    assert "could not fetch the jars of connector" in installed.stderr


def test_wait_until_takes_a_success_that_comes_at_the_last_moment(tmp_path: Path) -> None:
    script = f"""
    source "{ROOT}/scripts/lib.sh"
    late() {{ [[ "${{SECONDS}}" -ge 1 ]]; }}
    wait_until 1 late && ! wait_until 0 false && wait_until 0 true
    """

    assert subprocess.run(["bash", "-euc", script], env=clean_environment(), check=False).returncode == 0
