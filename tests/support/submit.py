"""The job under a real spark-submit, that of this venv, with the package as a wheel; and a standalone master."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark

from sf_police.spark.jvm import connector_jars
from tests.support.brokers import free_ports
from tests.support.environment import variables
from tests.support.job import Job
from tests.support.question import resolve
from tests.support.waiting import eventually
from tests.support.wheel import submit_file

SPARK_SUBMIT = Path(sys.executable).with_name("spark-submit")


class Submit:
    """What submits a job, in an environment that has only the job's settings."""

    def __init__(self, job: Job, wheel: Path) -> None:
        self.job, self.wheel, self.file = job, wheel, submit_file(wheel)

    @property
    def jars(self) -> str:
        """The connector's jars, as --jars takes them."""
        config = resolve({"jars_dir": os.environ.get("SF_POLICE_JARS_DIR")})
        return ",".join(map(str, connector_jars(config)))

    def command(self, options: list[str], arguments: tuple[str, ...]) -> list[str]:
        own = ["--py-files", str(self.wheel), "--conf", "spark.ui.enabled=false"]
        return [str(SPARK_SUBMIT), *own, *options, str(self.file), *arguments]

    def env(self, **extra: str) -> dict[str, str]:
        return {**self.job.env, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", **variables(**extra)}

    def run(self, *arguments: str, options: list[str], **extra: str) -> subprocess.CompletedProcess[str]:
        """Submit it, and wait for its end."""
        return subprocess.run(
            self.command(options, arguments), env=self.env(**extra), capture_output=True, text=True, timeout=900,
            cwd=self.wheel.parent, check=False,
        )  # fmt: skip

    def start(self, *arguments: str, options: list[str], log: Path, **extra: str) -> subprocess.Popen[bytes]:
        """Submit it in a process group of its own; the output goes to a file."""
        with log.open("wb") as output:
            return subprocess.Popen(
                self.command(options, arguments), env=self.env(**extra), stdout=output, stderr=output,
                cwd=self.wheel.parent, start_new_session=True, preexec_fn=_heed_ctrl_c,  # noqa: PLW1509
            )  # fmt: skip


def _heed_ctrl_c() -> None:
    # A shell has what it starts in the background ignore it, and so would the JVM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def standalone_master(folder: Path, workers: int = 2) -> Iterator[str]:
    """The URL of a master on loopback with workers of one core each; all of them end with the context."""
    folder.mkdir()
    port = free_ports(3 + workers)
    url = f"spark://127.0.0.1:{port}"
    env = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    env |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_WORKER_DIR": str(folder), "SPARK_LOG_DIR": str(folder)}
    env |= {"PYSPARK_PYTHON": sys.executable, "SPARK_HOME": pyspark.__path__[0]}
    env["SPARK_DAEMON_JAVA_OPTS"] = "-Dspark.master.rest.enabled=false"  # one port for all masters of a machine
    host = ["--host", "127.0.0.1"]
    commands = [["master.Master", *host, "--port", str(port), "--webui-port", str(port + 1)]]
    for number in range(workers):
        web = ["--webui-port", str(port + 2 + number)]
        commands.append(["worker.Worker", *host, *web, "-c", "1", "-m", "1g", url])
    with ExitStack() as running:
        for number, (name, *arguments) in enumerate(commands):
            log = running.enter_context((folder / f"{number}.log").open("wb"))
            program = [f"{pyspark.__path__[0]}/bin/spark-class", f"org.apache.spark.deploy.{name}", *arguments]
            process = subprocess.Popen(program, env=env, stdout=log, stderr=log)
            running.callback(process.wait)
            running.callback(process.terminate)

        def are_registered() -> None:
            said = (folder / "0.log").read_text("utf-8", "replace")
            assert said.count("Registering worker") == workers, said

        eventually(are_registered, AssertionError, seconds=280)
        yield url
