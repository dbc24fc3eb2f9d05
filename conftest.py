"""What every test may ask for: Spark on two cores without a broker or its jars; a real broker; a job on it.

`kafka` is, in this order: the broker that KAFKA_BOOTSTRAP_SERVERS names (never stopped); else a container, where a
Docker engine has or gets the image; else one of our own, started by scripts/ on free ports with a folder of its own.
It is never skipped. `--kafka-by` names one of the last two.
"""

from __future__ import annotations

import locale
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import hypothesis
import pyspark
import pytest
from pyspark.sql import SparkSession

from sf_police import config
from sf_police.environment import for_spark, given_settings, inherited
from sf_police.spark.options import MEANING
from sf_police.spark.session import create_session, stop_session
from tests.support import brokers, docker
from tests.support.job import Job, jobs
from tests.support.question import resolve

# A machine that is shared stalls for longer than hypothesis thinks an example may take.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")


# What `--fail-on-skip` (.ci/run) lets pass: the start of a reason, and why no machine can do all.
MAY_SKIP = (
    "root may read every file",  # the tests of full disks and of a machine without a name take root
    "SF_POLICE_REAL_FILE is not set",  # the original file may not be shipped
)


def pytest_configure() -> None:
    # A shell makes what it runs in the background ignore Ctrl-C, which children inherit: no test could send it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    ways = ("auto", "docker", "scripts")
    parser.addoption("--fail-on-skip", action="store_true", help="fail if a test is skipped, but for a few reasons")
    parser.addoption("--kafka-by", choices=ways, default="auto", help="which broker the integration tests start")


def unexpected_skips(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[str]:
    """The skips whose reason is not in MAY_SKIP. (An expected failure is reported as skipped, too.)"""
    found = []
    for report in reports:
        if not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            if not reason.startswith(MAY_SKIP):
                found.append(f"{report.nodeid}: {reason}")
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if not session.config.getoption("--fail-on-skip") or reporter is None:
        return
    skipped = unexpected_skips(reporter.stats.get("skipped", []))
    if skipped:
        reporter.ensure_newline()
        reporter.section("skipped, although nothing may be (--fail-on-skip)", red=True)
        reporter.line("\n".join(skipped))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # As for a run, whatever Spark this machine has besides. `collect` converts times in Python's zone.
    variables = inherited(os.environ, python=sys.executable, encoding=locale.getencoding())
    variables = for_spark(variables, spark_home=pyspark.__path__[0], java_home=None, is_loopback=True)
    os.environ.clear()
    os.environ.update(variables, TZ="UTC")
    time.tzset()
    builder = SparkSession.builder.master("local[2]").appName("tests")
    options = {
        **MEANING,
        # Records of 20 MB, several at once, have exhausted Spark's default of 1 GB while the machine was busy.
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, say_aloud: Callable[[str], None]
) -> Iterator[str]:
    """Address of a broker that answers."""
    way = request.config.getoption("--kafka-by")
    servers = given_settings(os.environ, [field.name for field in config.settings()]).settings.get(
        "kafka_bootstrap_servers"
    )
    if servers and way == "auto":
        say_aloud(f"kafka: yours, at {servers}")
        yield servers
    elif way == "docker" or (way == "auto" and docker.can_run_image()):
        servers = f"localhost:{request.getfixturevalue('kafka_test_port')}"
        try:
            services = request.getfixturevalue("docker_services")
            services.wait_until_responsive(lambda: brokers.answers(servers), timeout=90, pause=0.5)
        except Exception:
            # pytest-docker leaves behind what it could not start.
            say_aloud(docker.logs())
            docker.down()
            raise
        say_aloud(f"kafka: a container of {docker.image()}, at {servers}")
        yield servers
    else:
        yield from brokers.kafka_by_scripts(tmp_path_factory.mktemp("broker"), say_aloud)


@pytest.fixture(scope="session")
def kafka_test_port() -> str:
    """The container's port, here and in its advertised listener; compose reads it from the environment."""
    os.environ["KAFKA_TEST_PORT"] = str(brokers.free_ports())
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


@pytest.fixture
def make_job(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Job]]:
    """Makes a job whose topic is thrown away after the test."""
    yield from jobs(kafka, tmp_path, request.node.name)


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """A job with a new topic of three partitions."""
    return make_job()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SparkSession]:
    """A session as the stream has it, in this process."""
    session = create_session(
        resolve(
            {"state_dir": str(tmp_path), "spark_master": "local[2]", "jars_dir": os.environ.get("SF_POLICE_JARS_DIR")}
        )
    )
    session.conf.set("spark.sql.shuffle.partitions", "2")
    yield session
    stop_session(session)
