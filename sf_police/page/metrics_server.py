"""Serves the metrics over HTTP, on loopback alone, in threads beside what else the process does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Final
from urllib.parse import urlsplit

from sf_police.errors import SfPoliceError
from sf_police.page.metrics import Response, StoreMetrics, response

PATH: Final = "/metrics"
_HOST: Final = "127.0.0.1"
_OWN_NAMES: Final = (_HOST, "localhost")
_PLAIN: Final = "text/plain; charset=utf-8"
_SILENT_CLIENT_S: Final = 10
_END_POLL_S: Final = 0.05
_LOG: Final = logging.getLogger(__name__)


@contextmanager
def served(metrics: StoreMetrics, port: int) -> Iterator[str]:
    """Serve the metrics for as long as the context lasts; yield their address.

    Raises:
        SfPoliceError: the port cannot be had.
    """
    with _server(metrics, port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_END_POLL_S,), name="metrics", daemon=True)
        thread.start()
        try:
            yield f"http://{_HOST}:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()
            thread.join()


def _server(metrics: StoreMetrics, port: int) -> _Server:
    try:
        return _Server(metrics, port)
    except OSError as error:
        raise SfPoliceError(
            f"cannot serve the metrics at port {port}: {error.strerror}", remedy="set METRICS_PORT to another one"
        ) from error


class _Server(ThreadingTCPServer):
    # No HTTPServer: that one asks for this machine's name first, which takes seconds where DNS does not answer.
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, metrics: StoreMetrics, port: int) -> None:
        self.metrics = metrics
        super().__init__((_HOST, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 # socketserver's
        """Keep quiet, as for a client that is gone before its answer; -v shows it."""
        _LOG.info("a scrape was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENT_CLIENT_S
    server: _Server

    def do_GET(self) -> None:
        """Answer a scrape, and nothing else."""
        answer = self._answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _answer(self) -> Response:
        if not _is_own_name(self.headers.get("Host", _HOST)):
            # A page elsewhere may have given its own name this machine's address.
            return Response(421, _PLAIN, b"error: this is a server for this machine: ask for 127.0.0.1 or localhost\n")
        if urlsplit(self.path).path != PATH:
            return Response(404, _PLAIN, f"the metrics are at {PATH}\n".encode())
        return response(self.server.metrics, self.headers.get("Accept", ""))

    def version_string(self) -> str:
        """Say no version of Python."""
        return "sf-police"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the stream's own output as it is; -v shows the requests."""
        _LOG.info(format, *args)


def _is_own_name(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in _OWN_NAMES
    except ValueError:
        return False
