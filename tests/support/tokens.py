"""A token endpoint on loopback, and tokens for it to grant."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(subject: str = "ann", *, sign: Callable[[bytes], bytes] = lambda _: b"signature") -> str:
    """A token that is good for an hour."""
    now = time.time()
    claims = {"sub": subject, "scope": "kafka", "aud": "brokers", "iss": "us", "iat": int(now), "exp": int(now + 3600)}
    header = {"alg": "RS256", "kid": "key"}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(sign(signed.encode()))}"


class Endpoint(HTTPServer):
    """Grants what it is told to, and keeps what it was asked."""

    def __init__(self, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.status, self.answer = 200, ""
        self.grant(jwt())
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_port}/token"

    def grant(self, token: str) -> None:
        self.status, self.answer = 200, json.dumps({"access_token": token})


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append((self.headers["Authorization"], form))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def token_endpoint(certificate: Path | None = None) -> Iterator[Endpoint]:
    """One that answers until the context ends: by TLS, if it has a certificate (PEM, with its key)."""
    with Endpoint(certificate) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
