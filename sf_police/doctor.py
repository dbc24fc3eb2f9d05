"""Checks everything that a run needs, and says how to fix what is missing. Changes nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyspark

from sf_police.checks import existing_folder
from sf_police.config import Config
from sf_police.errors import SfPoliceError, UnknownTopicError
from sf_police.how_to import in_reach, is_clone
from sf_police.question import Question, number_of
from sf_police.spark import jars, jvm, submitted
from sf_police.store.answers import StoreReader
from sf_police.store.database import existing_database, open_database
from sf_police.stream import checkpoint, elsewhere, filesystems
from sf_police.stream.user_options import user_options
from sf_police.topic import admin
from sf_police.topic.clients import kafka_access
from sf_police.topic.refusals import NotStartedError
from sf_police.topic.rights import READ

OK, TO_DO, WRONG = "ok", "to do", "wrong"
# What a newcomer comes to in the course of time; any other error of a broker is wrong.
_NOT_DONE_YET: Final = (NotStartedError, UnknownTopicError)

_MIN_DISK_GB: Final = 2
_MIN_MEMORY_GB: Final = 3
JAVA_VERSIONS: Final = (17, 21)


@dataclass(frozen=True)
class Finding:
    """The result of one check: `ok`, `to do` (a step not taken yet) or `wrong`, and the remedy."""

    name: str
    state: str
    text: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """The finding as one line."""
        return f"{self.state:5}  {self.name}: {self.text}{f' -> {in_reach(self.remedy)}' if self.remedy else ''}"


Check = Callable[[Config], Finding]


def machine_checks() -> dict[str, Check]:
    """Return the checks of this machine, by name: of what there is before a broker, a topic or a store."""
    return {
        "Python": _python, "user": _user, "Java": _java, "jars": _jars, "disk": _disk, "memory": _memory,
        "files": _files, "Spark": _spark,
    }  # fmt: skip


def examine(config: Config, question: Question) -> Iterator[Finding]:
    """Yield every finding, in the order in which a newcomer meets them."""
    checks: tuple[tuple[str, Check], ...] = (
        *machine_checks().items(), ("broker", _broker), ("topic", topic_finding),
        ("store", partial(_store, question=question)), ("checkpoint", partial(_checkpoint, question=question)),
    )  # fmt: skip
    no_broker = ""
    for name, check in checks:
        if name == "topic" and no_broker:
            yield Finding(name, TO_DO, "unknown, as no broker lets this client in", no_broker)
            continue
        try:
            yield check(config)
        except SfPoliceError as error:
            if name == "broker":
                no_broker = error.remedy or error.what
            state = TO_DO if isinstance(error, _NOT_DONE_YET) else WRONG
            yield Finding(name, state, error.what, error.remedy)


def _python(_: Config) -> Finding:
    return Finding("Python", OK, f"{sys.version.split()[0]} at {sys.executable}")


def _user(_: Config) -> Finding:
    jvm.ensure_user_name()
    return Finding("user", OK, f"user id {os.geteuid()} has a name")


def _java(config: Config) -> Finding:
    if submitted.is_submitted():
        return _java_version(submitted.option("java.version") or "", f"{submitted.option('java.home')}")
    java = jvm.java_program(config)
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    said = [line for line in (shown.stderr + shown.stdout).splitlines() if line and "Picked up " not in line]
    if shown.returncode:
        what = f"{java} does not start: {said[0].strip() if said else 'it says nothing'}"
        return Finding("Java", WRONG, what, f"check JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS, or {jvm.INSTALL_JAVA}")
    match = re.search(r'version "(\d+)[^"]*"', "\n".join(said))
    return _java_version(match[1] if match else "", str(java))


def _java_version(text: str, java: str) -> Finding:
    match = re.match(r"\d+", text)
    version = int(match[0]) if match else 0
    if version < jvm.OLDEST_JAVA:
        return Finding("Java", WRONG, f"{java} is Java {version or '(version unknown)'}", jvm.INSTALL_JAVA)
    if version not in JAVA_VERSIONS:
        text = f"{java} is Java {version}, which this project is not tested with"
        return Finding("Java", TO_DO, text, jvm.INSTALL_JAVA)
    return Finding("Java", OK, f"{version} at {java}")


def _jars(config: Config) -> Finding:
    if submitted.is_submitted():
        submitted.ensure_connector()
        return Finding("jars", OK, "spark-submit has the Kafka connector")
    # Without the clone there are no scripts that would start a broker.
    wanted = {config.jars_dir / name: total for name, total in jars.checksums(broker=_has_own_broker(config)).items()}
    missing = sum(1 for jar in wanted if not jar.exists())
    if missing:
        state = TO_DO if missing == len(wanted) else WRONG
        return Finding(
            "jars", state, f"{missing} of {len(wanted)} jars are missing from {config.jars_dir}", "run `make install`"
        )
    altered = [jar for jar, total in wanted.items() if not jars.is_intact(jar, total)]
    if altered:
        return Finding("jars", WRONG, f"{altered[0]} has the wrong checksum", "run `make install` to download it again")
    if config.checkpoint.startswith("s3a:") and not jars.s3a().are_intact(config.jars_dir):
        return Finding(
            "jars", TO_DO, f"the jars for {config.checkpoint} are missing, or altered", "run `make install-s3`"
        )
    archive = jvm.archive_path(config)
    if not archive.exists():
        return Finding(
            "jars", TO_DO, "the archive of Spark's classes is missing, so Spark starts slowly", "run `make install`"
        )
    return Finding("jars", OK, f"{len(wanted)} jars with the right checksums in {config.jars_dir}")


def _has_own_broker(config: Config) -> bool:
    return is_clone() and not config.kafka_home


def _disk(config: Config) -> Finding:
    folder = existing_folder(config.state_dir)
    free = shutil.disk_usage(folder).free / 1e9
    if not os.access(folder, os.W_OK):
        return Finding("disk", WRONG, f"{folder} is not writable", "set STATE_DIR to another folder")
    if free < _MIN_DISK_GB:
        return Finding(
            "disk", WRONG, f"{free:.1f} GB free at {folder}", f"free some space: {_MIN_DISK_GB} GB are needed"
        )
    return Finding("disk", OK, f"{free:.1f} GB free at {folder}")


def _memory(config: Config) -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if total < _MIN_MEMORY_GB:
        return Finding("memory", WRONG, f"{total:.1f} GB", "set SPARK_DRIVER_MEMORY=1g, and close other programs")
    return Finding("memory", OK, f"{total:.1f} GB; the driver uses up to {config.spark_driver_memory}, the broker 1g")


def _files(_: Config) -> Finding:
    most = jvm.most_open_files()
    if most is not None and most < jvm.LEAST_OPEN_FILES:
        return Finding("files", WRONG, f"no more than {most} may be open at once", jvm.MORE_FILES)
    return Finding("files", OK, f"{'any number' if most is None else f'{most:,}'} may be open at once")


def _spark(config: Config) -> Finding:
    options = user_options(config)
    more = f", with {number_of(len(options), 'options')} of SPARK_CONF" if options else ""
    return Finding("Spark", OK, f"{pyspark.__version__}, SPARK_MASTER={config.spark_master}{more}")


def _broker(config: Config) -> Finding:
    access = kafka_access(config)
    return Finding("broker", OK, f"{admin.count_brokers(access)} at {access.servers}")


def topic_finding(config: Config) -> Finding:
    """Return what the topic is like."""
    topic = admin.describe_topic(kafka_access(config), config.kafka_topic, needs=[READ])
    leaderless = [partition.number for partition in topic.partitions if partition.leader is None]
    if leaderless:
        return Finding(
            "topic", WRONG, f"partition {leaderless[0]} of {topic.name} has no leader", "run `make kafka-start`"
        )
    if not topic.records:
        return Finding("topic", TO_DO, f"{topic.name} is empty", "run `make produce`")
    size = f"{number_of(topic.records, 'offsets')} in {number_of(len(topic.partitions), 'partitions')}"
    return Finding("topic", OK, f"{topic.name}: {size}")


def _store(config: Config, *, question: Question) -> Finding:
    with closing(open_database(config.store, question, config.store_schema)) as database:
        is_there, where = database.exists(), database.where
    if not is_there:
        if config.local_checkpoint and not checkpoint.is_in_use(config.checkpoint, config.state_dir):
            _stored_settings(config, question)  # raises if the stream would refuse what is left of its checkpoint
        return Finding("store", TO_DO, f"no {where.removeprefix('the ')}", "run `make run-stream`")
    with closing(existing_database(config.store, question, config.store_schema)) as database:
        books = StoreReader(database).books()
    if not books.is_balanced:
        return Finding("store", WRONG, "its books do not balance", "run `make reset`, then `make run-stream`")
    return Finding("store", OK, f"{number_of(books.counted, question.rows)} counted, and the books balance")


def _checkpoint(config: Config, *, question: Question) -> Finding:
    filesystems.ensure_shared(config.checkpoint, config.spark_master)
    place = config.local_checkpoint or config.checkpoint
    in_use = Finding("checkpoint", OK, f"{place} is in use by a stream, which checked it when it started")
    # Amid a batch the two differ. The lock is not held here: a stream that starts now would be refused.
    if checkpoint.is_in_use(config.checkpoint, config.state_dir):
        return in_use
    try:
        stored = _stored_settings(config, question)
    except SfPoliceError:
        if checkpoint.is_in_use(config.checkpoint, config.state_dir):
            return in_use  # since a moment ago
        raise
    if stored is None:
        return Finding("checkpoint", TO_DO, f"none at {place}", "run `make run-stream`")
    return Finding("checkpoint", OK, f"{place} belongs to the store, window {stored.get('window')}")


def _stored_settings(config: Config, question: Question) -> dict[str, Any] | None:
    with (
        closing(open_database(config.store, question, config.store_schema)) as database,
        elsewhere.checkpoint_folder(config, say=lambda _: None) as folder,
    ):
        return checkpoint.stored_settings(folder, StoreReader(database), config.checkpoint)
