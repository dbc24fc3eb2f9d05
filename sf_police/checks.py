"""What a setting may be: each check parses a text, and raises ValueError that says what was expected.

And where what a setting names is: on this machine or not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_HOUR: Final = 3600
_CENTURY: Final = 5_200 * 604_800
JARS_DIR: Final = "~/.cache/sf-police/jars"
_LOCAL_MASTER: Final = re.compile(r"local(\[.*\])?")
_LOOPBACK_MASTER: Final = re.compile(r"local-cluster\[.*\]|spark://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


def duration_s(text: str) -> int:
    """Return the seconds in a duration such as `30 minutes`, which is also Spark's notation."""
    match = re.fullmatch(r"\s*(\d+)\s+(second|minute|hour|day|week)s?\s*", text)
    if not match:
        raise ValueError("a number of seconds, minutes, hours, days or weeks, such as `30 minutes`")
    return int(match[1]) * _SECONDS[match[2]]


def duration(text: str) -> str:
    """Check a duration."""
    duration_s(text)
    return text.strip()


def interval(text: str) -> str:
    """Check a duration that is not nothing."""
    if not duration_s(text):
        raise ValueError("at least 1 second")
    return text.strip()


def retention(text: str) -> str:
    """Check how long something is kept, which dates can express."""
    if duration_s(text) > _CENTURY:
        raise ValueError("at most 5,200 weeks; leave it out to keep everything")
    return text.strip()


def span(text: str) -> str:
    """Check a duration that can be added to a date."""
    if duration_s(text) > _CENTURY:
        raise ValueError("at most 5,200 weeks")
    return text.strip()


def window(text: str) -> str:
    """Check the length of a window."""
    seconds = duration_s(text)
    if seconds == 0 or (_HOUR % seconds and seconds % _HOUR):
        raise ValueError("a length that divides one hour (10, 15, 20, 30 minutes), or whole hours")
    return span(text)


def number(low: int, high: int) -> Callable[[str], int]:
    """Return the check of a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text.strip()) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low:,} to {high:,}")
        return int(text)

    return parse


def flag(text: str) -> bool:
    """Parse 0 or 1."""
    if text not in ("0", "1"):
        raise ValueError("0 or 1")
    return text == "1"


def servers(text: str) -> str:
    """Return `host:port`, or several, without white space. Raises ValueError for anything else."""
    given = [server.strip() for server in text.split(",")]
    for server in given:
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError("host:port, or several separated by commas")
    return ",".join(given)


def host(text: str) -> str:
    """Check an address or a name to listen on."""
    if not re.fullmatch(r"[a-zA-Z0-9.:_-]{1,253}", text):
        raise ValueError("an address or a host name, such as 127.0.0.1")
    return text


def feed_host(text: str) -> str:
    """Return the URL of a host that serves a feed: by TLS, unless it is this machine."""
    url = text.strip().rstrip("/")
    if re.fullmatch(r"(https://)?[a-zA-Z0-9.-]{1,253}(:\d{1,5})?", url):
        return f"https://{url.removeprefix('https://')}"
    if re.fullmatch(r"http://(localhost|127\.0\.0\.1)(:\d{1,5})?", url):
        return url
    raise ValueError("a host such as data.sf.gov, without a path (http:// only for this machine)")


def token(text: str) -> str:
    """Check an application token, which goes into a header."""
    if not re.fullmatch(r"[!-~]{1,200}", text.strip()):
        raise ValueError("up to 200 ASCII characters without spaces")
    return text.strip()


def name(text: str) -> str:
    """Check a name of lower case letters, digits and hyphens."""
    if not re.fullmatch(r"[a-z0-9-]{1,60}", text):
        raise ValueError("a name of lower case letters, digits and hyphens")
    return text


def topic(text: str) -> str:
    """Check the name of a topic."""
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", text) or text in (".", ".."):
        raise ValueError("1 to 249 of the characters a-z A-Z 0-9 . _ - (but not `.` or `..`)")
    return text


def schema(text: str) -> str:
    """Check the name of a PostgreSQL schema."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text) or text.startswith("pg_") or text == "information_schema":
        raise ValueError("1 to 63 of the characters a-z 0-9 _, no digit first and not pg_")
    return text


def one_of(*choices: str) -> Callable[[str], str]:
    """Return the check of a setting that has to be one of these."""

    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(" or ".join(choices))
        return text

    return check


def log_format(text: str) -> str:
    """Check the form of messages."""
    if text not in ("text", "json"):
        raise ValueError("text or json")
    return text


def memory(text: str) -> str:
    """Check an amount of memory."""
    if not re.fullmatch(r"[1-9]\d*[mgMG]", text):
        raise ValueError("a whole number followed by m or g, such as 2g")
    return text


def path(text: str) -> Path:
    """Parse a path, with `~` as the home folder."""
    expanded = os.path.expanduser(text)
    if expanded == "~" or expanded.startswith("~/"):
        raise ValueError("a path without ~, as HOME is not set")
    return Path(expanded)


def jars_dir(text: str) -> Path:
    """Parse the folder of the jars."""
    # Without a home the default leads nowhere. That is for those to say who look for jars, not for every command.
    return Path(os.path.expanduser(text)) if text == JARS_DIR else path(text)


def checkpoint(text: str) -> str:
    """Check a checkpoint's folder or URI."""
    return str(path(text)) if text.startswith("~") else text


def existing_folder(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists: where it would have to be made."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def has_scheme(text: str) -> bool:
    """Return whether a folder is named by a URI, not by a bare path."""
    return bool(_SCHEME.match(text))


def is_local(master: str) -> bool:
    """Return whether the driver of this Spark master is its only executor."""
    return bool(_LOCAL_MASTER.fullmatch(master))


def is_loopback(master: str) -> bool:
    """Return whether all executors of this Spark master are on this machine."""
    return is_local(master) or bool(_LOOPBACK_MASTER.fullmatch(master))


def ensure_text(text: str) -> None:
    """Raise ValueError if bytes in it are no UTF-8: Java, databases and brokers take text only."""
    # Python has such bytes as lone surrogates.
    if text != shown(text):
        raise ValueError("UTF-8 text")


def shown(text: str) -> str:
    """Return text as it can be printed, with each byte that is no UTF-8 escaped."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
