"""The login in sasl.jaas.config, in the forms that Kafka's Java clients take."""

from __future__ import annotations

import pytest

from sf_police.topic.jaas import credentials, is_kerberos

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{PLAIN} required username="ann" password="secret";', ("ann", "secret")),
        (f"{PLAIN} required username='KEY' password='SEC;RET';", ("KEY", "SEC;RET")),
        (f"{SCRAM}   REQUIRED\n  password = 'it is \"x\"'\n username = ann ; ", ("ann", 'it is "x"')),
        (f'{SCRAM} required username="a\\"b" password="tab\\tnine\\0719\\\\";', ('a"b', "tab\tnine99\\")),
        (f"{PLAIN} required username='$ConnectionString' password='Endpoint=sb://x/;Key=y=';",
         ("$ConnectionString", "Endpoint=sb://x/;Key=y=")),
        (f'{PLAIN} required username="" password="";', ("", "")),
    ],
)  # fmt: skip
def test_a_login_is_read(text: str, expected: tuple[str, str]) -> None:
    assert credentials(text) == expected


FORM = "the form is: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", FORM),
        (f"{PLAIN} required username='a' password='SECRET'", FORM),
        (f"{PLAIN} username='a' password='SECRET';", FORM),
        (f"{PLAIN} required username='a' password;", FORM),
        (f"{PLAIN} required username='a' password:'SECRET';", r"character \d+ is neither a word, a quoted text"),
        (f"{PLAIN} required username='a' password='SECRET;", r"character \d+ is neither a word, a quoted text"),
        (f"{PLAIN} required username='a';", "must have username and password, and no other option"),
        (f"{SCRAM} required username=a password=SECRET tokenauth=true;", "must have username and password, and no oth"),
        ("com.sun.security.auth.module.Krb5LoginModule required;", "supports only PlainLoginModule and ScramLoginMod"),
    ],
)
def test_any_other_text_is_refused_and_never_shown(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        credentials(text)
    assert "SECRET" not in str(error.value)


def test_kerberos_is_recognized() -> None:
    assert is_kerberos("com.sun.security.auth.module.Krb5LoginModule required useTicketCache=true;")
    assert not is_kerberos(f"{PLAIN} required;")
    assert not is_kerberos("")
