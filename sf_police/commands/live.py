"""The command `live`: a producer at the pace of the events beside the stream, with a topic and a folder of its own.

Nothing of the main job is touched: its topic, checkpoint and store are others. The producer is a thread, so that no
process can outlive the command.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sf_police.commands.files import generate_file, shape
from sf_police.commands.own_run import latest_name, new_name, own_config
from sf_police.commands.run import Run, say
from sf_police.commands.stream import count_records
from sf_police.config import Config
from sf_police.question import Question, number_of

if TYPE_CHECKING:
    from sf_police.produce.producer import Sent
    from sf_police.produce.resume import Remaining
    from sf_police.topic.admin import Topic
    from sf_police.topic.clients import KafkaAccess
    from sf_police.view.live import LiveShow

SPEED: Final = 600.0
# Unless set: often enough to watch, and micro-batches that are made for latency.
_TRIGGER: Final = "1 second"
_MAX_OFFSETS: Final = 2_000


def live(run: Run, *, file: str | None, rate: float | None, speed: float | None, new: bool) -> int:
    """Send a file's records at a pace, and count them at the same time."""
    from sf_police.produce import resume
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.rights import READ, WRITE

    speed = speed or (None if rate else SPEED)
    access, path = kafka_access(run.config), data_file(run, file)
    config = live_config(run.config, run.question, run_name(run, access, new=new))
    run = replace(run, config=config)
    admin.create_topic(access, config.kafka_topic, partitions=config.partitions)
    with resume.only_producer(config):
        topic = admin.describe_topic(access, config.kafka_topic, needs=[WRITE, READ])
        remaining = resume.remaining_records(
            access, topic, path, run.question, order="event", folder=config.state_dir, shape=shape(run), say=say
        )
        say(_plan(remaining, config, run.question, rate=rate, speed=speed))
        producer = PacedProducer(run, access, topic, remaining, rate=rate, speed=speed)
        return count_records(run, producer)


def live_config(config: Config, question: Question, name: str) -> Config:
    """Return the settings with a topic and a folder of this run's own, and with small micro-batches."""
    return replace(
        own_config(config, question, "live", name),
        trigger=_TRIGGER if config.trigger == "0 seconds" else config.trigger,
        max_offsets_per_trigger=config.max_offsets_per_trigger or _MAX_OFFSETS,
        until_end=False,
    )


def run_name(run: Run, access: KafkaAccess, *, new: bool) -> str:
    """Return the name of the latest run, to be resumed; a new one if there is none, or its topic is gone."""
    from sf_police.topic import admin

    name = None if new else latest_name(run.config, run.question, "live")
    if name and admin.has_topic(access, live_config(run.config, run.question, name).kafka_topic):
        return name
    return new_name()


def data_file(run: Run, file: str | None) -> Path:
    """Return the file to send; only the default one is generated, as another name may be mistyped."""
    path, question = Path(file) if file else run.config.data, run.question
    is_default = path == run.config.state_dir / question.defaults.folder / question.defaults.data
    if is_default:
        generate_file(run, count=question.generated, seed=question.seed, if_missing=True)
    return path


def _plan(remaining: Remaining, config: Config, question: Question, *, rate: float | None, speed: float | None) -> str:
    from sf_police.view.terminal import duration

    pace = f"{rate:,g} a second" if rate else f"{speed:,g} times the speed of the events"
    seconds = remaining.seconds(rate=rate, speed=speed)
    takes = f"; that takes {duration(seconds)}" if seconds else ""
    return (
        f"sending {number_of(remaining.count, question.rows)} to {config.kafka_topic} at {pace}{takes}, "
        f"and counting them into {config.state_dir}; "
        "Ctrl-C ends both, and the next run resumes (or starts over, with --new)"
    )


class PacedProducer:
    """Sends the remaining records in a thread beside the stream, which ends once it has counted all of them."""

    def __init__(
        self, run: Run, access: KafkaAccess, topic: Topic, remaining: Remaining, *, rate: float | None,
        speed: float | None,
    ) -> None:  # fmt: skip
        self._run, self._access, self._topic, self._remaining = run, access, topic, remaining
        self._rate, self._speed = rate, speed
        self._is_over = threading.Event()  # the stream has ended
        self._sent: Sent | None = None
        self._error: BaseException | None = None

    @contextmanager
    def running(self, show: LiveShow) -> Iterator[None]:
        """Send in this context. Raises SfPoliceError if a record was not acknowledged."""
        thread = threading.Thread(target=self._send, args=(show,), name="producer")
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()
        if self._error:
            raise self._error

    def is_done(self, counted_to: int) -> bool:
        """Return whether everything is sent and counted, or sending has failed.

        Args:
            counted_to: the sum of the partitions' next offsets after the latest batch.
        """
        if self._error:
            return True
        held = sum(partition.next_offset for partition in self._topic.partitions)
        return self._sent is not None and counted_to >= held + self._sent.acknowledged

    def _send(self, show: LiveShow) -> None:
        from sf_police.produce.pace import paced
        from sf_police.produce.producer import publish
        from sf_police.topic.sending import kafka_producer
        from sf_police.view.progress import acknowledged_line

        def on_progress(sent: Sent) -> None:
            show.sending(acknowledged_line(sent.acknowledged, self._remaining.count))

        due = paced(self._remaining.records, rate=self._rate, speed=self._speed, is_stopped=self._is_stopped)
        try:
            with kafka_producer(self._access, self._topic) as client:
                self._sent = publish(due, client, partitions=len(self._topic.partitions), on_progress=on_progress)
        except BaseException as error:  # raised again in the main thread
            self._error = error

    def _is_stopped(self) -> bool:
        return self._run.stop.is_set() or self._is_over.is_set()
