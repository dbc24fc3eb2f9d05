"""A server of open data on this machine: answers as Socrata's API is documented to, and misbehaves on demand.

It knows the queries that are sent here, and refuses others: one that the city would refuse must fail here, too.
"""

from __future__ import annotations

import gzip
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

MOST_ROWS = 50_000
Row = dict[str, Any]
_WHERE = re.compile(r"(\w+) >= '([^']+)' AND \1 < '([^']+)'|(\w+) < '([^']+)'")


class Rows(Protocol):
    """The rows of a data set, as they are at the moment."""

    columns: Sequence[str]

    def between(self, column: str, start: str, end: str) -> Sequence[Row]:
        """The rows from a time on and before another, by time."""


class ListedRows:
    """Rows in memory. Those that are added while a page is on its way are there for the next one."""

    def __init__(self, rows: Sequence[Row], columns: Sequence[str] = ()) -> None:
        self.rows = list(rows)
        self.columns = columns or list(dict.fromkeys(name for row in rows for name in row))

    def between(self, column: str, start: str, end: str) -> Sequence[Row]:
        found = (row for row in self.rows if start <= str(row.get(column) or "") < end)
        return sorted(found, key=lambda row: str(row[column]))


# An answer in place of the right one: status, headers, body; the body may be shorter than the headers say.
Answer = tuple[int, dict[str, str], bytes]
Misbehaviour = Callable[[bytes], Answer]


def status(code: int, body: bytes = b"", **headers: str) -> Misbehaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (code, {"Content-Length": str(len(body)), **named}, body)


def cut_short(body: bytes) -> Answer:
    return 200, {"Content-Length": str(len(body))}, body[: len(body) // 2]


def cut_without_length(body: bytes) -> Answer:
    return 200, {}, body[: len(body) // 2]


def cut_gzip(body: bytes) -> Answer:
    packed = gzip.compress(body)[:-20]
    return 200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, packed


def broken_gzip(body: bytes) -> Answer:
    packed = bytearray(gzip.compress(body))
    packed[-8] ^= 1  # of the checksum
    return 200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}, bytes(packed)


def html(_: bytes) -> Answer:
    page = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"
    return 200, {"Content-Type": "text/html", "Content-Length": str(len(page))}, page


class OpenData(ThreadingHTTPServer):
    """The server: `datasets` by their ids; `misbehave` has what the next requests get."""

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_port}"
        self.datasets: dict[str, Rows] = {}
        self.misbehave: list[Misbehaviour | None] = []
        self.after: list[Callable[[], None]] = []  # each after one more page of rows
        self.requests: list[tuple[dict[str, str], dict[str, str]]] = []  # query and headers

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or does not like the certificate, is no error here."""

    def answer(self, dataset: str, query: dict[str, str]) -> Answer:
        rows = self.datasets.get(dataset)
        if rows is None:
            return _error(404, "dataset.missing", "Cannot find dataset")
        where = _WHERE.fullmatch(query.get("$where", ""))
        if not where:
            return _error(400, "query.compiler.malformed", f"not understood: {query}")
        column, start, end = where[1] or where[4], where[2] or "", where[3] or where[5]
        select = query["$select"]
        aggregate = re.fullmatch(rf"(count\(\*\)|max\({column}\)) AS (\w+)", select)
        asked = [column] if aggregate else [*select.split(","), *query["$order"].split(",")]
        for name in asked:
            if name not in rows.columns:
                return _error(400, "query.soql.no-such-column", f"No such column: {name}")
        found = rows.between(column, start, end)
        if aggregate:
            value = str(len(found)) if aggregate[1].startswith("count") else found[-1][column] if found else None
            return _json([{aggregate[2]: value} if value is not None else {}])
        page = found[: min(int(query.get("$limit", "1000")), MOST_ROWS)]
        names = select.split(",")
        # A null is left out.
        return _json([{name: row[name] for name in names if row.get(name) is not None} for row in page])


class _Handler(BaseHTTPRequestHandler):
    server: OpenData

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        dataset = re.fullmatch(r"/resource/([a-z0-9-]+)\.json", parts.path)
        server = self.server
        server.requests.append((query, dict(self.headers.items())))
        code, headers, body = server.answer(dataset[1] if dataset else "", query)
        wrong = server.misbehave.pop(0) if server.misbehave else None
        if wrong:
            code, headers, body = wrong(body)
        elif "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers = {**headers, "Content-Encoding": "gzip", "Content-Length": str(len(body))}
        self.send_response_only(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if "$order" in query and server.after:
            server.after.pop(0)()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def _json(found: object, code: int = 200) -> Answer:
    body = json.dumps(found).encode()
    return code, {"Content-Type": "application/json;charset=utf-8", "Content-Length": str(len(body))}, body


def _error(code: int, name: str, message: str) -> Answer:
    return _json({"error": True, "errorCode": name, "message": message}, code)


@contextmanager
def open_data(certificate: Path | None = None, **datasets: Rows) -> Iterator[OpenData]:
    """A server that answers until the context ends; data sets by their ids, with `_` for `-`."""
    with OpenData(certificate) as server:
        server.datasets = {name.replace("_", "-"): rows for name, rows in datasets.items()}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
