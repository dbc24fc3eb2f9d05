"""S3 servers of a test's own on loopback: moto, and versitygw where it is installed; and a gate before one.

The gate sees every request: it can delay, refuse, or tell a test of it before and after the server has done it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.brokers import free_ports
from tests.support.job import Job
from tests.support.waiting import eventually

BUCKET = "police"
KEY, SECRET = "tester", "secret-of-tester"
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
# What is between two neighbours, and not the other's.
OF_ONE_HOP = ("connection", "expect", "transfer-encoding")


class S3Server:
    """A server with a bucket of the name `BUCKET`, which can be stopped and started again."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        self.name, self.port, self._command = name, port, command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(self._command, env=env, **silent)  # type: ignore[call-overload]
        eventually(lambda: self._client().list_buckets(), Exception)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def make_bucket(self) -> None:
        self._client().create_bucket(Bucket=BUCKET)

    def all_keys(self) -> list[str]:
        pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def put(self, key: str, text: str) -> None:
        self._client().put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id=KEY, aws_secret_access_key=SECRET,
            region_name="us-east-1", config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )  # fmt: skip


def moto() -> S3Server:
    port = free_ports(1)
    return S3Server(
        "moto", [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port
    )


def versitygw(folder: Path) -> S3Server | None:
    """A server that checks signatures and keeps objects as files; None where it is not installed."""
    program = shutil.which("versitygw") or shutil.which("versitygw", path=Path.home() / "go" / "bin")
    if program is None:
        return None
    port = free_ports(1)
    data, sidecar = folder / "data", folder / "sidecar"
    for each in (data, sidecar):
        each.mkdir(parents=True)
    command = [program, "--port", f"127.0.0.1:{port}", "--quiet", "posix", "--sidecar", str(sidecar), str(data)]
    return S3Server("versitygw", command, port)


@contextmanager
def running(server: S3Server) -> Iterator[S3Server]:
    try:
        server.start()
        server.make_bucket()
        yield server
    finally:
        server.stop()


class Gate:
    """A proxy before a server.

    Attributes:
        delay_s: how long a request is kept before it is passed on.
        refusal: status and code of an error that every request gets instead; None: they are passed on.
        on_request: called with "before" or "after", the method and the key; may raise `CutError` to answer nothing.
        requests: methods and keys of all requests.
    """

    def __init__(self, server: S3Server) -> None:
        self.delay_s = 0.0
        self.refusal: tuple[int, str] | None = None
        self.on_request: Callable[[str, str, str], None] = lambda *_: None
        self.requests: list[tuple[str, str]] = []
        self.backend = server.port
        self._never = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                gate.pass_on(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 # their names

            def log_message(self, *_: Any) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        method, key = request.command, request.path.partition("?")[0].removeprefix(f"/{BUCKET}/")
        self.requests.append((method, key))
        self._never.wait(self.delay_s)
        try:
            self.on_request("before", method, key)
            if self.refusal:
                status, code = self.refusal
                headers, content = [("Content-Type", "application/xml")], ERROR.format(code=code).encode()
            else:
                status, headers, content = self._asked(request, body)
            self.on_request("after", method, key)
        except CutError:
            request.close_connection = True
            return
        with suppress(OSError):  # who asked may have been killed
            request.send_response_only(status)
            for name, value in headers:
                if name.lower() not in (*OF_ONE_HOP, "content-length"):
                    request.send_header(name, value)
            length = {name.lower(): value for name, value in headers}.get("content-length", "0")
            request.send_header("Content-Length", length if method == "HEAD" else str(len(content)))
            request.end_headers()
            if method != "HEAD":
                request.wfile.write(content)

    def _asked(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", self.backend, timeout=60)
        try:
            connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in OF_ONE_HOP:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except OSError:
            raise CutError from None  # the server is down
        finally:
            connection.close()


class CutError(Exception):
    """The connection is closed without an answer."""


@contextmanager
def gated(server: S3Server) -> Iterator[Gate]:
    gate = Gate(server)
    try:
        yield gate
    finally:
        gate.close()


def hadoop_settings(port: int) -> dict[str, str]:
    """What Hadoop is told of the server at this port."""
    return {
        "fs.s3a.endpoint": f"http://127.0.0.1:{port}", "fs.s3a.endpoint.region": "us-east-1",
        "fs.s3a.path.style.access": "true",
    }  # fmt: skip


def variables_of(folder: Path) -> dict[str, str]:
    """The environment of a command whose Hadoop has its settings in this folder."""
    return {"HADOOP_CONF_DIR": str(folder), "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def on_s3(job: Job, port: int, checkpoint: str = "", **settings: str) -> str:
    """Give a job a checkpoint on the server at this port; return what its keys start with."""
    folder = job.state.parent / f"hadoop of {job.state.name}"
    folder.mkdir(parents=True, exist_ok=True)
    write_site(folder / "core-site.xml", {**hadoop_settings(port), **settings})
    key = checkpoint or f"jobs/{re.sub(r'[^a-z0-9-]', '-', job.topic.lower())}"
    job.env |= {**variables_of(folder), "SF_POLICE_CHECKPOINT": f"s3a://{BUCKET}/{key}"}
    return key


def write_site(path: Path, settings: dict[str, str]) -> None:
    """Write a file of Hadoop's settings."""
    lines = [f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items()]
    path.write_text(f"<configuration>{''.join(lines)}</configuration>")
