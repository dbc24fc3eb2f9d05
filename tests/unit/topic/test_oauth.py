"""Tokens: from an endpoint, kept while they are good; from a file; and unsecured ones."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sf_police.errors import UsageError
from sf_police.topic import oauth
from sf_police.topic.client_properties import python_client_options, spark_options, user_name
from sf_police.topic.oauth import ALLOWED_URLS, ENDPOINT, HANDLER, TokenError, allowed_urls
from tests.support.tokens import Endpoint, jwt, token_endpoint

MODULE: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
CALLBACKS: Final = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
LOGIN: Final = "clientId=ann clientSecret='s3cret' scope='a b'"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with token_endpoint() as server:
        yield server


def properties(options: str = "", url: str = "", handler: str = CALLBACKS) -> dict[str, str]:
    given = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"}
    given["sasl.jaas.config"] = f"{MODULE} required {options};"
    return given | ({HANDLER: handler} if handler and url else {}) | ({ENDPOINT: url} if url else {})


def provider(given: dict[str, str]) -> oauth.TokenProvider:
    found = python_client_options(given)["sasl_oauth_token_provider"]
    assert isinstance(found, oauth.TokenProvider)
    return found


def test_the_endpoint_is_asked_once_while_its_token_is_good(endpoint: Endpoint) -> None:
    tokens = provider(properties(f"{LOGIN} extension_logicalCluster=lkc-1", endpoint.url))

    assert tokens.token() == tokens.token() == json.loads(endpoint.answer)["access_token"]
    assert tokens.user() == "ann"
    assert tokens.extensions() == {"logicalCluster": "lkc-1"}
    login = "Basic " + base64.b64encode(b"ann:s3cret").decode()
    assert endpoint.asked == [(login, {"grant_type": ["client_credentials"], "scope": ["a b"]})]


def test_a_token_is_renewed_before_its_end_and_an_outage_of_the_endpoint_does_no_harm(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, now = provider(properties(LOGIN, endpoint.url)), time.time()
    first = tokens.token()

    monkeypatch.setattr(time, "time", lambda: now + 3000)  # 80 % of its life are over
    endpoint.status = 503
    assert tokens.token() == first
    endpoint.grant(jwt("bob"))
    assert tokens.token() != first
    assert len(endpoint.asked) == 3


def test_without_a_token_that_still_holds_the_endpoints_outage_is_said(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, now = provider(properties(LOGIN, endpoint.url)), time.time()
    tokens.token()
    monkeypatch.setattr(time, "time", lambda: now + 4000)
    endpoint.status = 503

    with pytest.raises(TokenError, match="refuses the client ann \\(503 Service Unavailable\\)"):
        tokens.token()


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (401, "{}", "the token endpoint {} refuses the client ann (401 Unauthorized): "
                    "check clientId, clientSecret and scope in sasl.jaas.config"),
        (200, "<html>", f"no token from {{}} (its answer is not JSON with an access_token): check {ENDPOINT}"),
        (200, "{}", f"no token from {{}} (its answer is not JSON with an access_token): check {ENDPOINT}"),
        (200, '{"access_token": "opaque"}',
         f"the token is no JWT with the claims exp and sub, which Kafka's clients need: check {ENDPOINT}"),
    ],
)  # fmt: skip
def test_what_the_endpoint_refuses_is_said(endpoint: Endpoint, status: int, answer: str, message: str) -> None:
    endpoint.status, endpoint.answer = status, answer

    with pytest.raises(TokenError) as refused:
        provider(properties(LOGIN, endpoint.url)).token()
    assert str(refused.value) == message.format(endpoint.url)


def test_an_endpoint_that_is_not_there_is_said() -> None:
    with pytest.raises(TokenError, match=r"^no token from http://127\.0\.0\.1:1/ \(Connection refused\): check sasl"):
        provider(properties(LOGIN, "http://127.0.0.1:1/")).token()


def test_a_token_can_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a token"
    tokens = provider(properties(url=file.as_uri()))
    with pytest.raises(TokenError, match=r"^the token file .*/a token cannot be read \(No such file or directory\)"):
        tokens.token()

    file.write_text(jwt("ann") + "\n")

    assert tokens.token() == file.read_text().strip()
    assert tokens.user() == "ann"


def test_an_unsecured_token_has_the_claims_of_the_login() -> None:
    given = properties(
        'unsecuredLoginStringClaim_sub="ann" unsecuredLoginListClaim_scope=",a,b" unsecuredLoginNumberClaim_n="1.5" '
        'unsecuredLoginLifetimeSeconds="60" unsecuredLoginExtension_traceId="x"'
    )
    tokens = provider(given)
    header, payload, signature = tokens.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    assert (json.loads(base64.urlsafe_b64decode(header + "==")), signature) == ({"alg": "none"}, "")
    assert (claims["sub"], claims["scope"], claims["n"]) == ("ann", ["a", "b"], 1.5)
    assert claims["exp"] - claims["iat"] == 60
    assert tokens.extensions() == {"traceId": "x"}
    assert user_name(given, python_client_options(given)) == "ann"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (properties(), r"unsecuredLoginStringClaim_sub is missing, or sasl\.login\.callback\.handler\.class and "),
        (properties("unsecuredLoginStringClaim_sub=a unsecuredLoginPrincipalClaimName=b"), r"Name is not supported"),
        (properties("unsecuredLoginStringClaim_sub=a unsecuredLoginLifetimeSeconds=soon"), r"a number is expected"),
        (properties(LOGIN, "https://x.example/", handler=""), r"sasl\.login\.callback\.handler\.class and sasl\.oauth"),
        (properties(LOGIN, "https://x.example/", handler="mine"), r"handler\.class: expected org\.apache\.kafka\.comm"),
        (properties(LOGIN, "ftp://x.example/"), r"url: expected a URL with https, http or file"),
        (properties("clientId=a", "https://x.example/"), r"sasl\.jaas\.config: clientSecret is missing"),
        (properties(f"{LOGIN} audience=x", "https://x.example/"), r"sasl\.jaas\.config: audience is not supported"),
        (properties(f"{LOGIN} ssl.truststore.type=PEM ssl.truststore.location='/none'", "https://x.example/"),
         r"ssl\.truststore\.location=/none: cannot be read"),
    ],
)  # fmt: skip
def test_what_is_missing_or_not_supported_is_refused_without_the_secret(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=rf"^KAFKA_CLIENT_PROPERTIES: .*{message}") as refused:
        python_client_options(given)
    assert "s3cret" not in str(refused.value)


def test_java_is_allowed_the_url_of_the_file_and_no_other() -> None:
    given = properties(LOGIN, "https://x.example/token")

    assert allowed_urls(given) == {ALLOWED_URLS: "https://x.example/token"}
    assert allowed_urls(properties("unsecuredLoginStringClaim_sub=a")) == {}
    assert spark_options(given)[f"kafka.{ENDPOINT}"] == "https://x.example/token"
    assert spark_options(given)[f"kafka.{HANDLER}"] == CALLBACKS
