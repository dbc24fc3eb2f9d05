"""The login in `sasl.jaas.config`, as Kafka's Java clients read it. No message shows any of its text."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = "PlainLoginModule"
_SCRAM: Final = "ScramLoginModule"
_OAUTH: Final = "OAuthBearerLoginModule"
# The module that belongs to a mechanism.
_MODULES: Final = {"PLAIN": _PLAIN, "SCRAM-SHA-256": _SCRAM, "SCRAM-SHA-512": _SCRAM, "OAUTHBEARER": _OAUTH}
_FLAGS: Final = ("required", "requisite", "sufficient", "optional")
# A text in double or single quotes, a word, or a mark.
_TOKEN: Final = re.compile(r"""\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|([\w.$-]+)|([=;]))""")
_ESCAPE: Final = re.compile(r"\\([0-3]?[0-7]{1,2}|.)", re.DOTALL)
_CONTROL: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_FORM: Final = "the form is: org.apache.kafka.common.security.plain.PlainLoginModule required username=… password=…;"


def credentials(jaas: str, mechanism: str) -> tuple[str, str]:
    """Return user name and password. Raises ValueError, with what is wrong, if the text is of another kind or form."""
    options = module_options(jaas, mechanism)
    if set(options) != {"username", "password"}:
        raise ValueError("it must have username and password, and no other option")
    return options["username"], options["password"]


def module_options(jaas: str, mechanism: str) -> dict[str, str]:
    """Return the options of the mechanism's login module. Raises ValueError if the text is of another kind or form."""
    tokens = _tokens(jaas)
    if tokens[-1] != ";" or len(tokens) < 3 or tokens[1].lower() not in _FLAGS:
        raise ValueError(_FORM)
    if tokens[0].rpartition(".")[2] != _MODULES[mechanism]:
        raise ValueError(f"to sasl.mechanism={mechanism} belongs {_MODULES[mechanism]}")
    names, marks, values = tokens[2:-1:3], tokens[3:-1:3], tokens[4:-1:3]
    if len(tokens) % 3 or set(marks) - {"="}:
        raise ValueError(_FORM)
    return dict(zip(names, values, strict=True))


def is_kerberos(jaas: str) -> bool:
    """Return whether the login is Kerberos's, which takes its ticket from the system."""
    return jaas.split(maxsplit=1)[:1] == ["com.sun.security.auth.module.Krb5LoginModule"]


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"character {at + 1} is neither a word, a quoted text, `=` nor `;`")
        double, single, word, mark = match.groups()
        quoted = double if double is not None else single
        tokens.append(_ESCAPE.sub(_character, quoted) if quoted is not None else word or mark)
        at = match.end()
    return tokens or [""]


def _character(match: re.Match[str]) -> str:
    found = match[1]
    return chr(int(found, 8)) if found[0] in "01234567" else _CONTROL.get(found, found)
