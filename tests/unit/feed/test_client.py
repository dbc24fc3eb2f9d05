"""A server that misbehaves in every way that is known: what is tried again, and what a person is told."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sf_police.errors import SfPoliceError
from sf_police.feed.client import FeedClient, FeedUnavailableError
from tests.support import socrata
from tests.support.environment import ROOT
from tests.support.socrata import ListedRows, Misbehaviour, OpenData, open_data, status

ROWS = [{"id": str(number), "time": f"2026-05-01T10:{number:02}:00.000"} for number in range(40)]
QUERY = {"$select": "id,time", "$where": "time >= '2026' AND time < '2027'", "$order": "time,id", "$limit": "100"}


class Asked:
    """A client of the server, what it has said, and how long it would have waited."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.said: list[str] = []
        self.waits: list[float] = []
        self.client = FeedClient(url, token, say=self.said.append, sleep=self.waits.append)

    def rows(self) -> list[dict[str, str]]:
        return self.client.rows("abcd-1234", QUERY)


@pytest.fixture
def server() -> Iterator[OpenData]:
    with open_data(abcd_1234=ListedRows(ROWS)) as server:
        yield server


# What a person reads of each, and of what is tried again until it is right.
AGAIN: list[tuple[str, Misbehaviour]] = [
    ("HTTP 429", status(429)),
    ("HTTP 500", status(500, b"<html>oops</html>")),
    ("HTTP 503", status(503)),
    ("the answer was cut short", socrata.cut_short),
    ("the answer was cut short", socrata.cut_without_length),
    ("the answer was cut short", socrata.cut_gzip),
    ("the answer's packed data is damaged", socrata.broken_gzip),
    ("an HTML page in place of JSON", socrata.html),
    ("the answer is not JSON", status(200, b"moved")),
    ("the answer is not JSON", status(200, b"")),
]


@pytest.mark.parametrize(("message", "wrong"), AGAIN)
def test_what_passes_is_tried_again_and_said(server: OpenData, message: str, wrong: Misbehaviour) -> None:
    server.misbehave = [wrong, None]
    asked = Asked(server.url)

    assert asked.rows() == ROWS

    [wait] = asked.waits
    assert 1 <= wait <= 1.5
    assert [re.sub(r"127.0.0.1:\d+", "HOST", line) for line in asked.said] == [f"HOST: {message}; trying again in 1 s"]


@pytest.mark.parametrize(("message", "wrong"), AGAIN)
def test_what_does_not_pass_is_an_error_for_later(server: OpenData, message: str, wrong: Misbehaviour) -> None:
    server.misbehave = [wrong] * 6
    asked = Asked(server.url)

    with pytest.raises(FeedUnavailableError, match=f"^127.0.0.1:[0-9]+: {message}: try again later$"):
        asked.rows()

    assert len(server.requests) == 6
    assert [round(wait / (2**number * 1.25)) for number, wait in enumerate(asked.waits)] == [1] * 5


def test_the_wait_is_as_long_as_the_server_asks_for(server: OpenData) -> None:
    # By the server's own clock, which is some years behind.
    dates = {"Date": "Mon, 01 Jan 2018 10:00:00 GMT", "Retry_After": "Mon, 01 Jan 2018 10:00:42 GMT"}
    server.misbehave = [status(429, Retry_After="7"), status(503, **dates), status(429, Retry_After="soon"), None]
    asked = Asked(server.url)

    assert asked.rows() == ROWS
    assert asked.waits[:2] == [7, 42]
    assert 4 <= asked.waits[2] <= 6


def test_a_server_that_asks_to_wait_for_hours_is_not_waited_for(server: OpenData) -> None:
    server.misbehave = [status(429, Retry_After="7200")]

    with pytest.raises(FeedUnavailableError, match="HTTP 429, and asks to wait for 7,200 s: try again later"):
        Asked(server.url).rows()


def json_error(code: int, message: str) -> Misbehaviour:
    return status(code, b'{"error": true, "message": "%b"}' % message.encode())


REFUSED: list[tuple[str, Misbehaviour]] = [
    (
        "HOST refuses to give rows of abcd-1234: HTTP 400, No such column: disposition: if the city has renamed a "
        "column, correct it in sf_police/feed/feeds.json",
        json_error(400, "No such column: disposition"),
    ),
    (
        "HOST refuses to give rows of abcd-1234: HTTP 403, Invalid app_token specified: check FEED_TOKEN, and whether "
        "the host lets this network in",
        json_error(403, "Invalid app_token specified"),
    ),
    (
        "HOST refuses to give rows of abcd-1234: HTTP 404: the data set is gone or has moved: correct "
        "sf_police/feed/feeds.json",
        status(404, b"<html>"),
    ),
    ("HOST answers with JSON that is no list of rows", status(200, b'{"rows": []}')),
    ("HOST answers with JSON that is no list of rows", status(200, b"[[1]]")),
    (
        "the server packs its answers with br, which was not asked for",
        status(200, b"x", Content_Encoding="br"),
    ),
    (
        "HOST redirects to another host, data.example.org: if you trust it, set FEED_HOST=data.example.org",
        status(301, Location="https://data.example.org/resource/abcd-1234.json"),
    ),
    (
        "HOST redirects to another host, evil-127.0.0.1: if you trust it, set FEED_HOST=evil-127.0.0.1",
        status(302, Location="https://evil-127.0.0.1/"),
    ),
    (
        "HOST redirects to ftp://127.0.0.1, without TLS: check FEED_HOST",
        status(307, Location="ftp://127.0.0.1/"),
    ),
]


@pytest.mark.parametrize(("message", "wrong"), REFUSED)
def test_what_will_not_change_is_refused_at_once(server: OpenData, message: str, wrong: Misbehaviour) -> None:
    server.misbehave = [wrong]

    with pytest.raises(SfPoliceError) as error:
        Asked(server.url).rows()

    assert not isinstance(error.value, FeedUnavailableError)
    assert re.sub(r"127.0.0.1:\d+|^127.0.0.1(?= redirects)", "HOST", str(error.value)) == message
    assert len(server.requests) == 1


def test_a_redirect_within_the_host_is_followed_with_the_token_and_one_in_a_circle_ends(server: OpenData) -> None:
    path = (
        "/resource/abcd-1234.json?$select=id,time&$where=time+>%3D+'2026'+AND+time+<+'2027'&$order=time,id&$limit=100"
    )
    server.misbehave = [status(302, Location=f"{server.url}{path}"), None]

    assert Asked(server.url, "secret-token").rows() == ROWS
    assert [headers["X-App-Token"] for _, headers in server.requests] == ["secret-token"] * 2

    server.misbehave = [status(302, Location=f"{server.url}/")] * 20
    with pytest.raises(SfPoliceError, match="HTTP 302"):
        Asked(server.url).rows()


def test_a_token_and_packed_answers_are_asked_for_and_no_token_is_none(server: OpenData) -> None:
    Asked(server.url, "secret-token").rows()
    Asked(server.url).rows()

    [(_, first), (_, second)] = server.requests
    assert (first["X-App-Token"], first["Accept-Encoding"]) == ("secret-token", "gzip")
    assert "X-App-Token" not in second


def test_a_host_that_is_not_there_is_said() -> None:
    with open_data() as server:
        url = server.url

    with pytest.raises(FeedUnavailableError, match="Connection refused: try again later"):
        Asked(url).rows()


def certificate(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Key and certificate of a host, in one file, which this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "server.pem"
    file.write_bytes(key.private_bytes(pem, *plain) + built.public_bytes(pem))
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(file))
    return file


def test_a_certificate_of_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path, "data.example.org", monkeypatch)
    with open_data(file, abcd_1234=ListedRows(ROWS)) as server:
        with pytest.raises(SfPoliceError) as error:
            Asked(server.url).rows()
        assert re.search(r"^the certificate of 127.0.0.1:\d+ is not to be trusted: .*not valid for", str(error.value))
        assert not isinstance(error.value, FeedUnavailableError)
        assert server.requests == []


def test_a_certificate_of_the_host_is_accepted_and_tls_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, "localhost", monkeypatch)
    with open_data(file, abcd_1234=ListedRows(ROWS)) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert Asked(url).rows() == ROWS

        server.misbehave = [status(301, Location="http://localhost/")]
        with pytest.raises(SfPoliceError, match="localhost redirects to http://localhost, without TLS"):
            Asked(url).rows()


def test_the_page_on_feeds_has_every_message() -> None:
    page = re.sub(r"\s+", " ", (ROOT / "docs" / "live-feed.md").read_text())
    messages = {message for message, _ in (*AGAIN, *REFUSED)} - {message for message, _ in REFUSED[-2:]}  # like others

    assert {message for message in messages if message.replace("abcd-1234", "gnap-fj3t") not in page} == set()
