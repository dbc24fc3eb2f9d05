"""Asks a city's server for rows: HTTPS by the standard library, with patience. What is asked is in `socrata.py`.

The standard library suffices, as what matters here is decided for each answer by hand: what is tried again, which
redirects are followed, and what a person is told.
"""

from __future__ import annotations

import http.client
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import IO, Any, Final, cast

import orjson

from sf_police import __version__
from sf_police.errors import SfPoliceError

_TIMEOUT_S: Final = 60.0
_MOST_REQUEST_S: Final = 600.0
_TRIES: Final = 6
_FIRST_WAIT_S: Final = 1.0
_MOST_WAIT_S: Final = 900.0
_CHUNK_BYTES: Final = 1 << 16
_MOST_BYTES: Final = 512 << 20
_GZIP: Final = 16 + zlib.MAX_WBITS
_AGAIN_CODES: Final = (408, 425, 429)
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class FeedUnavailableError(SfPoliceError):
    """The server did not answer as it should, several times; later it may."""


class _AgainError(Exception):
    """What went wrong with one request that is worth another try, and how long the server asks to wait."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class FeedClient:
    """Asks one host.

    Args:
        base: scheme and host, such as `https://data.sf.gov`.
        token: sent as X-App-Token; None: requests are counted by address.
        say: is told of every wait.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self, base: str, token: str | None = None, *, say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._base, self._say, self._sleep = base, say, sleep
        self.host = urllib.parse.urlsplit(base).netloc
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"sf-police/{__version__}",
            **({"X-App-Token": token} if token else {}),
        }
        # A proxy has no business between this machine and itself.
        proxies: dict[str, str] | None = {} if urllib.parse.urlsplit(base).hostname in LOOPBACK else None
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies),
            urllib.request.HTTPSHandler(context=ssl.create_default_context()),
            _Redirects(base),
        )

    def rows(self, dataset: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the rows that a query yields, tried several times.

        Raises:
            FeedUnavailableError: none of the tries gave rows, but a later one may.
            SfPoliceError: the server refuses, and will do so again.
        """
        url = f"{self._base}/resource/{dataset}.json?{urllib.parse.urlencode(query)}"
        wait_s = _FIRST_WAIT_S
        for left in range(_TRIES - 1, -1, -1):
            try:
                return self._rows(url, dataset)
            except _AgainError as error:
                # Spread a little, as others were turned away at the same moment.
                due_s = error.wait_s if error.wait_s is not None else wait_s * random.uniform(1, 1.5)
                if not left or due_s > _MOST_WAIT_S:
                    asked = f", and asks to wait for {due_s:,.0f} s" if due_s > _MOST_WAIT_S else ""
                    raise FeedUnavailableError(f"{self.host}: {error}{asked}", remedy="try again later") from error
                self._say(f"{self.host}: {error}; trying again in {due_s:.0f} s")
                self._sleep(due_s)
                wait_s *= 2
        raise AssertionError("unreachable")

    def _rows(self, url: str, dataset: str) -> list[dict[str, Any]]:
        request = urllib.request.Request(url, headers=self._headers)  # noqa: S310 # the setting's check knows the scheme
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                return _parsed(_body(response), self.host)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error, dataset) from error
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise self._failure(error) from error

    def _refusal(self, error: urllib.error.HTTPError, dataset: str) -> Exception:
        if error.code in _AGAIN_CODES or error.code >= 500:
            return _AgainError(f"HTTP {error.code}", _retry_after_s(error.headers))
        said = _message(error)
        what = f"{self.host} refuses to give rows of {dataset}: HTTP {error.code}" + (f", {said}" if said else "")
        remedies = {
            400: "if the city has renamed a column, correct it in sf_police/feed/feeds.json",
            401: "check FEED_TOKEN",
            403: "check FEED_TOKEN, and whether the host lets this network in",
            404: "the data set is gone or has moved: correct sf_police/feed/feeds.json",
        }
        return SfPoliceError(what, remedy=remedies.get(error.code, ""))

    def _failure(self, error: Exception) -> Exception:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            return SfPoliceError(
                f"the certificate of {self.host} is not to be trusted: {reason.verify_message.rstrip('.')}",
                remedy="check FEED_HOST; a CA of your own goes into the file that SSL_CERT_FILE names",
            )
        if isinstance(reason, http.client.IncompleteRead):
            return _AgainError("the answer was cut short")
        if isinstance(reason, TimeoutError):
            return _AgainError(f"no answer within {_TIMEOUT_S:.0f} s")
        return _AgainError(getattr(reason, "strerror", None) or str(reason) or type(reason).__name__)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the host and its subdomains, never to a weaker scheme: the token goes with them."""

    def __init__(self, base: str) -> None:
        self._base = urllib.parse.urlsplit(base)

    def redirect_request(  # noqa: PLR0917 # as the library calls it
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to make instead. Raises SfPoliceError where it would lead elsewhere."""
        to, own = urllib.parse.urlsplit(newurl), self._base.hostname or ""
        host = to.hostname or ""
        if to.scheme not in ("https", self._base.scheme):
            raise SfPoliceError(f"{own} redirects to {to.scheme}://{host}, without TLS", remedy="check FEED_HOST")
        if host != own and not host.endswith(f".{own}"):
            raise SfPoliceError(
                f"{own} redirects to another host, {host}", remedy=f"if you trust it, set FEED_HOST={host}"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _body(response: http.client.HTTPResponse) -> bytes:
    encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("gzip", "identity"):
        raise SfPoliceError(f"the server packs its answers with {encoding[:40]}, which was not asked for")
    unpack = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    parts, size, deadline = [], 0, time.monotonic() + _MOST_REQUEST_S
    while chunk := response.read(_CHUNK_BYTES):
        try:
            part = unpack.decompress(chunk, _MOST_BYTES + 1) if unpack else chunk
        except zlib.error:
            raise _AgainError("the answer's packed data is damaged") from None
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise SfPoliceError(f"the server's answer is larger than {_MOST_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise _AgainError(f"the answer took more than {_MOST_REQUEST_S:.0f} s")
    # `read` does not tell that less came than was announced.
    if response.length or (unpack and not unpack.eof):
        raise _AgainError("the answer was cut short")
    return b"".join(parts)


def _parsed(body: bytes, host: str) -> list[dict[str, Any]]:
    start = body[:200].lstrip().lower()
    if start.startswith(b"<"):
        raise _AgainError("an HTML page in place of JSON")
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError:
        is_cut = start.startswith(b"[") and not body.rstrip().endswith(b"]")
        raise _AgainError("the answer was cut short" if is_cut else "the answer is not JSON") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SfPoliceError(f"{host} answers with JSON that is no list of rows")
    return rows


def _retry_after_s(headers: Message) -> float | None:
    text = (headers.get("Retry-After") or "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        # By the server's own clock, as ours may be wrong.
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("Date") or "")
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _message(error: urllib.error.HTTPError) -> str:
    try:
        found = orjson.loads(_body(cast("http.client.HTTPResponse", error.fp)))
        text = str(found.get("message") or found.get("error") or "")
    except (SfPoliceError, _AgainError, OSError, http.client.HTTPException, orjson.JSONDecodeError, AttributeError):
        return ""
    return "".join(char if char.isprintable() else " " for char in text.partition("\n")[0])[:300].strip()
