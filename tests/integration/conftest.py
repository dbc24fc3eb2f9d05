"""A real broker, and the real commands.

`kafka` is, in this order: the broker that KAFKA_BOOTSTRAP_SERVERS names (never stopped); else a container, where a
Docker engine has or gets the image; else one of our own, started by scripts/ on free ports with a folder of its own.
It is never skipped. `--kafka-by` names one of the last two.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from pyspark.sql import SparkSession

from sf_police.config import resolve
from sf_police.spark.session import create_session, stop_session
from tests.integration import docker

T = TypeVar("T")
ROOT = Path(__file__).parent.parent.parent
# What the user has set must not reach the commands under test, but for where the jars and the broker are.
KEPT = ("PATH", "HOME", "JAVA_HOME", "JARS_DIR", "LANG", "TMPDIR", "KAFKA_HOME", "SF_POLICE_REAL_FILE", "VIRTUAL_ENV")


def clean_environment(**extra: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHON": sys.executable, "PYSPARK_PYTHON": sys.executable, **extra}


def free_ports() -> int:
    """A port that is free, as are the nine after it: brokers and controllers of up to five."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 64_000 and all(is_free(port + further) for further in range(10)):
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


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, say_aloud: Callable[[str], None]
) -> Iterator[str]:
    """Address of a broker that answers."""
    way = request.config.getoption("--kafka-by")
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if servers and way == "auto":
        say_aloud(f"kafka: yours, at {servers}")
        yield servers
    elif way == "docker" or (way == "auto" and docker.can_run_image()):
        servers = f"localhost:{request.getfixturevalue('kafka_test_port')}"
        try:
            services = request.getfixturevalue("docker_services")
            services.wait_until_responsive(lambda: answers(servers), timeout=90, pause=0.5)
        except Exception:
            # pytest-docker leaves behind what it could not start.
            say_aloud(docker.logs())
            docker.down()
            raise
        say_aloud(f"kafka: a container of {docker.image()}, at {servers}")
        yield servers
    else:
        yield from kafka_by_scripts(tmp_path_factory.mktemp("broker"), say_aloud)


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


def eventually(action: Callable[[], T], *errors: type[Exception], seconds: float = 60) -> T:
    """Result of the action, which may fail with these errors for some time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except errors:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def answers(servers: str) -> bool:
    try:
        KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=1000).close()
    except KafkaError:
        return False
    return True


@pytest.fixture(scope="session")
def kafka_test_port() -> str:
    """The container's port, here and in its advertised listener; compose reads it from the environment."""
    os.environ["KAFKA_TEST_PORT"] = str(free_ports())
    return os.environ["KAFKA_TEST_PORT"]


@pytest.fixture(scope="session")
def docker_compose_command() -> str:
    return docker.compose_command()


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(docker.COMPOSE_FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return docker.PROJECT


@pytest.fixture(scope="session")
def docker_setup(kafka_test_port: str) -> list[str]:
    """What a run before may have left goes first. docker-compose 1 knows no --wait: `kafka` asks the broker itself."""
    return ["down -v", "up -d"]


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    return ["down -v"]


@pytest.fixture(scope="session")
def say_aloud(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line although pytest captures."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}")

    return say


class Job:
    """A topic and a state folder of a test's own, and the commands on them."""

    def __init__(self, kafka: str, topic: str, state: Path) -> None:
        self.kafka, self.topic, self.state = kafka, topic, state
        self.env = clean_environment(
            KAFKA_BOOTSTRAP_SERVERS=kafka, KAFKA_TOPIC=topic, STATE_DIR=str(state), SPARK_DRIVER_MEMORY="1g"
        )

    def run(self, *arguments: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run `sf-police` with these arguments to its end."""
        command = [sys.executable, "-m", "sf_police", *arguments]
        done = subprocess.run(
            command, env={**self.env, **extra}, capture_output=True, text=True, timeout=240, cwd=ROOT, check=False
        )
        if check:
            assert done.returncode == 0, f"{arguments} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        """Start `sf-police` with these arguments, in a process group of its own."""
        command = [sys.executable, "-m", "sf_police", *arguments]
        return subprocess.Popen(
            command, env={**self.env, **extra}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip

    def send(self, *values: bytes | None, partition: int | None = 0, key: bytes | None = b"k", **more: object) -> None:
        """Put records into the topic as they are; `more` as kafka-python's `send` has it."""
        with KafkaProducer(bootstrap_servers=self.kafka) as producer:
            for future in [producer.send(self.topic, value, key=key, partition=partition, **more) for value in values]:
                future.get(timeout=30)


def books(output: str) -> dict[str, int]:
    """The numbers of the books line."""
    [line] = [line for line in output.splitlines() if line.startswith("books: ")]
    assert "DO NOT BALANCE" not in line
    return {name: int(number.replace(",", "")) for name, number in re.findall(r"(\w+) ([\d,]+)", line)}


@pytest.fixture
def make_job(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Job]]:
    """Makes a job whose topic is thrown away after the test."""
    yield from jobs(kafka, tmp_path, request)


def jobs(kafka: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Job]]:
    topics: list[str] = []

    def make(partitions: int = 3) -> Job:
        name = re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name)[:60]
        topic = f"pytest-{name}-{uuid.uuid4().hex[:8]}"
        topics.append(topic)
        job = Job(kafka, topic, folder / f"state {len(topics)}")
        if partitions:
            job.run("create-topic", PARTITIONS=str(partitions))
        return job

    yield make
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.delete_topics(sorted(set(topics) & set(admin.list_topics())))
    admin.close()


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """A job with a new topic of three partitions."""
    return make_job()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SparkSession]:
    """A session as the stream has it, in this process."""
    session = create_session(
        resolve({"state_dir": str(tmp_path), "spark_master": "local[2]", "jars_dir": os.environ.get("JARS_DIR")})
    )
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    stop_session(session)
