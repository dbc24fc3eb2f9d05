"""Tokens for OAUTHBEARER, by the names of Kafka's Java clients: from an endpoint, from a file, or unsecured ones.

Java's clients look into a token for its end and its user, so it must be a JWT; its signature is the broker's business.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from kafka.net.sasl.oauth import AbstractTokenProvider

from sf_police.errors import SfPoliceError

ENDPOINT: Final = "sasl.oauthbearer.token.endpoint.url"
HANDLER: Final = "sasl.login.callback.handler.class"
# From Kafka 4.0 on, Java fetches nothing from a URL that this system property does not name; before, it is a limit.
ALLOWED_URLS: Final = "org.apache.kafka.sasl.oauthbearer.allowed.urls"
_HANDLERS: Final = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
)
_LIMIT_S: Final = 5
# Of a token's life, as Java's clients do (sasl.login.refresh.window.factor).
_FRESH: Final = 0.8
_EXTENSION: Final = "extension_"
_UNSECURED: Final = "unsecuredLogin"
_OF_UNSECURED: Final[dict[str, Callable[[str], Any]]] = {
    "StringClaim_": str, "NumberClaim_": float, "ListClaim_": lambda text: text[1:].split(text[:1]),
}  # fmt: skip
_LIFETIME: Final = f"{_UNSECURED}LifetimeSeconds"
_ENDPOINTS_OPTIONS: Final = ("clientId", "clientSecret", "scope")


class TokenError(SfPoliceError):
    """There is no token to log in with."""


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc] # kafka-python has no types
    """Keeps a token until most of its life is over.

    Args:
        fetch: returns a new one.
        extensions: what is said with the token.
    """

    def __init__(self, fetch: Callable[[], str], extensions: Mapping[str, str]) -> None:
        self._fetch, self._extensions = fetch, dict(extensions)
        self._lock = threading.Lock()  # the clients' threads ask
        self._token, self._fresh_until, self._ends = "", 0.0, 0.0

    def token(self) -> str:
        """Return a token that is still good. Raises TokenError if there is none."""
        with self._lock:
            now = time.time()
            if now >= self._fresh_until:
                try:
                    token = self._fetch()
                    ends = float(_claims(token)["exp"])
                except TokenError:
                    if now >= self._ends:
                        raise
                    # The old one still holds; the next connection tries again.
                else:
                    self._token, self._ends, self._fresh_until = token, ends, now + _FRESH * (ends - now)
            return self._token

    def extensions(self) -> dict[str, str]:
        """Return what is said with the token."""
        return self._extensions

    def user(self) -> str:
        """Return whose token it is. Raises TokenError if there is none."""
        return str(_claims(self.token())["sub"])


def token_provider(
    properties: Mapping[str, str], options: Mapping[str, str], *, tls: Callable[[Mapping[str, str]], ssl.SSLContext]
) -> TokenProvider:
    """Return what provides tokens.

    Args:
        properties: the file's; of them, the endpoint and the handler.
        options: of sasl.jaas.config.
        tls: makes a context by settings; those for the endpoint are in `options`, as Java's clients have it.

    Raises:
        ValueError: something is missing or not supported, and which setting is wrong.
    """
    handler, url = properties.get(HANDLER, "").strip(), properties.get(ENDPOINT, "").strip()
    if handler and handler not in _HANDLERS:
        raise ValueError(f"{HANDLER}: expected {_HANDLERS[0]}")
    if bool(handler) != bool(url):
        raise ValueError(f"{HANDLER} and {ENDPOINT} belong together")
    if not url:
        return _unsecured(options)
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme == "file":
        _check_options(options, (), _EXTENSION)
        path = Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
        return TokenProvider(lambda: _from_file(path), _extensions(options, _EXTENSION))
    if scheme not in ("http", "https"):
        raise ValueError(f"{ENDPOINT}: expected a URL with https, http or file")
    _check_options(options, _ENDPOINTS_OPTIONS, _EXTENSION, "ssl.")
    for name in ("clientId", "clientSecret"):
        if not options.get(name):
            raise ValueError(f"sasl.jaas.config: {name} is missing")
    context = tls({key: value for key, value in options.items() if key.startswith("ssl.")})
    return TokenProvider(lambda: _granted(url, options, context), _extensions(options, _EXTENSION))


def allowed_urls(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the system property that lets Java's client fetch a token from the file's URL, and from no other."""
    url = properties.get(ENDPOINT, "").strip()
    return {ALLOWED_URLS: url} if url else {}


def _check_options(options: Mapping[str, str], known: tuple[str, ...], *prefixes: str) -> None:
    other = next((name for name in options if name not in known and not name.startswith(prefixes)), None)
    if other is not None:
        raise ValueError(f"sasl.jaas.config: {other} is not supported here")


def _extensions(options: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in options.items() if name.startswith(prefix)}


def _unsecured(options: Mapping[str, str]) -> TokenProvider:
    extension = f"{_UNSECURED}Extension_"
    _check_options(options, (_LIFETIME,), extension, *(_UNSECURED + kind for kind in _OF_UNSECURED))
    claims: dict[str, Any] = {}
    try:
        lifetime_s = int(options.get(_LIFETIME, "3600"))
        for kind, parse in _OF_UNSECURED.items():
            claims |= {name: parse(text) for name, text in _extensions(options, _UNSECURED + kind).items()}
    except ValueError as error:
        raise ValueError("sasl.jaas.config: a number is expected where one of its options has none") from error
    if not claims.get("sub"):
        raise ValueError(f"sasl.jaas.config: {_UNSECURED}StringClaim_sub is missing, or {HANDLER} and {ENDPOINT}")

    def fetch() -> str:
        now = time.time()
        payload = {"iat": now, "exp": now + lifetime_s, **claims}
        return f"{_base64url({'alg': 'none'})}.{_base64url(payload)}."

    return TokenProvider(fetch, _extensions(options, extension))


def _base64url(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _from_file(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError as error:
        raise TokenError(
            f"the token file {path} cannot be read ({error.strerror})", remedy=f"check {ENDPOINT}"
        ) from error
    except UnicodeDecodeError:
        raise TokenError(f"the token file {path} holds no token", remedy=f"check {ENDPOINT}") from None


def _granted(url: str, options: Mapping[str, str], context: ssl.SSLContext) -> str:
    # RFC 6749, 4.4: the client credentials grant.
    form = {"grant_type": "client_credentials"} | ({"scope": options["scope"]} if options.get("scope") else {})
    login = base64.b64encode(f"{options['clientId']}:{options['clientSecret']}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 # only http and https come here
        url, urllib.parse.urlencode(form).encode(), {"Authorization": f"Basic {login}", "Accept": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=_LIMIT_S) as answer:
            token = json.load(answer)["access_token"]
    except urllib.error.HTTPError as error:
        with error:
            what = f"the token endpoint {url} refuses the client {options['clientId']} ({error.code} {error.reason})"
        raise TokenError(what, remedy="check clientId, clientSecret and scope in sasl.jaas.config") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TokenError(f"no token from {url} ({_reason(error)})", remedy=f"check {ENDPOINT}") from error
    return str(token)


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    return (
        "its answer is not JSON with an access_token"
        if isinstance(error, ValueError | KeyError | TypeError)
        else str(cause)
    )


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {"exp": claims["exp"], "sub": claims["sub"]}
    except (IndexError, KeyError, TypeError, ValueError):
        what = "the token is no JWT with the claims exp and sub, which Kafka's clients need"
        raise TokenError(what, remedy=f"check {ENDPOINT}") from None
