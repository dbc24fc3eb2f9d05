"""A topic, a state folder, and the real commands on them."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from tests.support.environment import ROOT, clean_environment, variables


class Job:
    """A topic and a state folder of a test's own, and the commands on them."""

    def __init__(self, kafka: str, topic: str, state: Path, module: str = "sf_police") -> None:
        self.kafka, self.topic, self.state, self.module = kafka, topic, state, module
        self.env = clean_environment(
            KAFKA_BOOTSTRAP_SERVERS=kafka, KAFKA_TOPIC=topic, STATE_DIR=str(state), SPARK_DRIVER_MEMORY="1g"
        )

    def run(
        self, *arguments: str, check: bool = True, module: str = "", **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `sf-police`, or another question's module, with these arguments to its end."""
        command = [sys.executable, "-m", module or self.module, *arguments]
        done = subprocess.run(
            command,
            env={**self.env, **variables(**extra)},
            capture_output=True,
            text=True,
            timeout=240,
            cwd=ROOT,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{arguments} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        """Start `sf-police` with these arguments, in a process group of its own."""
        command = [sys.executable, "-m", self.module, *arguments]
        return subprocess.Popen(
            command, env={**self.env, **variables(**extra)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=ROOT, start_new_session=True,
        )  # fmt: skip

    def send(self, *values: bytes | None, partition: int | None = 0, key: bytes | None = b"k", **more: object) -> None:
        """Put records into the topic as they are; `more` as kafka-python's `send` has it."""
        with KafkaProducer(bootstrap_servers=self.kafka) as producer:
            for future in [producer.send(self.topic, value, key=key, partition=partition, **more) for value in values]:
                future.get(timeout=30)


def jobs(kafka: str, folder: Path, test: str) -> Iterator[Callable[..., Job]]:
    topics: list[str] = []

    def make(partitions: int = 3, module: str = "sf_police") -> Job:
        name = re.sub(r"[^a-zA-Z0-9._-]", "-", test)[:60]
        topic = f"pytest-{name}-{uuid.uuid4().hex[:8]}"
        topics.append(topic)
        job = Job(kafka, topic, folder / f"state {len(topics)}", module)
        if partitions:
            job.run("create-topic", PARTITIONS=str(partitions))
        return job

    yield make
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.delete_topics(sorted(set(topics) & set(admin.list_topics())))
    admin.close()


def books(output: str) -> dict[str, int]:
    """The numbers of the books line."""
    [line] = [line for line in output.splitlines() if line.startswith("books: ")]
    assert "DO NOT BALANCE" not in line
    return {name: int(number.replace(",", "")) for name, number in re.findall(r"(\w+) ([\d,]+)", line)}


def see_through(job: Job, process: subprocess.Popen[str], *command: str, timeout: float) -> None:
    """Wait for the command's end; where the fault has ended it, it is run again."""
    process.communicate(timeout=timeout)
    if process.returncode:
        job.run(*command)


def processes_of(group: int) -> list[str]:
    """The processes of a process group that live, each as its command line."""
    shown = subprocess.run(["ps", "-axww", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=2) for line in shown.stdout.splitlines()]
    return [line[-1] for line in lines if line[0] == str(group) and not line[1].startswith("Z")]
