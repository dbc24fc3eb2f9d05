"""What listens, and where a password may be seen; and files that are no ordinary files."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.brokers import Brokers
from tests.support.builders import a_call, a_value
from tests.support.environment import ROOT
from tests.support.fault_table import fault
from tests.support.job import Job

CANARY = "c4nary-s3cret"


def listening_addresses() -> set[str]:
    """Address of every listening TCP socket of this machine's processes that the caller may see (Linux's /proc)."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.add(f"{name} {fields[1]} {fields[9]}")
    return found


def is_loopback(socket: str) -> bool:
    kind, address, _ = socket.split()
    host = address.partition(":")[0]
    if kind == "tcp":
        return host.endswith("7F")
    return host in ("00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


@pytest.mark.quick
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="listening sockets are read from Linux's /proc")
def test_everything_that_listens_is_on_loopback(tmp_path: Path) -> None:
    before = listening_addresses()
    brokers = Brokers(tmp_path / "brokers", 1)
    try:
        brokers.start()
        job = Job(brokers.servers, "calls", tmp_path / "job")
        job.run("create-topic")
        job.send(a_value())
        stream = job.start("stream")
        assert stream.stderr is not None
        assert "batch 0" in stream.stderr.readline()
        opened = listening_addresses() - before
        stream.terminate()
        stream.communicate(timeout=60)
    finally:
        brokers.stop()

    # The broker, its controller, and Spark's driver at the least.
    assert len(opened) >= 4
    assert [socket for socket in opened if not is_loopback(socket)] == []


@pytest.mark.quick
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
    assert stream.stderr is not None
    assert "batch 0" in stream.stderr.readline()
    lines = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    stream.terminate()
    out, err = stream.communicate(timeout=60)

    assert CANARY not in refused.stdout + refused.stderr + out + err + lines
    for path in job.state.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


@pytest.mark.quick
def test_a_fifo_is_a_file_like_any_other(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    fifo = tmp_path / "calls.json"
    os.mkfifo(fifo)
    text = json.dumps([a_call(crime_id=str(n)) for n in range(1000)])
    writer = threading.Thread(target=lambda: fifo.write_text(text))
    writer.start()

    with fault("the file is a FIFO", "sent"):
        done = job.run("produce", str(fifo))
    writer.join()
    assert "acknowledged 1,000" in done.stderr


@pytest.mark.quick
def test_a_line_of_200_megabytes_is_refused_in_bounded_memory(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    path = tmp_path / "line.json"
    with path.open("w") as file:
        file.write('[{"crime_id":"')
        for _ in range(200):
            file.write("x" * 1_000_000)
        file.write('"}]')
    limit = 700 << 20
    command = [sys.executable, "-m", "sf_police", "produce", str(path)]

    with fault("a single line of 200 MB", "refused, nothing sent, under 700 MB of address space"):
        done = subprocess.run(
            command, env=job.env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        )  # fmt: skip
    assert done.returncode == 1
    assert re.search(r"at byte 1: not JSON, or a call of over 16,777,216 characters; nothing was sent", done.stderr)


@pytest.mark.quick
def test_a_file_that_is_cut_while_it_is_read_is_refused(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job()
    fifo = tmp_path / "calls.json"
    os.mkfifo(fifo)
    text = json.dumps([a_call(crime_id=str(n)) for n in range(9000)])
    writer = threading.Thread(target=lambda: fifo.write_text(text[: len(text) // 2]))
    writer.start()

    with fault("the file ends while it is read", "refused with the byte, nothing sent"):
        done = job.run("produce", str(fifo), check=False)
    writer.join()
    assert done.returncode == 1
    assert "cut short inside a call; nothing was sent" in done.stderr
    assert ": 0 records" in job.run("inspect").stdout
