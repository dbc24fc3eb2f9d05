"""Every setting in one place: its name, default, meaning and check.

A setting is a Make variable, an environment variable (`SF_POLICE_WINDOW`) and, in kebab case, a flag of the CLI.
Nothing here reads the environment; `cli.py` does, once, and passes the `Config` on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sf_police import checks
from sf_police.errors import UsageError

_CHECKPOINT: Final = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):(?://[^/]*)?)?(.*)", re.DOTALL)
# Names of files that Python alone opens.
_OF_ANY_BYTES: Final = ("data", "kafka_client_properties")
# Never shown: a token, an option that may be a key, and a URL that may have a password.
SECRET: Final = ("feed_token", "spark_conf", "store")
SMALL_BATCH_RECORDS: Final = 5_000
STORE_SCHEMA: Final = "sf_police"
MEMORY, ROCKSDB = "memory", "rocksdb"
STORE_FILE: Final = "answers.db"
CHECKPOINT_FOLDER: Final = "checkpoint"
MAX_AHEAD: Final = "1 day"


def _setting(default: str | None, parse: Callable[[str], Any], help: str) -> Any:
    """Define a setting; its default is text as a user would type it, or None if it depends on others or is unset."""
    return field(metadata={"default": default, "parse": parse, "help": help})


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """A question's own defaults.

    Args:
        kafka_topic: its topic.
        window: length of a window.
        watermark: how far a record may trail the latest event time.
        data: name of the generated file, in the question's folder.
        folder: the question's folder within STATE_DIR; STATE_DIR itself unless given.
    """

    kafka_topic: str
    window: str
    watermark: str
    data: str
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one run, checked. Created by `resolve`."""

    kafka_bootstrap_servers: str = _setting(None, checks.servers, "brokers (default: localhost:KAFKA_PORT)")
    kafka_topic: str = _setting(None, checks.topic, "name of the topic")
    kafka_port: int = _setting("9092", checks.number(1, 65000), "port of the first local broker")
    kafka_brokers: int = _setting(
        "1", checks.number(1, 9), "number of local brokers; broker i listens on KAFKA_PORT+2i"
    )
    partitions: int = _setting("3", checks.number(1, 10_000), "partitions of a new topic")
    kafka_home: Path | None = _setting(None, checks.path, "a Kafka installation of your own (default: the project's)")
    kafka_client_properties: Path | None = _setting(
        None,
        checks.path,
        "client.properties file: security settings, and the brokers unless KAFKA_BOOTSTRAP_SERVERS names them",
    )
    data: Path = _setting(None, checks.path, "JSON file of records (default: one in STATE_DIR, generated or fetched)")
    state_dir: Path = _setting(".run", checks.path, "folder for everything that a run writes")
    store: str = _setting(None, str, "SQLAlchemy URL of the store (default: sqlite:///STATE_DIR/answers.db)")
    store_schema: str = _setting(STORE_SCHEMA, checks.schema, "PostgreSQL schema of the store's own; not for SQLite")
    store_retry: str = _setting(
        "2 minutes", checks.duration, "how long a stream waits for a PostgreSQL that went away; 0 seconds: not at all"
    )
    retention: str | None = _setting(
        None, checks.retention, "how long micro-batches and rejected records are kept one by one (default: for ever)"
    )
    checkpoint: str = _setting(
        None, checks.checkpoint, "the stream's checkpoint folder (default: STATE_DIR/checkpoint)"
    )
    window: str = _setting(None, checks.window, "length of a window: a divisor of one hour, or whole hours")
    watermark: str = _setting(None, checks.duration, "how far a record may trail the latest event time")
    max_ahead: str = _setting(
        MAX_AHEAD,
        checks.span,
        "how far an event may be ahead of its record's Kafka timestamp; one further ahead is rejected",
    )
    trigger: str = _setting("0 seconds", checks.duration, "minimum interval between micro-batches; not with UNTIL_END")
    max_offsets_per_trigger: int | None = _setting(
        None,
        checks.number(1, 10**15),
        f"maximum records per micro-batch; {SMALL_BATCH_RECORDS:,} or fewer minimizes latency",
    )
    starting_offsets: str = _setting(
        "earliest", checks.one_of("earliest", "latest"), "where a new stream starts: earliest or latest"
    )
    until_end: bool = _setting("0", checks.flag, "1: stop once the records in the topic at the start are processed")
    spark_master: str = _setting("local[*]", str, "Spark's master URL")
    spark_driver_memory: str = _setting("2g", checks.memory, "memory of Spark's driver JVM")
    spark_ui_port: int | None = _setting(None, checks.number(1, 65535), "port of Spark's UI; off unless set")
    spark_conf: str | None = _setting(
        None, str, "more options for Spark: a file as spark-defaults.conf, or `spark.NAME=VALUE ...`"
    )
    metrics_port: int | None = _setting(
        None, checks.number(1, 65535), "port of Prometheus metrics and probes beside the stream; off unless set"
    )
    metrics_host: str = _setting("127.0.0.1", checks.host, "address that METRICS_PORT listens on")
    dashboard_host: str = _setting("127.0.0.1", checks.host, "address that the dashboard listens on")
    dashboard_port: int = _setting("8050", checks.number(1, 65535), "port of the dashboard")
    state_partitions: int | None = _setting(
        None,
        checks.number(1, 10_000),
        "state partitions of a new checkpoint (default: one per core, or 1 for small batches)",
    )
    state_store: str = _setting(
        MEMORY, checks.one_of(MEMORY, ROCKSDB), "where a new checkpoint's state is kept: memory or rocksdb"
    )
    log_format: str = _setting(
        "text", checks.log_format, "messages on standard error: text, or json, one object a line"
    )
    feed: str | None = _setting(None, checks.name, "a city's feed of calls (default: sf-live; sf-closed to fetch)")
    feed_host: str | None = _setting(None, checks.feed_host, "host of the feed's API (default: the city's)")
    feed_token: str | None = _setting(None, checks.token, "application token for the feed's host, sent as X-App-Token")
    feed_every: str = _setting("5 minutes", checks.interval, "how often the feed is asked")
    open_after: str = _setting(
        "24 hours", checks.interval, "age at which a call without a disposition is sent, as Open"
    )
    jars_dir: Path = _setting(checks.JARS_DIR, checks.jars_dir, "folder of the installed jars")
    java_home: Path | None = _setting(None, checks.path, "the Java installation to use (default: the one on the PATH)")
    maven_repo: str | None = _setting(None, str, "URL of a Maven Central mirror")

    @property
    def has_small_batches(self) -> bool:
        """Whether micro-batches have so few records that their fixed cost exceeds that of the records."""
        return self.max_offsets_per_trigger is not None and self.max_offsets_per_trigger <= SMALL_BATCH_RECORDS

    @property
    def runs_in_one_task(self) -> bool:
        """Whether a micro-batch runs in one task: it is small, and the checkpoint has one state partition."""
        return self.has_small_batches and self.state_partitions == 1

    @property
    def local_checkpoint(self) -> Path | None:
        """The checkpoint's folder if it is on this machine, else None."""
        return local_path(self.checkpoint)

    @property
    def retained(self) -> timedelta | None:
        """How long micro-batches and rejected records are kept one by one; None: for ever."""
        return None if self.retention is None else timedelta(seconds=checks.duration_s(self.retention))

    @property
    def is_local_master(self) -> bool:
        """Whether the driver and the executors are one process on this machine."""
        return checks.is_local(self.spark_master)

    @property
    def has_loopback_master(self) -> bool:
        """Whether nothing of Spark is reached from another machine: its master is local, or listens on loopback."""
        return checks.is_loopback(self.spark_master)


def settings() -> tuple[Field[Any], ...]:
    """Return the fields of `Config`, each with its default, check and help as metadata."""
    return fields(Config)


def default_of(setting: Field[Any], defaults: Defaults) -> str | None:
    """Return a setting's default, as text; None if it depends on others or is unset."""
    own = {"kafka_topic": defaults.kafka_topic, "window": defaults.window, "watermark": defaults.watermark}
    default: str | None = own.get(setting.name, setting.metadata["default"])
    return default


def flag_of(setting: str) -> str:
    """Return the flag that sets a setting."""
    return f"--{setting.replace('_', '-')}"


def sqlite_url(path: Path) -> str:
    """Return the URL of a store in a file."""
    # A % in a URL starts a code, and a ? its options.
    return f"sqlite:///{str(path.absolute()).replace('%', '%25').replace('?', '%3F')}"


def local_path(checkpoint: str) -> Path | None:
    """Return a checkpoint's folder if it is on this machine, else None."""
    # As Hadoop reads it: a scheme before the first slash, and everything after it literally.
    scheme, path = _CHECKPOINT.fullmatch(checkpoint).groups()  # type: ignore[union-attr] # matches any text
    return Path(path) if scheme in (None, "file") else None


def resolve(values: Mapping[str, str | None], defaults: Defaults) -> Config:
    """Check the given values and fill in the defaults.

    Args:
        values: text by setting (`kafka_topic`); None or blank means not given.
        defaults: the question's.

    Raises:
        UsageError: a value is invalid, or two settings exclude each other.
    """
    given = {name: text for name, text in values.items() if text is not None and text.strip()}
    parsed = {setting.name: _parsed(setting, given, defaults) for setting in settings()}
    folder = parsed["state_dir"] / defaults.folder
    # Blank: the brokers are those of the client.properties file, or the local one where it names none.
    is_named_elsewhere = parsed["kafka_client_properties"] is not None
    derived = {
        "kafka_bootstrap_servers": "" if is_named_elsewhere else f"localhost:{parsed['kafka_port']}",
        "data": folder / defaults.data,
        "store": sqlite_url(folder / STORE_FILE),
        "checkpoint": str(folder / CHECKPOINT_FOLDER),
    }
    for name, value in derived.items():
        if parsed[name] is None:
            parsed[name] = value
    if parsed["until_end"] and checks.duration_s(parsed["trigger"]):
        raise UsageError(
            f"TRIGGER={parsed['trigger']} cannot be combined with UNTIL_END=1, which runs without pauses",
            remedy="leave one of them out",
        )
    return Config(**parsed)


def is_valid(name: str, text: str) -> bool:
    """Whether a setting could have this value."""
    try:
        next(each for each in settings() if each.name == name).metadata["parse"](text)
    except ValueError:
        return False
    return True


def _parsed(setting: Field[Any], given: Mapping[str, str], defaults: Defaults) -> Any:
    text = given.get(setting.name, default_of(setting, defaults))
    if text is None:
        return None
    try:
        if setting.name not in _OF_ANY_BYTES:
            checks.ensure_text(text)
        return setting.metadata["parse"](text)
    except ValueError as error:
        shown = "…" if setting.name in SECRET else checks.shown(text)
        raise UsageError(f"{setting.name.upper()}={shown}: expected {error}") from None
