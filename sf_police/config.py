"""Every setting: its name, default, meaning and check, in one place.

A setting is a Make variable, an environment variable and, in kebab case, a flag of the CLI. Nothing here reads
the environment; `cli.py` does, once, and passes the `Config` on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from sf_police.errors import UsageError

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_HOUR: Final = 3600
_CHECKPOINT: Final = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):(?://[^/]*)?)?(.*)", re.DOTALL)
SMALL_BATCH_RECORDS: Final = 5_000


def duration_s(text: str) -> int:
    """Seconds in a duration such as `30 minutes`, which is how Spark takes it, too."""
    match = re.fullmatch(r"\s*(\d+)\s+(second|minute|hour|day|week)s?\s*", text)
    if not match:
        raise ValueError("a number and second(s), minute(s), hour(s), day(s) or week(s), such as `30 minutes`")
    return int(match[1]) * _SECONDS[match[2]]


def _duration(text: str) -> str:
    duration_s(text)
    return text.strip()


def _window(text: str) -> str:
    seconds = duration_s(text)
    if seconds == 0 or (_HOUR % seconds and seconds % _HOUR):
        raise ValueError("a length that divides one hour (10, 15, 20, 30 minutes), or whole hours")
    return text.strip()


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text.strip()) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low:,} to {high:,}")
        return int(text)

    return parse


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("0 or 1")
    return text == "1"


def _servers(text: str) -> str:
    servers = [server.strip() for server in text.split(",")]
    for server in servers:
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError("host:port, or several with commas between them")
    return ",".join(servers)


def _topic(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", text) or text in (".", ".."):
        raise ValueError("up to 249 of the characters a-z A-Z 0-9 . _ -")
    return text


def _offsets(text: str) -> str:
    if text not in ("earliest", "latest"):
        raise ValueError("earliest or latest")
    return text


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[mgMG]", text):
        raise ValueError("a number with m or g, such as 2g")
    return text


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text))


def _setting(default: str | None, parse: Callable[[str], Any], help: str) -> Any:
    """A field whose default is the text a user would have typed; None where it depends on others, or stays unset."""
    return field(metadata={"default": default, "parse": parse, "help": help})


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a question says of the settings.

    Args:
        kafka_topic: its topic.
        window: length of a window.
        watermark: how far behind the latest event time a record may be.
        data: name of the generated file, in the question's folder.
        folder: of the question's files in STATE_DIR; STATE_DIR itself unless given.
    """

    kafka_topic: str
    window: str
    watermark: str
    data: str
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one run, checked. Made by `resolve`."""

    kafka_bootstrap_servers: str = _setting(None, _servers, "brokers; localhost:KAFKA_PORT unless set")
    kafka_topic: str = _setting(None, _topic, "the topic")
    kafka_port: int = _setting("9092", _number(1, 65000), "port of the first local broker")
    kafka_brokers: int = _setting("1", _number(1, 9), "local brokers; broker i listens on KAFKA_PORT+2i")
    partitions: int = _setting("3", _number(1, 10_000), "partitions of a topic that is created")
    kafka_home: Path | None = _setting(None, _path, "a Kafka install of your own; the project's unless set")
    kafka_client_properties: Path | None = _setting(None, _path, "a client.properties file: security of the brokers")
    data: Path = _setting(None, _path, "JSON file of calls; the generated one under STATE_DIR unless set")
    state_dir: Path = _setting(".run", _path, "everything that a run writes")
    store: str = _setting(None, str, "SQLAlchemy URL of the store; sqlite:///STATE_DIR/answers.db unless set")
    checkpoint: str = _setting(None, str, "the stream's checkpoint folder; STATE_DIR/checkpoint unless set")
    window: str = _setting(None, _window, "length of a window; divides an hour, or is whole hours")
    watermark: str = _setting(None, _duration, "how far behind the latest event time a call may be")
    trigger: str = _setting("0 seconds", _duration, "least time between micro-batches; not with UNTIL_END")
    max_offsets_per_trigger: int | None = _setting(
        None, _number(1, 10**15), f"most records in a micro-batch; up to {SMALL_BATCH_RECORDS:,}, it takes least time"
    )
    starting_offsets: str = _setting("earliest", _offsets, "where a new stream starts: earliest or latest")
    until_end: bool = _setting("0", _flag, "1: stop when what was in the topic at the start is done")
    spark_master: str = _setting("local[*]", str, "Spark's master URL")
    spark_driver_memory: str = _setting("2g", _memory, "memory of the driver's JVM")
    spark_ui_port: int | None = _setting(None, _number(1, 65535), "port of Spark's UI; off unless set")
    state_partitions: int | None = _setting(
        None, _number(1, 10_000), "state partitions of a new checkpoint; unless set the cores, or 1 for small batches"
    )
    jars_dir: Path = _setting("~/.cache/sf-police/jars", _path, "where the installed jars are")
    java_home: Path | None = _setting(None, _path, "the Java to run; the PATH's unless set")
    maven_repo: str | None = _setting(None, str, "a mirror of Maven Central")

    @property
    def has_small_batches(self) -> bool:
        """Whether a micro-batch has so few records that what surrounds them takes longer than they do."""
        return self.max_offsets_per_trigger is not None and self.max_offsets_per_trigger <= SMALL_BATCH_RECORDS

    @property
    def runs_in_one_task(self) -> bool:
        """Whether a micro-batch runs in one task: it is small, and the checkpoint has one state partition."""
        return self.has_small_batches and self.state_partitions == 1

    @property
    def local_checkpoint(self) -> Path | None:
        """The checkpoint's folder on this machine; None when it is elsewhere."""
        return local_path(self.checkpoint)

    @property
    def is_local_master(self) -> bool:
        """Whether driver and executors are one process on this machine."""
        return self.spark_master.startswith("local")


def settings() -> tuple[Field[Any], ...]:
    """Return the fields of `Config`, each with its default, check and help as metadata."""
    return fields(Config)


def default_of(setting: Field[Any], defaults: Defaults) -> str | None:
    """Return the text that a setting has unless the user sets it; None where it depends on others, or stays unset."""
    own = {"kafka_topic": defaults.kafka_topic, "window": defaults.window, "watermark": defaults.watermark}
    default: str | None = own.get(setting.name, setting.metadata["default"])
    return default


def local_path(checkpoint: str) -> Path | None:
    """Return the folder on this machine that a checkpoint is; None when it is elsewhere."""
    # As Hadoop reads it: a scheme before the first slash, and of what follows every character as it stands.
    scheme, path = _CHECKPOINT.fullmatch(checkpoint).groups()  # type: ignore[union-attr] # matches any text
    return Path(path) if scheme in (None, "file") else None


def resolve(values: Mapping[str, str | None], defaults: Defaults) -> Config:
    """Check the values that were given and fill in the rest.

    Args:
        values: text by setting (`kafka_topic`); None or blank counts as not given.
        defaults: of the question.

    Raises:
        UsageError: a value is not what its setting takes, or two settings do not go together.
    """
    given = {name: text for name, text in values.items() if text is not None and text.strip()}
    parsed = {setting.name: _parsed(setting, given, defaults) for setting in settings()}
    folder = parsed["state_dir"] / defaults.folder
    derived = {
        "kafka_bootstrap_servers": f"localhost:{parsed['kafka_port']}",
        "data": folder / defaults.data,
        "store": f"sqlite:///{folder.absolute() / 'answers.db'}",
        "checkpoint": str(folder / "checkpoint"),
    }
    for name, value in derived.items():
        if parsed[name] is None:
            parsed[name] = value
    if parsed["until_end"] and duration_s(parsed["trigger"]):
        raise UsageError("TRIGGER does not go with UNTIL_END: a run to the end has no pauses; leave one out")
    return Config(**parsed)


def _parsed(setting: Field[Any], given: Mapping[str, str], defaults: Defaults) -> Any:
    text = given.get(setting.name, default_of(setting, defaults))
    if text is None:
        return None
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        raise UsageError(f"{setting.name.upper()}={text}: expected {error}") from None
