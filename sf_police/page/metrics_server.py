"""Serves the metrics and the probes over HTTP, in threads beside what else the process does."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Final
from urllib.parse import urlsplit

from sf_police.errors import SfPoliceError, UsageError
from sf_police.page.health import Probes, health_response
from sf_police.page.hosts import address, is_served, own_names
from sf_police.page.metrics import Response, StoreMetrics, response

PATH: Final = "/metrics"
_PLAIN: Final = "text/plain; charset=utf-8"
_SILENT_CLIENT_S: Final = 10
_END_POLL_S: Final = 0.05
_LOG: Final = logging.getLogger(__name__)


@contextmanager
def served(metrics: StoreMetrics, probes: Probes, port: int, *, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve metrics and probes for as long as the context lasts; yield the metrics' address.

    Raises:
        SfPoliceError: the port cannot be had.
        UsageError: the address is not this machine's.
    """
    with _server(metrics, probes, port, host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_END_POLL_S,), name="metrics", daemon=True)
        thread.start()
        try:
            yield address(host, server.server_address[1], PATH)
        finally:
            server.shutdown()
            thread.join()


def _server(metrics: StoreMetrics, probes: Probes, port: int, host: str) -> _Server:
    try:
        return _Server(metrics, probes, port, host)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            what = f"cannot serve the metrics at port {port}: {reason}"
            raise SfPoliceError(what, remedy="set METRICS_PORT to another one") from error
        what = f"METRICS_HOST={host}: cannot listen there: {reason}"
        raise UsageError(what, remedy="name an address of this machine") from error


class _Server(ThreadingTCPServer):
    # No HTTPServer: that one asks for this machine's name first, which takes seconds where DNS does not answer.
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, metrics: StoreMetrics, probes: Probes, port: int, host: str) -> None:
        self.metrics, self.probes, self.names = metrics, probes, own_names(host)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 # socketserver's
        """Keep quiet, as for a client that is gone before its answer; -v shows it."""
        _LOG.info("a scrape was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENT_CLIENT_S
    server: _Server

    def do_GET(self) -> None:
        """Answer a scrape or a probe, and nothing else."""
        answer = self._answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self.do_GET()

    def _answer(self) -> Response:
        path, probes = urlsplit(self.path).path, self.server.probes
        if not is_served(self.headers.get("Host", ""), self.server.names):
            return Response(421, _PLAIN, b"error: this is a server for this machine: ask for 127.0.0.1 or localhost\n")
        if path in probes:
            return health_response(probes[path]())
        if path != PATH:
            where = f"the metrics are at {PATH}, the probes at {' and '.join(probes)}\n"
            return Response(404, _PLAIN, where.encode())
        return response(self.server.metrics, self.headers.get("Accept", ""))

    def version_string(self) -> str:
        """Say no version of Python."""
        return "sf-police"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the stream's own output as it is; -v shows the requests."""
        _LOG.info(format, *args)
