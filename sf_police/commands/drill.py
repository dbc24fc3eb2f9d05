"""The command `drill`: a stream that is killed again and again while one watches, with a topic and a folder of its own.

The stream is the command `stream`, in a process of its own that shows itself; this one sends the records, watches the
store, kills, and in the end adds up. Nothing but that process and what it has started is ever killed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sf_police.commands.files import send, shape
from sf_police.commands.live import data_file
from sf_police.commands.own_run import latest_name, new_name, own_config
from sf_police.commands.run import Run, say
from sf_police.environment import is_submitted
from sf_police.errors import SfPoliceError, folder_reason
from sf_police.how_to import how_to, with_state_dir
from sf_police.lock import locked
from sf_police.question import number_of

if TYPE_CHECKING:
    from sf_police.config import Config
    from sf_police.produce.records import Records
    from sf_police.store.tables import Batch
    from sf_police.topic.admin import Topic
    from sf_police.topic.clients import KafkaAccess
    from sf_police.topic.record import Record
    from sf_police.view.drill import Kill

# Batches of about half a second, some twenty of the usual file: a kill at random then falls into one, and into any of
# its steps. Of 5,000 records or fewer, they would run in another way than those of the main job.
_MOST_OFFSETS: Final = 10_000
_FEWEST_BATCHES: Final = 20
_BATCHES_PER_KILL: Final = 5
_SEEDS: Final = 10**6


def drill(run: Run, *, file: str | None, kills: int, seed: int | None, new: bool) -> int:
    """Count a file's records with a stream that is killed at random moments; return 0 if all adds up."""
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access

    if is_submitted(os.environ):
        raise SfPoliceError("a drill kills streams that it starts itself", remedy="run it without spark-submit")
    access, path = kafka_access(run.config), data_file(run, file)
    config = _drill_config(run, access, new=new)
    run = replace(run, config=config)
    seed = random.SystemRandom().randrange(_SEEDS) if seed is None else seed
    admin.create_topic(access, config.kafka_topic, partitions=config.partitions)
    _make_folder(config.state_dir)
    refusal = f"another drill is running in {config.state_dir}"
    with locked(config.state_dir / "drill.lock", refusal, remedy="wait for it, or start one of your own with --new"):
        file_records = _send(run, access, path)
        if file_records is None:
            return run.stop.exit_code
        distinct = distinct_records(file_records) if run.question.drops_duplicates else len(file_records)
        return _kill(run, admin.describe_topic(access, config.kafka_topic), distinct, kills=kills, seed=seed)


def _make_folder(folder: Path) -> None:
    # By it the next drill knows of this one, even if nothing but the topic has come of it.
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SfPoliceError(f"cannot create the folder {folder}: {folder_reason(error)}") from error


def _send(run: Run, access: KafkaAccess, path: Path) -> Records | None:
    """Send what the topic does not hold yet; return all records of the file, or None if that was interrupted."""
    from sf_police.produce import resume
    from sf_police.topic import admin
    from sf_police.topic.rights import READ, WRITE

    topic = admin.describe_topic(access, run.config.kafka_topic, needs=[WRITE, READ])
    folder = run.config.state_dir
    remaining = resume.remaining_records(
        access, topic, path, run.question, order="event", folder=folder, shape=shape(run), say=say
    )
    code = send(run, access, topic, remaining, rate=None, speed=None)
    return None if code else remaining.file


def _kill(run: Run, topic: Topic, distinct: int, *, kills: int, seed: int) -> int:
    from sf_police.commands import child
    from sf_police.commands.kills import Kills, WatchedStore, kill_points

    config, rng = _stream_config(run.config, topic.records, kills=kills), random.Random(seed)
    say(_plan(topic, config, kills=kills, seed=seed))
    say(f"to watch it in a browser, from another terminal: `{with_state_dir('dashboard', config.state_dir)}`")
    with run.stop.awaited(), closing(WatchedStore(config, run.question)) as store:
        points = kill_points(*_span(topic, store.last_batch()), kills, rng)
        course = Kills(store, config, points, rng, records=topic.records)
        code = course.run(["stream", *child.flags(config, child.OF_THE_STREAM)], run.stop)
    if code:
        said = "interrupted" if run.stop.is_set() else f"the stream has failed by itself (exit code {code})"
        say(f"{said}; nothing of the drill is running any more. To go on with it, run `{how_to('drill')}` again")
        return code
    return _add_up(run, course.done, topic, distinct)


def _drill_config(run: Run, access: KafkaAccess, *, new: bool) -> Config:
    """Return the settings of the latest drill if it was interrupted, else of a new one."""
    from sf_police.commands.kills import WatchedStore
    from sf_police.topic import admin

    name = None if new else latest_name(run.config, run.question, "drill")
    config = own_config(run.config, run.question, "drill", name or new_name())
    if name and admin.has_topic(access, config.kafka_topic):
        with closing(WatchedStore(config, run.question)) as store:
            begin, end = _span(admin.describe_topic(access, config.kafka_topic), store.last_batch())
        if begin < end or not end:
            return config
    return own_config(run.config, run.question, "drill", new_name())


def _span(topic: Topic, last: Batch | None) -> tuple[int, int]:
    """Return the sums of the partitions' next offsets after a batch and in the end; a topic of ours begins at 0."""
    from sf_police.commands.kills import position

    return position(last), sum(partition.next_offset for partition in topic.partitions)


def _stream_config(config: Config, records: int, *, kills: int) -> Config:
    batches = max(_FEWEST_BATCHES, _BATCHES_PER_KILL * kills)
    most = min(_MOST_OFFSETS, -(-records // batches))
    return replace(
        config,
        trigger="0 seconds",
        starting_offsets="earliest",
        until_end=True,
        max_offsets_per_trigger=config.max_offsets_per_trigger or max(most, 1),
    )


def _plan(topic: Topic, config: Config, *, kills: int, seed: int) -> str:
    return (
        f"a stream counts the {number_of(topic.records, 'records')} of {topic.name} into {config.state_dir}, and is "
        f"killed with -9 {number_of(kills, 'times')} at random moments (the same ones again: --seed {seed}); "
        "Ctrl-C ends it"
    )


def distinct_records(records: Iterable[Record]) -> int:
    """Return how many records in event order have another key or time than those before them."""
    distinct, time, keys = 0, "", set[bytes | None]()
    for record in records:
        if record.time != time:
            distinct, time, keys = distinct + len(keys), record.time, set()
        keys.add(record.key)
    return distinct + len(keys)


def _add_up(run: Run, kills: Sequence[Kill], topic: Topic, distinct: int) -> int:
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import existing_database
    from sf_police.view.answer import print_table
    from sf_police.view.drill import differences, kills_table, outcome

    with closing(existing_database(run.config.store, run.question, run.config.store_schema)) as database:
        books = StoreReader(database).books()
    wrong = differences(books, records=topic.records, distinct=distinct, rows=run.question.rows)
    print()
    print_table("each kill, and the seconds until a batch was stored again", kills_table(kills))
    for line in outcome(kills=len(kills), distinct=distinct, books=books, wrong=wrong, rows=run.question.rows):
        print(line, flush=True)
    return 1 if wrong else 0
