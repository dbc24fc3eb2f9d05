"""Password, key and the key's password of a stream that runs: looked for wherever somebody else could see them."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

import pytest

from sf_police.config import sqlite_url
from tests.support.brokers import free_ports
from tests.support.builders import a_call
from tests.support.dashboard import Dashboard
from tests.support.secured import PASSWORD, Right, SecuredBrokers, encrypted, secured_job

KEY_WORD: Final = "key-w0rd-77aa01"
# Pages link to each other without end. One of Spark's that kills a job does so when it is merely asked for.
MOST_OF_A_KIND: Final = 3
NOT_ASKED_FOR: Final = ("/static/", "/kill", "threadDump", "heapHistogram")
LINK: Final = re.compile(r"""href=["']([^"'#]+)""")
REST: Final = ("environment", "executors", "jobs", "stages", "sql?details=true&planDescription=true")


def login_of(cluster: SecuredBrokers) -> tuple[Path, list[bytes]]:
    """A login by password, with a key in the properties themselves; and what of it may be seen nowhere."""
    plain = cluster.folder / "calls.pem"
    locked = encrypted(plain, KEY_WORD).read_text()
    chain = locked[locked.index("-----BEGIN CERTIFICATE") :]
    key = locked.removesuffix(chain)
    login = cluster.login(
        "plain",
        ssl_keystore_type="PEM", ssl_keystore_key=key, ssl_keystore_certificate_chain=chain, ssl_key_password=KEY_WORD,
    )  # fmt: skip
    # A line from the middle: all keys of a kind begin alike.
    return login, [
        text.encode() for text in (PASSWORD, KEY_WORD, key.splitlines()[8], plain.read_text().splitlines()[8])
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def processes() -> dict[str, bytes]:
    """Command line and environment of every process that we may look into."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/*"):
        if path.name in ("cmdline", "environ"):
            with suppress(OSError):  # it has ended
                found[str(path)] = path.read_bytes()
    return found


def pages(start: str, *more: str) -> dict[str, bytes]:
    """What a site serves: these pages, and a few of each kind that they link to on the same host."""
    found: dict[str, bytes] = {}
    waiting, kinds = [start, *(urljoin(start, each) for each in more)], Counter[str]()
    for address in waiting:
        parts = urlsplit(address)
        is_ours = parts.netloc == urlsplit(start).netloc and not any(name in address for name in NOT_ASKED_FOR)
        if address in found or not is_ours or kinds[parts.path] == MOST_OF_A_KIND:
            continue
        kinds[parts.path] += 1
        try:
            with urlopen(address, timeout=30) as answer:
                found[address] = answer.read()
        except HTTPError as error:
            found[address] = error.read()
        waiting += [urljoin(address, unescape(link)) for link in LINK.findall(found[address].decode())]
    return found


def spark_pages(port: int) -> dict[str, bytes]:
    """Spark's UI, and what its REST interface says of the application."""
    address = f"http://127.0.0.1:{port}/api/v1/applications"
    with urlopen(address, timeout=30) as answer:
        [application] = json.load(answer)
    return pages(f"http://127.0.0.1:{port}/", *(f"{address}/{application['id']}/{each}" for each in REST))


def lines_until(process: subprocess.Popen[str], text: str) -> str:
    """What the process says until it has said this."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return "".join(said)
    raise AssertionError("".join(said))


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="command lines are read from Linux's /proc")
def test_no_secret_is_seen_of_a_stream_that_runs(cluster: SecuredBrokers, tmp_path: Path) -> None:
    login, secrets = login_of(cluster)
    state, temporary, file = tmp_path / "state", tmp_path / "tmp", tmp_path / "calls.json"
    temporary.mkdir()
    file.write_text(json.dumps([a_call(crime_id=str(n)) for n in range(50)]))
    job = secured_job(cluster, login, "secrets", state)
    job.env["TMPDIR"] = str(temporary)
    cluster.set_rights(Right(name, "TOPIC", job.topic) for name in ("CREATE", "DESCRIBE", "READ", "WRITE"))
    ui, metrics = free_ports(), free_ports()
    found = {}

    for command in (["create-topic"], ["produce", str(file)], ["inspect"], ["doctor"]):
        done = job.run(*command, "-v")
        found[command[0]] = (done.stdout + done.stderr).encode()
    stream = job.start("stream", "-v", SPARK_UI_PORT=str(ui), METRICS_PORT=str(metrics))
    dashboard = Dashboard(
        sqlite_url(state / "answers.db"),
        KAFKA_TOPIC=job.topic,
        KAFKA_CLIENT_PROPERTIES=str(login),
        TMPDIR=str(temporary),
    )
    try:
        found["start"] = lines_until(stream, "batch 0").encode()
        dashboard.start()
        found |= processes()
        served = [spark_pages(ui), pages(f"http://127.0.0.1:{metrics}/metrics")]
        served.append(pages(dashboard.address, "metrics", "data/state.json"))
        found |= files(tmp_path / "tmp")
    finally:
        dashboard.stop()
        stream.terminate()
        found["end"] = "".join(stream.communicate(timeout=120)).encode()
    found |= {name: data for site in served for name, data in site.items()} | files(state)

    names = "\n".join(found)
    for wanted in ("environment/", "SQL/execution/?id=0", "statistics/?id=", "sql?details", "spark.log", "offsets/0"):
        assert wanted in names, names
    assert seen(files(cluster.folder), secrets)
    assert seen(found, secrets) == []


def seen(found: dict[str, bytes], secrets: list[bytes]) -> list[str]:
    """Where one of the secrets is."""
    return [name for name, data in found.items() if any(secret in data for secret in secrets)]
