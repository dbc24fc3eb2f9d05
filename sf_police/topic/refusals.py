"""Why a broker does not let this client in, each reason in words of its own, with what to do. Connects nowhere."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Final

from sf_police.errors import SfPoliceError

Server = tuple[str, int]

IN_THE_FILE: Final = "in the file that KAFKA_CLIENT_PROPERTIES names"
_LOCAL: Final = re.compile(r"localhost|127\.[\d.]+|::1|0\.0\.0\.0")
# Codes of OpenSSL's verification, X509_V_ERR_…
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_OTHER_NAME: Final = (62, 64)
# What a broker says by a TLS alert, in OpenSSL's names.
_WANTS_CERTIFICATE: Final = ("BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
_REFUSES_CERTIFICATE: Final = ("CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "CERTIFICATE_EXPIRED", "BAD_CERTIFICATE")
_NOT_TLS: Final = ("", "WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF_WHILE_READING")


class LoginRefusedError(SfPoliceError):
    """The broker has refused the login."""


class NotStartedError(SfPoliceError):
    """Nothing listens where the local broker would be."""


def split_servers(servers: str) -> list[Server]:
    """Return host and port of each of the servers."""
    pairs = (server.rpartition(":") for server in servers.split(","))
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


def unreachable(servers: str, errors: list[OSError], protocol: str = "PLAINTEXT") -> SfPoliceError:
    """Describe brokers that cannot be connected to, given the error of each; ours are asked without TLS and login."""
    hosts = [host for host, _ in split_servers(servers)]
    unknown = [host for host, error in zip(hosts, errors, strict=True) if isinstance(error, socket.gaierror)]
    if len(unknown) == len(hosts):
        return SfPoliceError(
            f"the name {unknown[0]} does not resolve (brokers: {servers})",
            remedy="correct KAFKA_BOOTSTRAP_SERVERS, or make the name known to this machine",
        )
    if protocol == "PLAINTEXT" and any(_LOCAL.fullmatch(host) for host in hosts):
        return NotStartedError(f"no broker at {servers}", remedy="run `make kafka-start`")
    reasons = {f"{host} does not resolve" for host in unknown} | {
        error.strerror or "no answer in time" for error in errors if not isinstance(error, socket.gaierror)
    }
    return SfPoliceError(
        f"no broker at {servers} ({'; '.join(sorted(reasons))})",
        remedy="check KAFKA_BOOTSTRAP_SERVERS, and that this machine may connect to them",
    )


def tls_failure(server: str, error: Exception, *, has_certificate: bool) -> SfPoliceError:
    """Describe a TLS connection that did not come about, or that the broker ended at once.

    Args:
        server: host and port.
        error: what TLS says.
        has_certificate: whether this client has shown one of its own.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _bad_certificate(server, error)
    if isinstance(error, TimeoutError):
        return silent(server)
    reason = getattr(error, "reason", None) or ""
    alert = reason.partition("_ALERT_")[2]
    if alert in _REFUSES_CERTIFICATE and has_certificate:
        return SfPoliceError(
            f"the broker at {server} refuses this client's certificate ({alert.replace('_', ' ').lower()})",
            remedy="check that it is still valid, and that the broker trusts the CA that signed it",
        )
    if alert in _WANTS_CERTIFICATE and not has_certificate:
        return SfPoliceError(
            f"the broker at {server} expects a certificate of this client",
            remedy=f"set ssl.keystore.location {IN_THE_FILE}",
        )
    if reason in _NOT_TLS:
        # A broker that expects something else hangs up, or answers in its own way.
        return SfPoliceError(
            f"the broker at {server} does not use TLS at that port",
            remedy="set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or use the broker's TLS port",
        )
    return SfPoliceError(f"no TLS with the broker at {server} ({reason})", remedy="check ssl.enabled.protocols")


def _bad_certificate(server: str, error: ssl.SSLCertVerificationError) -> SfPoliceError:
    certificate = f"the certificate of the broker at {server}"
    if error.verify_code == _EXPIRED:
        return SfPoliceError(f"{certificate} has expired", remedy="have it renewed, or check this machine's clock")
    if error.verify_code == _NOT_YET_VALID:
        return SfPoliceError(f"{certificate} is not valid yet", remedy="check this machine's clock, and the broker's")
    if error.verify_code in _OTHER_NAME:
        return SfPoliceError(
            f"{certificate} is for another host name", remedy="name the broker as its certificate does, not by an alias"
        )
    return SfPoliceError(
        f"{certificate} is not trusted ({error.verify_message})",
        remedy=f"set ssl.truststore.location to the CA that signed it {IN_THE_FILE}",
    )


def silent(server: str) -> SfPoliceError:
    """Describe a broker that takes the connection, and says nothing."""
    return SfPoliceError(
        f"what listens at {server} takes connections, but does not answer",
        remedy="check that it is a broker and not overloaded, and security.protocol",
    )


def expects_tls(server: str, protocol: str) -> SfPoliceError:
    """Describe a broker that answers by TLS although it was asked without."""
    return SfPoliceError(
        f"the broker at {server} expects TLS, but security.protocol is {protocol}",
        remedy=f"set security.protocol to {'SASL_SSL' if protocol.startswith('SASL') else 'SSL or SASL_SSL'} "
        f"{IN_THE_FILE}",
    )


def not_a_broker(server: str, protocol: str) -> SfPoliceError:
    """Describe what listens, and does not speak Kafka's protocol."""
    return SfPoliceError(
        f"what listens at {server} does not answer as a Kafka broker with security.protocol={protocol}",
        remedy=f"check the port, and security.protocol {IN_THE_FILE}",
    )


def expects_login(server: str, protocol: str) -> SfPoliceError:
    """Describe a broker that hangs up on whoever has not logged in."""
    return SfPoliceError(
        f"the broker at {server} expects a login, but security.protocol is {protocol}",
        remedy=f"set security.protocol to {'SASL_SSL' if protocol == 'SSL' else 'SASL_PLAINTEXT or SASL_SSL'}, "
        f"sasl.mechanism and sasl.jaas.config {IN_THE_FILE}",
    )


def expects_no_login(server: str, protocol: str) -> SfPoliceError:
    """Describe a broker that takes no login at that port."""
    return SfPoliceError(
        f"the broker at {server} takes no login at that port, but security.protocol is {protocol}",
        remedy=f"set security.protocol to {'SSL' if protocol == 'SASL_SSL' else 'PLAINTEXT'}, or use another port",
    )


def unknown_mechanism(server: str, mechanism: str, offered: list[str]) -> SfPoliceError:
    """Describe a broker that does not know this way to log in."""
    return SfPoliceError(
        f"the broker at {server} does not take sasl.mechanism={mechanism}",
        remedy=f"set sasl.mechanism to {' or '.join(sorted(offered))} {IN_THE_FILE}",
    )


def login_refused(server: str, who: str | None, reason: str) -> LoginRefusedError:
    """Describe a login that the broker refuses, with its reason."""
    return LoginRefusedError(
        f"the broker at {server} refuses the login{f' of {who}' if who else ''} ({reason or 'no reason given'})",
        remedy=f"check sasl.jaas.config and sasl.mechanism {IN_THE_FILE}",
    )
