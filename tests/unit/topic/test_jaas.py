"""The login in sasl.jaas.config, in the forms that Kafka's Java clients take."""

from __future__ import annotations

import pytest

from sf_police.topic.jaas import credentials, is_kerberos, module_options

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
    assert credentials(text, "PLAIN" if PLAIN in text else "SCRAM-SHA-256") == expected


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
        (
            "com.sun.security.auth.module.Krb5LoginModule required;",
            r"to sasl\.mechanism=PLAIN belongs PlainLoginModule",
        ),
    ],
)
def test_any_other_text_is_refused_and_never_shown(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        credentials(text, "SCRAM-SHA-512" if SCRAM in text else "PLAIN")
    assert "SECRET" not in str(error.value)


def test_a_mechanism_has_a_module_of_its_own() -> None:
    # Java's clients fail at a user's name that their mechanism cannot find.
    with pytest.raises(ValueError, match=r"to sasl\.mechanism=SCRAM-SHA-256 belongs ScramLoginModule"):
        credentials(f"{PLAIN} required username=a password=SECRET;", "SCRAM-SHA-256")


def test_a_token_login_has_options_of_its_own() -> None:
    module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"

    assert module_options(f"{module} required clientId=a scope='b c';", "OAUTHBEARER") == {
        "clientId": "a",
        "scope": "b c",
    }
    assert module_options(f"{module} required;", "OAUTHBEARER") == {}


def test_kerberos_is_recognized() -> None:
    assert is_kerberos("com.sun.security.auth.module.Krb5LoginModule required useTicketCache=true;")
    assert not is_kerberos(f"{PLAIN} required;")
    assert not is_kerberos("")
