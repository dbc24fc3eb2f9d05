"""docs/upgrade.md: one case for each row of its tables, on a checkpoint of this program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.question import Field, Question
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream import checkpoint
from sf_police.stream.compatibility import resumed_settings, stream_settings
from sf_police.stream.filesystems import LocalFolder
from sf_police.stream.versions import versions
from sf_police.topic.admin import Partition, Topic
from tests.support.environment import ROOT
from tests.support.question import resolve

PAGE = (ROOT / "docs" / "upgrade.md").read_text()


def a_topic(partitions: int = 2, topic_id: str = "id") -> Topic:
    return Topic("calls", topic_id, "cluster", tuple(Partition(number, 1, 1, 0, 9) for number in range(partitions)))


@dataclass
class Run:
    """What a start finds: settings, topic, code; and what it says."""

    config: Config
    topic: Topic = field(default_factory=a_topic)
    question: Question = QUESTION
    said: list[str] = field(default_factory=list)

    def start(self) -> dict[str, Any] | None:
        folder = LocalFolder(Path(self.config.checkpoint))
        with closing(open_database(self.config.store, self.question)) as database:
            return resumed_settings(self.config, self.topic, folder, StoreReader(database), say=self.said.append)

    def alter(self, **settings: Any) -> None:
        """Change what the checkpoint remembers; None: it does not."""
        with closing(open_database(self.config.store, QUESTION)) as database:
            [query_id, stored] = StoreReader(database).stream() or ("", {})
            kept = {name: value for name, value in {**stored, **settings}.items() if value is not None}
            with database.transaction() as connection:
                StoreWriter(database).update_settings(connection, query_id, kept)

    def sql(self, statement: str) -> None:
        with closing(open_database(self.config.store, QUESTION)) as database, database.transaction() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A start on a checkpoint and store of this version that has stored nothing yet."""
    config = resolve({"state_dir": str(tmp_path), "kafka_topic": "calls"})
    run = Run(config)
    with closing(open_database(config.store, QUESTION)) as database:
        _adopt(database, run)
    return run


def _adopt(database: Database, run: Run) -> None:
    folder = LocalFolder(Path(run.config.checkpoint))
    settings = {**stream_settings(run.config, run.topic), "state_partitions": 2, **versions()}
    checkpoint.adopt(folder, StoreWriter(database), settings)


def setting(**values: Any) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        run.config = replace(run.config, **values)

    return change


def code(**values: Any) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        run.question = replace(QUESTION, **values)

    return change


def remembered(**values: Any) -> Callable[[Run], None]:
    return lambda run: run.alter(**values)


def topic(**values: Any) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        run.topic = a_topic(**values)

    return change


def another_question(run: Run) -> None:
    run.question = TAXI


KEEPS: dict[str, tuple[Callable[[Run], None], str]] = {
    "what a code means (a table of codes), what a column is made of": (code(accepted=lambda df: df), ""),
    "words, labels, charts, the text of a view": (
        code(labels={}, title="another", answers=QUESTION.answers.replace("AS parts", "AS shares")), "",
    ),
    "another version of this program": (remembered(program_version="0.9"), "last run with sf-police 0.9, now "),
    "a newer Spark": (remembered(spark_version="4.1.0"), "last run with Spark 4.1.0, now "),
    "a checkpoint from before versions were kept": (
        remembered(program_version=None, spark_version=None, max_ahead=None), "",
    ),
    "partitions added to the topic": (topic(partitions=3), "has 3 partitions now, 2 before"),
    "`TRIGGER`, `MAX_OFFSETS_PER_TRIGGER`, `RETENTION`, memory, ports, `LOG_FORMAT`": (
        setting(
            trigger="5 seconds", max_offsets_per_trigger=200, retention="1 day", spark_driver_memory="1g",
            metrics_port=9464, log_format="json",
        ), "",
    ),
    "the number of cores": (setting(spark_master="local[1]"), ""),
}  # fmt: skip

RESETS: dict[str, tuple[Callable[[Run], None], str]] = {
    "an older Spark than it was last run with": (remembered(spark_version="99.0.0"), "newer than this one"),
    "a field of the record": (code(fields=(*QUESTION.fields, Field("beat"))), "(changed: fields)"),
    "the id, or whether duplicates are dropped": (code(drops_duplicates=False), "(changed: id)"),
    "a column of `counts`": (code(groups=(*QUESTION.groups, Field("district"))), "(changed: stored columns"),
    "a total that is kept (`-- kept:` in answers.sql)": (
        code(answers=QUESTION.answers.replace("COUNT(*) AS windows FROM window_t", "SUM(1) AS windows FROM window_t")),
        "(changed: totals)",
    ),
    "another question": (another_question, "answers the question sf_police, not taxi_rides"),
    "the store's format, which a release may raise": (
        lambda run: run.sql("UPDATE streams SET format = 99"), "has format 99",
    ),
    "`WINDOW`": (setting(window="1 hour"), "window 30 minutes, not 1 hour"),
    "`WATERMARK`": (setting(watermark="1 hour"), "watermark 10 minutes, not 1 hour"),
    "`MAX_AHEAD`": (setting(max_ahead="1 hour"), "max_ahead 1 day, not 1 hour"),
    "`STARTING_OFFSETS`": (setting(starting_offsets="latest"), "starting_offsets earliest, not latest"),
    "`STATE_PARTITIONS`": (setting(state_partitions=5), "STATE_PARTITIONS=2, not 5"),
    "the isolation level, in `KAFKA_CLIENT_PROPERTIES`": (
        remembered(isolation_level="read_uncommitted"), "isolation_level read_uncommitted, not read_committed",
    ),
    "the topic was made again, or the cluster is another one": (topic(topic_id="other"), "topic_id id, not other"),
}  # fmt: skip


def rows(heading: str) -> list[str]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (?!change|---)(.+?) \|", section, re.MULTILINE)


def test_each_row_of_the_page_is_a_case() -> None:
    assert rows("What keeps the checkpoint") == list(KEEPS)
    assert rows("What needs `make reset`") == list(RESETS)


@pytest.mark.parametrize("change", KEEPS)
def test_what_keeps_the_checkpoint(run: Run, change: str) -> None:
    make, said = KEEPS[change]
    make(run)

    settings = run.start()

    assert settings is not None
    assert settings["max_ahead"] == "1 day"
    assert said in "\n".join(run.said)
    assert bool(run.said) is bool(said)


@pytest.mark.parametrize("change", RESETS)
def test_what_needs_a_reset(run: Run, change: str) -> None:
    make, said = RESETS[change]
    make(run)

    with pytest.raises(SfPoliceError) as refused:
        run.start()

    assert said in refused.value.what
    assert "make reset" in refused.value.remedy
    assert "\n" not in str(refused.value)


def test_a_start_without_a_change_says_nothing(run: Run) -> None:
    assert run.start() is not None
    assert run.said == []
