"""One connection to a broker, as far as a client gets: TLS, login, and a first answer. Says exactly where it ends.

kafka-python tries again until its time is up, whatever was wrong, and then knows only that there is no connection.
As in `record_batches.py`, its internals are used: its messages, and its ways to log in.
"""

from __future__ import annotations

import importlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

from kafka.errors import KafkaError
from kafka.net.connection import KafkaConnection
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from sf_police.errors import SfPoliceError
from sf_police.topic import refusals
from sf_police.topic.refusals import Server

_UNSUPPORTED_MECHANISM: Final = 33
_ILLEGAL_STATE: Final = 34
_GREETING_S: Final = 1


class _Conversation:
    """Questions and answers in Kafka's protocol, over a connection that the caller closes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._protocol = connection, KafkaProtocol(client_id="sf-police")

    def ask(self, request: Any) -> Any:
        """Send a request, and return the broker's answer. Raises OSError or KafkaError if none comes."""
        self._protocol.send_request(request)
        # A broker that has hung up may have said why before that: it is still to be read.
        with suppress(OSError):
            self._connection.sendall(self._protocol.send_bytes())
        answers: list[Any] = []
        while not answers:
            answers = self._protocol.receive_bytes(self._received())
        return answers[0][1]

    def _received(self) -> bytes:
        received = self._connection.recv(1 << 16)
        if not received:
            raise ConnectionResetError("the broker has closed the connection")
        return received


def enter(
    server: Server, connection: socket.socket, options: Mapping[str, Any], *, who: str | None, has_certificate: bool
) -> None:
    """Go through all that a client goes through before its first answer; closes the connection.

    Args:
        server: the broker's host and port.
        connection: to it, with a timeout.
        options: of the client, by kafka-python's names.
        who: logs in, if that is known.
        has_certificate: whether this client shows one of its own.

    Raises:
        SfPoliceError: the broker does not let this client in, and why.
    """
    protocol = options.get("security_protocol", "PLAINTEXT")
    where = f"{server[0]}:{server[1]}"

    def no_tls(error: Exception) -> SfPoliceError:
        return refusals.tls_failure(where, error, has_certificate=has_certificate)

    def no_answer(error: Exception) -> SfPoliceError:
        # With TLS 1.3, a broker refuses a client's certificate only after the handshake.
        if getattr(error, "reason", None):
            return no_tls(error)
        if isinstance(error, TimeoutError):
            return refusals.silent(where)
        if not protocol.endswith("SSL") and _greets_by_tls(server):
            return refusals.expects_tls(where, protocol)
        return refusals.not_a_broker(where, protocol)

    with ExitStack() as opened:
        opened.enter_context(connection)
        if protocol.endswith("SSL"):
            with _told(no_tls):
                secured = options["ssl_context"].wrap_socket(connection, server_hostname=server[0])
            connection = opened.enter_context(secured)
        broker = _Conversation(connection)
        with _told(no_answer):
            broker.ask(ApiVersionsRequest(version=0))
        if protocol.startswith("SASL_"):
            with _told(no_answer):
                _log_in(broker, server, options, who=who)
        with _told(lambda error: _hung_up(where, error, protocol)):
            broker.ask(MetadataRequest(topics=[], version=1))


def _hung_up(where: str, error: Exception, protocol: str) -> SfPoliceError:
    if isinstance(error, TimeoutError):
        return refusals.silent(where)
    is_logged_in = protocol.startswith("SASL_")
    return refusals.not_a_broker(where, protocol) if is_logged_in else refusals.expects_login(where, protocol)


def _greets_by_tls(server: Server) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent but the greeting
    try:
        with socket.create_connection(server, _GREETING_S) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        # A server that wants a certificate of ours, or another version, has answered by TLS all the same.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def _log_in(broker: _Conversation, server: Server, options: Mapping[str, Any], *, who: str | None) -> None:
    name, where = options["sasl_mechanism"], f"{server[0]}:{server[1]}"
    answer = broker.ask(SaslHandshakeRequest(mechanism=name, version=1))
    if answer.error_code == _ILLEGAL_STATE:
        raise refusals.expects_no_login(where, options["security_protocol"])
    if answer.error_code == _UNSUPPORTED_MECHANISM:
        raise refusals.unknown_mechanism(where, name, answer.mechanisms)
    try:
        mechanism = get_sasl_mechanism(name)(host=server[0], **{**KafkaConnection.DEFAULT_CONFIG, **options})
        while not mechanism.is_done():
            answer = broker.ask(SaslAuthenticateRequest(mechanism.auth_bytes(), version=0))
            if answer.error_code:
                raise refusals.login_refused(where, who, answer.error_message)
            mechanism.receive(answer.auth_bytes)
    except _errors_of(name) as error:  # as of a broker that does not know the password either
        raise refusals.login_refused(where, who, str(error)) from error


def _errors_of(mechanism: str) -> tuple[type[Exception], ...]:
    if mechanism != "GSSAPI":
        return (ValueError,)
    no_ticket: type[Exception] = importlib.import_module("gssapi.exceptions").GSSError
    return (ValueError, no_ticket)


@contextmanager
def _told(tell: Callable[[Exception], SfPoliceError]) -> Iterator[None]:
    try:
        yield
    except (OSError, KafkaError) as error:
        raise tell(error) from error
