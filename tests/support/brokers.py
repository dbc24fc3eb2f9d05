"""Brokers by the scripts: ports, start and stop, one for all tests, or some that a test may kill."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from tests.support.environment import ROOT, clean_environment
from tests.support.waiting import eventually


def free_ports(count: int = 10) -> int:
    """A port that is free, as are those after it: for ten, brokers and controllers of up to five.

    They lie below those that Linux (from 32768) and others (from 49152) give to connections: a free one of those may be
    taken by any connection of this machine before the server has started.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_768 - count)
        if all(is_free(port + further) for further in range(count)):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def run_script(name: str, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts" / name), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, cwd="/", check=False)


def answers(servers: str) -> bool:
    try:
        KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=1000).close()
    except KafkaError:
        return False
    return True


def kafka_by_scripts(state: Path, say_aloud: Callable[[str], None]) -> Iterator[str]:
    env = clean_environment(KAFKA_PORT=str(free_ports()), STATE_DIR=str(state))
    started = run_script("kafka-start.sh", env)
    try:
        assert started.returncode == 0, started.stderr
        servers = f"localhost:{env['KAFKA_PORT']}"
        say_aloud(f"kafka: one of our own, by scripts/kafka-start.sh, at {servers}")
        yield servers
    finally:
        stopped = run_script("kafka-stop.sh", env)
        assert stopped.returncode == 0, stopped.stderr


class Brokers:
    """Local brokers of a test's own, by the scripts."""

    def __init__(self, state: Path, count: int) -> None:
        self.env = clean_environment(KAFKA_PORT=str(free_ports()), STATE_DIR=str(state), KAFKA_BROKERS=str(count))
        self.state, self.count = state, count
        self.servers = ",".join(f"localhost:{int(self.env['KAFKA_PORT']) + 2 * n}" for n in range(count))

    def start(self) -> None:
        started = run_script("kafka-start.sh", self.env)
        assert started.returncode == 0, started.stderr

    def stop(self) -> None:
        run_script("kafka-stop.sh", self.env)

    def pid(self, broker: int = 0) -> int:
        return int((self.state / "kafka" / f"broker-{broker}" / "kafka.pid").read_text())

    def signal(self, number: int, broker: int = 0) -> None:
        os.kill(self.pid(broker), number)

    def wait_for_death(self) -> None:
        def is_dead() -> None:
            with suppress(ProcessLookupError):
                os.kill(self.pid(), 0)
                raise TimeoutError("the broker lives on")

        eventually(is_dead, TimeoutError)

    def kill(self, broker: int = 0) -> None:
        """kill -9; returns when the port is free, which a process that is ending keeps for a moment."""
        self.signal(signal.SIGKILL, broker)

        def ends_to_listen() -> None:
            with suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", int(self.env["KAFKA_PORT"]) + 2 * broker)).close()
                raise TimeoutError("the port is taken")

        eventually(ends_to_listen, TimeoutError, ConnectionResetError)
