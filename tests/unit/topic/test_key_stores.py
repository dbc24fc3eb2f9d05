"""Keys and certificates in every form: what works, works in both clients, and what one refuses, the other does, too."""

from __future__ import annotations

import os
import re
import ssl
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyspark
import pytest

from sf_police.spark import jvm
from sf_police.topic.client_properties import python_client_options, read_properties, spark_options
from sf_police.topic.key_stores import own_key
from sf_police.topic.tls import ssl_context
from tests.support.environment import ROOT
from tests.support.question import resolve
from tests.support.secured import encrypted, jks, keytool, openssl, pkcs12, truststore

STORE, KEY, WRONG = "store-password", "key-password", "wrong-password"
_ENCRYPTED: Final = (
    r"Java does not read a PEM key that is encrypted in this way \(as by AES\); keep it in a PKCS12 file"
)
Properties = dict[str, str]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, ca.pem, and a key with its certificate in every form: own.*."""
    folder = tmp_path_factory.mktemp("keys")
    ca, own = folder / "ca.pem", folder / "own.pem"
    new = ["-newkey", "rsa:2048", "-nodes", "-keyout"]
    openssl("req", "-x509", *new, folder / "ca.key", "-out", ca, "-subj", "/CN=ca", "-days", "30")
    openssl("req", *new, folder / "own.key", "-out", folder / "own.csr", "-subj", "/CN=ann")
    by = ["-CA", ca, "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "30"]
    openssl("x509", "-req", "-in", folder / "own.csr", *by, "-out", folder / "own.crt")
    certificate = (folder / "own.crt").read_text()
    own.write_text((folder / "own.key").read_text() + certificate)
    encrypted(own, KEY).rename(folder / "own.3des.pem")
    encrypted(own, KEY, "-v2", "aes-256-cbc").rename(folder / "own.aes.pem")
    for name, options in {
        "pkcs1": ["rsa", "-traditional"],
    }.items():
        openssl(*options, "-in", own, "-out", folder / f"{name}.key")
        (folder / f"own.{name}.pem").write_text((folder / f"{name}.key").read_text() + certificate)
    jks(pkcs12(own, STORE), STORE)
    store = ["-srckeystore", folder / "own.p12", "-srcstorepass", STORE, "-srcalias", "own"]
    other = ["-destkeystore", folder / "own-two.jks", "-deststoretype", "JKS", "-deststorepass", STORE]
    keytool("-importkeystore", *store, *other, "-destkeypass", KEY)
    openssl("pkcs12", "-export", "-nokeys", "-in", ca, "-passout", f"pass:{STORE}", "-out", folder / "ca.p12")
    for kind in ("PKCS12", "JKS"):
        truststore(ca, STORE, kind)
    (folder / "nonsense").write_bytes(b"neither")
    (folder / "cut.jks").write_bytes((folder / "own.jks").read_bytes()[:-100])
    return folder


def in_one_line(pem: str) -> str:
    return " ".join(pem.split("\n")).strip()


def encrypted_key(keys: Path) -> str:
    return (keys / "own.3des.pem").read_text().partition("-----BEGIN CERT")[0]


def own(kind: str, name: str, **passwords: str) -> Callable[[Path], Properties]:
    """Properties of a keystore; passwords: `store` and `key`."""
    names = {"store": "ssl.keystore.password", "key": "ssl.key.password"}
    given = {names[which]: password for which, password in passwords.items()}
    return lambda keys: {"ssl.keystore.type": kind, "ssl.keystore.location": str(keys / name), **given}


def trusted(kind: str, name: str, *password: str) -> Callable[[Path], Properties]:
    given = dict.fromkeys(["ssl.truststore.password"][: len(password)], *password or [""])
    return lambda keys: {"ssl.truststore.type": kind, "ssl.truststore.location": str(keys / name), **given}


def inline(keys: Path, **changes: str | None) -> Properties:
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": in_one_line((keys / "own.crt").read_text()),
        "ssl.keystore.key": (keys / "own.key").read_text(),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": in_one_line((keys / "ca.pem").read_text()),
    } | {name.replace("_", "."): text for name, text in changes.items() if text is not None}
    for name, text in changes.items():
        if text is None:
            del properties[name.replace("_", ".")]
    return properties


# What is wrong, for what neither client can use.
FORMS: Final[dict[str, tuple[Callable[[Path], Properties], str]]] = {
    "pem": (own("PEM", "own.pem"), ""),
    "pem_encrypted": (own("PEM", "own.3des.pem", key=KEY), ""),
    "pem_aes": (own("PEM", "own.aes.pem", key=KEY), _ENCRYPTED),
    "pem_without_password": (own("PEM", "own.3des.pem"), "its private key is encrypted; set ssl.key.password"),
    "pem_wrong_password": (own("PEM", "own.3des.pem", key=WRONG), "ssl.key.password is wrong"),
    "pem_password_of_none": (own("PEM", "own.pem", key=KEY), "is not encrypted; leave out ssl.key.password"),
    "pem_store_password": (own("PEM", "own.pem", store=STORE), "PEM has none; a key's is ssl.key.password"),
    "pem_pkcs1": (own("PEM", "own.pkcs1.pem"), "Java does not read a key that begins with RSA PRIVATE KEY; convert it"),
    "pem_no_key": (own("PEM", "own.crt"), "it holds no private key in PEM"),
    "pem_no_certificate": (own("PEM", "own.key"), "it holds no certificate in PEM"),
    "inline": (inline, ""),
    "inline_encrypted": (
        lambda keys: inline(keys, ssl_keystore_key=in_one_line(encrypted_key(keys)), ssl_key_password=KEY),
        "",
    ),
    "inline_without_chain": (lambda keys: inline(keys, ssl_keystore_certificate_chain=None), "belong together"),
    "inline_and_file": (
        lambda keys: inline(keys, ssl_keystore_location=str(keys / "own.pem")),
        "ssl.keystore.certificate.chain and ssl.keystore.location exclude each other",
    ),
    "inline_not_pem": (lambda keys: inline(keys, ssl_keystore_type="PKCS12"), "is PEM; set ssl.keystore.type=PEM"),
    "inline_trusted_not_pem": (lambda keys: inline(keys, ssl_truststore_type="JKS"), "set ssl.truststore.type=PEM"),
    "pkcs12": (own("PKCS12", "own.p12", store=STORE), ""),
    "pkcs12_called_jks": (own("JKS", "own.p12", store=STORE), ""),
    "pkcs12_same_key_password": (own("PKCS12", "own.p12", store=STORE, key=STORE), ""),
    "pkcs12_other_key_password": (own("PKCS12", "own.p12", store=STORE, key=KEY), "a PKCS12 file has one password"),
    "pkcs12_wrong_password": (own("PKCS12", "own.p12", store=WRONG), "ssl.keystore.password is wrong"),
    "pkcs12_without_password": (own("PKCS12", "own.p12"), "ssl.keystore.password is missing"),
    "jks": (own("JKS", "own.jks", store=STORE), ""),
    "jks_called_pkcs12": (own("PKCS12", "own.jks", store=STORE), ""),
    "jks_key_password": (own("JKS", "own-two.jks", store=STORE, key=KEY), ""),
    "jks_key_password_alone": (own("JKS", "own-two.jks", key=KEY), "ssl.keystore.password is missing"),
    "jks_without_key_password": (own("JKS", "own-two.jks", store=STORE), "ssl.key.password is wrong, or missing"),
    "jks_wrong_password": (own("JKS", "own.jks", store=WRONG), "the password is wrong, or the file is damaged"),
    "jks_without_password": (own("JKS", "own.jks"), "ssl.keystore.password is missing"),
    "jks_cut_off": (own("JKS", "cut.jks", store=STORE), "the password is wrong, or the file is damaged"),
    "neither": (own("JKS", "nonsense", store=STORE), "it is neither PKCS12 nor JKS; for PEM, set ssl.key"),
    "missing": (own("PEM", "none.pem"), r"none\.pem: cannot be read \(No such file or directory\)"),
    "unknown_type": (own("BCFKS", "own.p12", store=STORE), "ssl.keystore.type: expected PEM, PKCS12 or JKS"),
    "trusted_pem": (trusted("PEM", "ca.pem"), ""),
    "trusted_pkcs12": (trusted("PKCS12", "ca.trust.pkcs12", STORE), ""),
    "trusted_pkcs12_by_openssl": (trusted("PKCS12", "ca.p12", STORE), "no certificate that Java would trust"),
    "trusted_jks": (trusted("JKS", "ca.trust.jks", STORE), ""),
    "trusted_jks_without_password": (trusted("JKS", "ca.trust.jks"), ""),
    "trusted_jks_wrong_password": (trusted("JKS", "ca.trust.jks", WRONG), "the password is wrong, or the file is"),
    "trusted_pkcs12_wrong_password": (trusted("PKCS12", "ca.trust.pkcs12", "x"), "ssl.truststore.password is wrong"),
    "trusted_pkcs12_without_password": (trusted("PKCS12", "ca.trust.pkcs12"), "ssl.truststore.password is missing"),
    "trusted_pem_not_pem": (trusted("PEM", "ca.trust.jks"), "it holds no certificate in PEM"),
    "trusted_pem_called_jks": (trusted("JKS", "ca.pem"), "for PEM, set ssl.truststore.type=PEM"),
}  # fmt: skip


@pytest.fixture(scope="module")
def by_java(keys: Path) -> dict[str, bool]:
    """Whether Kafka's Java client can use a form: that of Spark's connector, on this Java."""
    connector = jvm.connector_jars(resolve({}))
    logging = next(Path(pyspark.__path__[0]).glob("jars/slf4j-api-*.jar"))
    files = {name: keys / f"{name}.properties" for name in FORMS}
    for name, (form, _) in FORMS.items():
        lines = (f"{key}={text}\n".replace("\n", "\\n")[:-2] + "\n" for key, text in form(keys).items())
        files[name].write_text("".join(lines))
    options = ["-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join(map(str, [*connector, logging]))]
    command = [jvm.java_program(resolve({})), *options, Path(__file__).parent / "LoadKeys.java"]
    found = subprocess.run([*command, *files.values()], capture_output=True, text=True, check=True, timeout=120)
    said = dict(line.split("\t") for line in found.stdout.splitlines())
    return {name: said[str(file)] == "yes" for name, file in files.items()}


@pytest.mark.parametrize("name", FORMS)
def test_what_works_works_in_both_clients(keys: Path, by_java: dict[str, bool], name: str) -> None:
    form, wrong = FORMS[name]
    if wrong:
        with pytest.raises(ValueError, match=wrong) as refused:
            ssl_context(form(keys))
        assert not any(secret in str(refused.value) for secret in (STORE, KEY, WRONG))
    else:
        assert isinstance(ssl_context(form(keys)), ssl.SSLContext)
    assert by_java[name] == (not wrong)


def test_the_key_is_in_a_file_of_its_owners_alone_and_only_until_it_is_loaded(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    load = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, path: str, *, password: str) -> None:
        modes.append(stat.S_IMODE(Path(path).stat().st_mode))
        load(context, path, password=password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ssl_context(FORMS["pkcs12"][0](keys))
    with pytest.raises(ValueError, match=r"ssl\.key\.password is wrong"):
        ssl_context(FORMS["pem_wrong_password"][0](keys))

    assert modes == [0o600, 0o600]
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_is_not_the_keys_is_said(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "mixed.pem").write_text((keys / "ca.key").read_text() + (keys / "own.crt").read_text())

    with pytest.raises(ValueError, match="the private key does not belong to the certificate"):
        ssl_context({"ssl.keystore.type": "PEM", "ssl.keystore.location": str(tmp_path / "mixed.pem")})


def test_every_form_has_the_same_key_and_certificate(keys: Path) -> None:
    names = ("pem", "inline", "pkcs12", "jks", "jks_key_password")
    found = {own_key(FORMS[name][0](keys)) for name in names}

    assert len(found) == 1
    assert "PRIVATE" not in repr(found)


def test_without_the_extra_pkcs12_says_how_to_get_it(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if re.match(r"cryptography(\.|$)", each)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(ValueError, match="PKCS12 needs a package that is not installed; install the extra `keystores`"):
        ssl_context(FORMS["pkcs12"][0](keys))


def test_every_file_in_the_docs_is_taken_by_both_clients(keys: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "kafka-security.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    whole = [block for block in blocks if "security.protocol" in block]

    for block in whole:
        file = tmp_path / "client.properties"
        file.write_text(block.replace("/path/ca.pem", str(keys / "ca.pem")).replace("/path/calls", str(keys / "own")))
        properties = read_properties(file)
        assert python_client_options(properties)["security_protocol"] == properties["security.protocol"]
        assert set(spark_options(properties)) == {f"kafka.{key}" for key in properties} - {"kafka.bootstrap.servers"}
    assert len(whole) == 7
