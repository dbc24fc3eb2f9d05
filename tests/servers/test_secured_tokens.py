"""Signed tokens, which the broker checks: from an endpoint and from a file, for both clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from sf_police.topic.oauth import ALLOWED_URLS, ENDPOINT, HANDLER
from tests.support.builders import a_call
from tests.support.job import books
from tests.support.secured import USER, Right, SecuredBrokers, secured_job
from tests.support.tokens import Endpoint, base64url, jwt, token_endpoint

OAUTH: Final = "org.apache.kafka.common.security.oauthbearer"
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(data: bytes) -> bytes:
    return KEY.sign(data, padding.PKCS1v15(), SHA256())


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBrokers]:
    """A broker that takes tokens with our signature only."""
    state = tmp_path_factory.mktemp("broker")
    numbers = KEY.public_key().public_numbers()
    key = {name: base64url(part.to_bytes(256).lstrip(b"\0")) for name, part in (("n", numbers.n), ("e", numbers.e))}
    (state / "jwks.json").write_text(json.dumps({"keys": [{"kty": "RSA", "alg": "RS256", "kid": "key", **key}]}))
    keys, name = (state / "jwks.json").as_uri(), "listener.name.sasl_ssl.oauthbearer.sasl"
    settings = {
        f"{name}.server.callback.handler.class": f"{OAUTH}.OAuthBearerValidatorCallbackHandler",
        f"{name}.oauthbearer.jwks.endpoint.url": keys,
        f"{name}.oauthbearer.expected.audience": "brokers",
        f"{name}.oauthbearer.expected.issuer": "us",
    }
    allowed = f"-D{ALLOWED_URLS}={keys} -Dorg.apache.kafka.sasl.oauthbearer.allowed.files={state / 'jwks.json'}"
    broker = SecuredBrokers(state, settings=settings, java_options=allowed)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def endpoint(broker: SecuredBrokers) -> Iterator[Endpoint]:
    """A token endpoint with a certificate by the brokers' CA."""
    with token_endpoint(broker.certificate("endpoint", kind="broker")) as server:
        server.grant(jwt(USER, sign=sign))
        yield server


def by_endpoint(broker: SecuredBrokers, endpoint: Endpoint) -> Path:
    trust = f"ssl.truststore.type=PEM ssl.truststore.location='{broker.folder / 'ca.pem'}'"
    return login(broker, endpoint.url, f"clientId=ann clientSecret='s3cret' scope=kafka {trust}")


def login(broker: SecuredBrokers, url: str, options: str = "") -> Path:
    file = broker.login("oauthbearer", sasl_jaas_config=f"{OAUTH}.OAuthBearerLoginModule required {options};")
    more = {HANDLER: f"{OAUTH}.OAuthBearerLoginCallbackHandler", ENDPOINT: url}
    file.write_text(file.read_text() + "".join(f"{key}={text}\n" for key, text in more.items()))
    return file


@pytest.mark.parametrize("source", ["endpoint", "file"])
def test_both_clients_log_in_with_a_token(
    broker: SecuredBrokers, endpoint: Endpoint, tmp_path: Path, source: str
) -> None:
    token = tmp_path / "token"
    token.write_text(jwt(USER, sign=sign))
    topic = f"by-{source}"
    broker.set_rights(Right(name, "TOPIC", topic) for name in ("CREATE", "DESCRIBE", "READ", "WRITE"))
    way = by_endpoint(broker, endpoint) if source == "endpoint" else login(broker, token.as_uri())
    job = secured_job(broker, way, topic, tmp_path)
    file = tmp_path / "calls.json"
    file.write_text(json.dumps([a_call(crime_id=str(number)) for number in range(20)]))

    job.run("create-topic")
    job.run("produce", str(file))
    counted = books(job.run("stream", "--until-end").stderr)

    assert (counted["read"], counted["counted"]) == (20, 20)
    assert "s3cret" not in (job.state / "spark.log").read_text()


def test_a_token_that_the_broker_does_not_take_is_said(
    broker: SecuredBrokers, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.grant(jwt(USER))
    job = secured_job(broker, by_endpoint(broker, endpoint), "none", tmp_path)
    by_others = secured_job(broker, login(broker, endpoint.url, "clientId=ann clientSecret=x"), "none", tmp_path)

    said = job.run("stream", check=False)
    endpoint.status = 401
    refused = job.run("stream", check=False)
    untrusted = by_others.run("stream", check=False)

    assert f"no token from {endpoint.url} (its certificate is not trusted: " in untrusted.stderr
    assert (said.returncode, refused.returncode) == (1, 1)
    assert f"the broker at {broker.sasl} refuses the login of {USER} (" in said.stderr
    assert f"the token endpoint {endpoint.url} refuses the client ann (401 Unauthorized)" in refused.stderr
