"""The command `film`: the same records sent and counted in three ways, and a film of which are late in each.

Each way has a topic and a folder of its own, which are made here and gone again in the end, also after Ctrl-C. The
stream is the command `stream`, in a process of its own. What a film leaves that was killed, the next one removes.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sf_police.commands import child
from sf_police.commands.files import shape
from sf_police.commands.live import data_file
from sf_police.commands.own_run import new_name, own_config
from sf_police.commands.report import report_folder, written_report
from sf_police.commands.run import Run, say
from sf_police.environment import is_submitted
from sf_police.errors import SfPoliceError, folder_reason
from sf_police.lock import is_held, locked
from sf_police.question import number_of
from sf_police.stop import held

if TYPE_CHECKING:
    from sf_police.config import Config
    from sf_police.film.frames import Film, Filmed
    from sf_police.film.ways import Way
    from sf_police.produce.records import Records
    from sf_police.topic.admin import Topic
    from sf_police.topic.clients import KafkaAccess

# Where the settings are not given: partitions enough to drift apart, and micro-batches small enough to see it.
DEFAULTS: Final = {"partitions": "8", "max_offsets_per_trigger": "800"}
_POLL_S: Final = 0.05


class _InterruptedError(Exception):
    """A signal has ended a stream of the film."""


def add_film_arguments(sub: argparse.ArgumentParser, rows: str) -> None:
    """Add the file of `rows`, and where the film goes."""
    sub.add_argument("file", nargs="?", metavar="FILE", help=f"file of {rows} (default: DATA, generated if missing)")
    sub.add_argument("--to", metavar="FOLDER", help="where to (default: report, in STATE_DIR)")


def film(run: Run, *, file: str | None, to: str | None) -> int:
    """Run the three ways, and write the film as SVG and as a page; print how many were late, and where the film is."""
    from sf_police.film.frames import Film
    from sf_police.film.ways import WAYS
    from sf_police.topic.clients import kafka_access
    from sf_police.view.film import late_line

    if is_submitted(os.environ):
        raise SfPoliceError("a film starts its streams itself", remedy="run it without spark-submit")
    if not run.question.drops_duplicates:
        raise SfPoliceError(f"the question {run.question.name} drops no record as late, so there is nothing to see")
    access, path, folder = kafka_access(run.config), data_file(run, file), report_folder(run, to)
    _remove_left(run, access)
    ways = []
    try:
        for number, way in enumerate(WAYS, start=1):
            title = way.title.format(file_order=run.question.file_order)
            say(f"way {number} of {len(WAYS)}: {title[0].lower()}{title[1:]}")
            ways.append(_run_way(run, access, path, way))
    except _InterruptedError:
        say("interrupted; the topic and the folder of the film are gone again")
        return run.stop.exit_code
    made = Film(
        run.question, ways, source=_source(run, path), partitions=run.config.partitions,
        most_offsets=run.config.max_offsets_per_trigger or 0, watermark=run.config.watermark,
    )  # fmt: skip
    for each in ways:
        print(late_line(each, run.question))
    print(_write(folder, made), flush=True)
    return 0


def _source(run: Run, path: Path) -> str:
    is_generated = path == run.config.state_dir / run.question.defaults.folder / run.question.defaults.data
    return f"generated {run.question.rows}" if is_generated else path.name


def _run_way(run: Run, access: KafkaAccess, path: Path, way: Way) -> Filmed:
    from sf_police.film.recorded import filmed
    from sf_police.produce.producer import ensure_sendable
    from sf_police.produce.records import read_to_send
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database

    # Random, so that it is nobody else's.
    name = f"{new_name()}-{secrets.token_hex(4)}.{way.name}"
    config = replace(
        own_config(run.config, run.question, "film", name),
        trigger="0 seconds",
        starting_offsets="earliest",
        until_end=True,
    )
    refusal = f"another film has the name {name}"
    with locked(_lock(config), refusal, remedy="run it again"), _own_folder(config.state_dir) as folder:
        records = read_to_send(path, run.question, order=way.order, folder=folder, shape=shape(run))
        ensure_sendable(records)
        with _own_topic(access, config) as topic:
            _send(run, access, topic, records, way)
            _count(run, config)
            with closing(existing_database(config.store, run.question, config.store_schema)) as database:
                return filmed(way, StoreReader(database), access, topic.name)


def _lock(config: Config) -> Path:
    # Beside the folder; it is there, and held by nobody, only if its film was killed.
    return config.state_dir.with_name(f"{config.state_dir.name}.lock")


def _remove_left(run: Run, access: KafkaAccess) -> None:
    """Remove the topics and folders of films that were killed: nobody else's have such names."""
    from sf_police.stream import checkpoint
    from sf_police.topic import admin

    films = own_config(run.config, run.question, "film", "any").state_dir.parent
    for lock in sorted(films.glob("*.lock")):
        config = own_config(run.config, run.question, "film", lock.stem)
        # Its stream may outlive it.
        if is_held(lock) or checkpoint.is_in_use(config.checkpoint, config.state_dir):
            continue
        with held(), locked(lock, f"another film removes {config.state_dir}", remedy="run it again"):
            if admin.has_topic(access, config.kafka_topic):
                admin.delete_topic(access, admin.describe_topic(access, config.kafka_topic))
            if config.state_dir.is_dir():
                shutil.rmtree(config.state_dir)
        say(f"removed what a film that was killed had left: the topic {config.kafka_topic} and its folder")
    with suppress(OSError):  # there is none, or another film has its folder there
        films.rmdir()


@contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    try:
        with held():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
    except OSError as error:
        raise SfPoliceError(f"cannot create the folder {folder}: {folder_reason(error)}") from error
    try:
        yield folder
    finally:
        with held():
            shutil.rmtree(folder)
            with suppress(OSError):  # another film has its folder there
                folder.parent.rmdir()


@contextmanager
def _own_topic(access: KafkaAccess, config: Config) -> Iterator[Topic]:
    from sf_police.topic import admin
    from sf_police.topic.rights import DELETE, READ, WRITE

    name = config.kafka_topic
    with held():
        if not admin.create_topic(access, name, partitions=config.partitions):
            raise SfPoliceError(f"topic {name} is there already", remedy="run it again, for another name")
        topic = admin.describe_topic(access, name, needs=[WRITE, READ, DELETE])
    try:
        yield topic
    finally:
        with held():
            admin.delete_topic(access, topic)


def _send(run: Run, access: KafkaAccess, topic: Topic, records: Records, way: Way) -> None:
    from sf_police.film.ways import placed
    from sf_police.produce.pace import paced
    from sf_police.produce.producer import publish
    from sf_police.topic.sending import kafka_producer

    partitions = len(topic.partitions)
    with kafka_producer(access, topic) as producer:
        sent = publish(paced(placed(records, way, partitions=partitions)), producer, partitions=partitions)
    say(f"sent {number_of(sent.acknowledged, run.question.rows)}; the stream counts them")


def _count(run: Run, config: Config) -> None:
    arguments = ["stream", *child.flags(config, child.OF_THE_STREAM)]
    with (
        run.stop.awaited(),
        tempfile.TemporaryDirectory(dir=config.state_dir, ignore_cleanup_errors=True) as temporary,
        # The answer, which it prints, is not what was asked for.
        child.running(arguments, Path(temporary), output=subprocess.DEVNULL) as stream,
    ):
        while (code := stream.wait(_POLL_S)) is None:
            if run.stop.is_set():
                raise _InterruptedError
    if run.stop.is_set():
        raise _InterruptedError
    if code:
        raise SfPoliceError(f"the stream has failed (exit code {code})", remedy="see what it said above")


def _write(folder: Path, made: Film) -> Path:
    from sf_police.page.film import page_of
    from sf_police.page.film_picture import picture_of
    from sf_police.page.report import FILM_PAGE, FILM_PICTURE

    with written_report(folder):
        (folder / FILM_PICTURE).write_text(picture_of(made), "utf-8")
        (folder / FILM_PAGE).write_text(page_of(made), "utf-8")
    return folder / FILM_PAGE
