"""Brokers with logins, certificates and rights (ACLs), by `scripts/kafka-start.sh --secured`, and what logs in wrongly.

The plain listener, `servers`, is the administrator's. At the others a user's principal is `User:NAME` by every way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from kafka import admin as api

from sf_police.topic.java_properties import parse_properties
from tests.support.brokers import Brokers, free_ports, run_script
from tests.support.environment import ROOT, variables
from tests.support.job import Job
from tests.support.waiting import eventually

# As `KAFKA_CLIENT_PROPERTIES` files are called: NAME-scram-sha-256.properties.
MECHANISMS: Final = ("scram-sha-256", "scram-sha-512", "plain", "oauthbearer", "mtls")
USER: Final = "calls"
PASSWORD: Final = "not-to-be-seen-3f9c1e"
# Three brokers: ports up to 5, logins at 20 to 25.
_PORTS: Final = 26
_HEAP: Final = "-Xms64m -Xmx256m"


class Right(NamedTuple):
    """One ACL: what a user may do, and to what: `Right("READ", "TOPIC", "calls")`."""

    operation: str
    kind: str
    resource: str

    def pattern(self) -> api.ResourcePattern:
        return api.ResourcePattern(api.ResourceType[self.kind], self.resource)


class SecuredBrokers(Brokers):
    """Brokers of a test's own that ask who is there. Users have no rights until they are given some.

    Args:
        state: their STATE_DIR.
        count: 1 or 3.
        users: passwords by name.
        settings: of the brokers, which come last.
        java_options: of their JVMs.
    """

    def __init__(
        self,
        state: Path,
        count: int = 1,
        *,
        users: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        java_options: str = "",
    ) -> None:
        super().__init__(state, count)
        port = free_ports(_PORTS)
        self.env |= variables(KAFKA_PORT=str(port)) | {"KAFKA_PORT": str(port)}
        self.env["KAFKA_HEAP_OPTS"] = f"{_HEAP} {java_options}"
        # Of three that are stopped together the last one waits for a controller that is gone.
        self.env["KAFKA_STOP_TIMEOUT"] = "5"
        self.servers, self.sasl, self.mtls = (self._servers(port + first) for first in (0, 20, 21))
        self.folder = state / "kafka" / "secured"
        self.folder.mkdir(parents=True, mode=0o700)
        users = users or {USER: PASSWORD}
        (self.folder / "users").write_text("\n".join(f"{name}={password}" for name, password in users.items()))
        (self.folder / "server.properties").write_text(_lines(settings or {}))
        self._written = 0

    def _servers(self, first: int) -> str:
        return ",".join(f"localhost:{first + 2 * number}" for number in range(self.count))

    def start(self) -> None:
        """Start those that do not run; returns when all answer."""
        started = run_script("kafka-start.sh", self.env, "--secured")
        assert started.returncode == 0, started.stderr

    def restart(self, broker: int) -> None:
        """Stop one as an administrator does, start it again, and wait until it is in sync again."""
        stopped = run_script("kafka-stop.sh", self.env, str(broker))
        assert stopped.returncode == 0, stopped.stderr
        self.start()
        eventually(self._ensure_in_sync, AssertionError)

    def _ensure_in_sync(self) -> None:
        with self.admin() as admin:
            behind = [
                topic["name"]
                for topic in admin.describe_topics()
                for partition in topic["partitions"]
                if len(partition["isr_nodes"]) < len(partition["replica_nodes"])
            ]
        assert not behind, f"not in sync: {behind}"

    @contextmanager
    def admin(self) -> Iterator[api.KafkaAdminClient]:
        """The administrator."""
        with closing(api.KafkaAdminClient(bootstrap_servers=self.servers)) as admin:
            yield admin

    def rights(self, user: str = USER) -> set[Right]:
        """What a user may do."""
        with self.admin() as admin:
            found, _ = admin.describe_acls(_acls_of(user))
        patterns = ((acl, acl.resource_pattern) for acl in found)
        return {
            Right(acl.operation.name, pattern.resource_type.name, pattern.resource_name) for acl, pattern in patterns
        }

    def set_rights(self, rights: Iterable[Right], user: str = USER) -> None:
        """Give a user these rights, and no others."""
        wanted = [
            api.ACL(
                f"User:{user}", "*", api.ACLOperation[right.operation], api.ACLPermissionType.ALLOW, right.pattern()
            )
            for right in rights
        ]
        with self.admin() as admin:
            admin.delete_acls([_acls_of(user)])
            if wanted:
                admin.create_acls(wanted)

    def login(self, mechanism: str, user: str = USER, **changes: str | None) -> Path:
        """A client.properties file by which this user logs in.

        Args:
            mechanism: one of MECHANISMS.
            user: the name.
            changes: other values, with _ for the dots of the names; None leaves one out.
        """
        made = self.folder / f"{user}-{mechanism}.properties"
        if not changes:
            return made
        properties = parse_properties(made.read_text())
        for name, text in changes.items():
            key = name.replace("_", ".")
            if text is None:
                properties.pop(key)
            else:
                properties[key] = text
        self._written += 1
        file = self.state / f"login {self._written}.properties"
        file.write_text(_lines(properties))
        return file

    def certificate(self, name: str, *, days: int = 3650, kind: str = "client", ca: Path | None = None) -> Path:
        """A PEM file with key and certificate, by the brokers' CA or another; with negative days it has expired."""
        ca = ca or self.folder / "ca.pem"
        file, settings = self.state / f"{name}-{ca.stem}-{days}.pem", ROOT / "scripts" / "openssl.cnf"
        request, key, own = (file.with_suffix(f".{suffix}") for suffix in ("csr", "key", "crt"))
        new = ["-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-config", settings]
        openssl("req", *new, "-keyout", key, "-out", request)
        by = ["-CA", ca, "-CAkey", ca.with_suffix(".key"), "-CAcreateserial"]
        as_kind = ["-extfile", settings, "-extensions", kind]
        openssl("x509", "-req", "-in", request, *by, "-days", str(days), *as_kind, "-out", own)
        file.write_text(key.read_text() + own.read_text())
        return file

    def other_ca(self) -> Path:
        """The certificate of a CA that the brokers do not know; its key is beside it."""
        file = self.state / "other-ca.pem"
        new = ["-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another CA"]
        made_by = ["-config", ROOT / "scripts" / "openssl.cnf", "-extensions", "ca"]
        openssl("req", "-x509", *new, *made_by, "-days", "3650", "-keyout", file.with_suffix(".key"), "-out", file)
        return file


def _acls_of(user: str) -> api.ACLFilter:
    anything = api.ResourcePatternFilter(api.ResourceType.ANY, None, api.ACLResourcePatternType.ANY)
    return api.ACLFilter(f"User:{user}", None, api.ACLOperation.ANY, api.ACLPermissionType.ANY, anything)


def encrypted(pem: Path, password: str, *how: str) -> Path:
    """The same certificate with its key encrypted, as Java reads it, or by other options of `openssl pkcs8`."""
    key, file = pem.with_suffix(".locked-key"), pem.with_suffix(".locked.pem")
    options = how or ("-v1", "PBE-SHA1-3DES")
    openssl("pkcs8", "-topk8", "-in", pem, *options, "-passout", f"pass:{password}", "-out", key)
    text = pem.read_text()
    file.write_text(key.read_text() + text[text.index("-----BEGIN CERTIFICATE") :])
    return file


def pkcs12(pem: Path, password: str) -> Path:
    """The same key and certificate as a PKCS #12 keystore."""
    file = pem.with_suffix(".p12")
    openssl("pkcs12", "-export", "-in", pem, "-name", "own", "-passout", f"pass:{password}", "-out", file)
    return file


def jks(store: Path, password: str) -> Path:
    """The same PKCS #12 keystore as a Java keystore."""
    file = store.with_suffix(".jks")
    into = ["-destkeystore", file, "-deststoretype", "JKS", "-deststorepass", password]
    keytool("-importkeystore", "-srckeystore", store, "-srcstoretype", "PKCS12", "-srcstorepass", password, *into)
    return file


def truststore(ca: Path, password: str, kind: str) -> Path:
    """A Java truststore with this CA; `kind` is PKCS12 or JKS."""
    file = ca.with_suffix(f".trust.{kind.lower()}")
    into = ["-keystore", file, "-storetype", kind, "-storepass", password]
    keytool("-importcert", "-noprompt", "-alias", "ca", "-file", ca, *into)
    return file


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def keytool(*arguments: str | Path) -> None:
    java_home = os.environ.get("JAVA_HOME")
    program = Path(java_home) / "bin" / "keytool" if java_home else "keytool"
    subprocess.run([program, *arguments], check=True, capture_output=True)


def _lines(properties: Mapping[str, str]) -> str:
    # Java reads \ as an escape, and takes the lines of a value that has some as one by a \ at their ends.
    escaped = {key: text.replace("\\", "\\\\").replace("\n", "\\n") for key, text in properties.items()}
    return "".join(f"{key}={text}\n" for key, text in escaped.items())


@contextmanager
def secured_brokers(state: Path, count: int = 1, **more: object) -> Iterator[SecuredBrokers]:
    """Brokers that run, and are stopped at the end; skips where nothing makes certificates."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine (Debian: apt-get install openssl)")
    brokers = SecuredBrokers(state, count, **more)  # type: ignore[arg-type]
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.stop()


def secured_job(brokers: SecuredBrokers, login: Path, topic: str, state: Path) -> Job:
    """A job whose commands log in; what tests do themselves is done by the administrator."""
    job = Job(brokers.servers, topic, state)
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "SF_POLICE_KAFKA_BOOTSTRAP_SERVERS"):
        del job.env[name]
    job.env["KAFKA_CLIENT_PROPERTIES"] = str(login)
    return job


def all_rights(cluster: SecuredBrokers, topic: str) -> None:
    cluster.set_rights(Right(name, "TOPIC", topic) for name in ("CREATE", "DESCRIBE", "READ", "WRITE"))
