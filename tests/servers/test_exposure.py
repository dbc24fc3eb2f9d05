"""What is exposed: sockets that listen beyond loopback, and places where a password may be seen."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.support.brokers import Brokers, free_ports
from tests.support.builders import a_value
from tests.support.job import Job
from tests.support.sockets import is_loopback, listening_addresses, needs_proc
from tests.support.waiting import wait_for_line

CANARY = "c4nary-s3cret"


@needs_proc
def test_everything_that_listens_is_on_loopback(tmp_path: Path) -> None:
    before = listening_addresses()
    brokers = Brokers(tmp_path / "brokers", 1)
    try:
        brokers.start()
        job = Job(brokers.servers, "calls", tmp_path / "job")
        job.run("create-topic")
        job.send(a_value())
        stream = job.start("stream", SPARK_UI_PORT=str(free_ports()), METRICS_PORT=str(free_ports()))
        wait_for_line(stream, "batch 0")
        opened = listening_addresses() - before
        stream.terminate()
        stream.communicate(timeout=60)
    finally:
        brokers.stop()

    # The broker, its controller, Spark's driver, its UI and the metrics at the least.
    assert len(opened) >= 6
    assert [socket for socket in opened if not is_loopback(socket)] == []


def test_a_password_is_seen_nowhere(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    job.send(a_value())
    properties = tmp_path / "client.properties"
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    properties.write_text(f'sasl.jaas.config={module} required username="ann" password="{CANARY}";\n')
    settings = {
        "STORE": f"postgresql+psycopg://ann:{CANARY}@127.0.0.1:1/db",
        "KAFKA_CLIENT_PROPERTIES": str(properties),
    }

    refused = job.run("stream", "--until-end", "-v", check=False, **settings)
    assert refused.returncode == 1
    assert "127.0.0.1" in refused.stderr
    stream = job.start("stream", KAFKA_CLIENT_PROPERTIES=str(properties))
    wait_for_line(stream, "batch 0")
    lines = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    stream.terminate()
    out, err = stream.communicate(timeout=60)

    assert CANARY not in refused.stdout + refused.stderr + out + err + lines
    for path in job.state.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
