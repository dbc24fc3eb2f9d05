"""The metrics' text, read by Prometheus's own parser: values against batches made by hand, and what is left out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from sf_police import __version__
from sf_police.calls import QUESTION
from sf_police.page.metrics import StoreMetrics, lag_of, response
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.writer import StoreWriter
from sf_police.topic.admin import Partition, Topic
from sf_police.topic.probe import Probed
from tests.support.builders import a_batch, store_batch
from tests.support.metrics import Answer, Samples, samples_of

TRAFFIC = ("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled")
BAD = {"topic": "calls", "partition": 0, "offset": 3, "reason": "not UTF-8", "value": b"\xff"}
SETTINGS = {"topic": "calls", "topic_id": "one", "starting_offsets": "earliest"}
# As Prometheus 3 asks.
ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
)
NO_BROKER = Answer(Probed(is_reachable=False))


def a_topic(*offsets: tuple[int, int], topic_id: str = "one") -> Topic:
    """A topic whose partitions have these first and next offsets."""
    partitions = tuple(Partition(number, 1, 1, first, end) for number, (first, end) in enumerate(offsets))
    return Topic("calls", topic_id, "cluster", partitions)


def metrics(database: Database, probe: Any = NO_BROKER) -> StoreMetrics:
    return StoreMetrics(StoreReader(database), probe)


def samples(database: Database, probe: Any = NO_BROKER) -> Samples:
    return samples_of(metrics(database, probe).render()[0].decode())


def plain(found: Samples) -> dict[str, float]:
    """Those without labels."""
    return {name: value for (name, labels), value in found.items() if not labels}


@pytest.fixture
def stored(database: Database) -> Database:
    StoreWriter(database).adopt_stream("query", SETTINGS)
    store_batch(database, [(*TRAFFIC, 7)], [BAD], seconds=0.149, watermark=None)
    store_batch(database, [(*TRAFFIC, 3)], duplicates=2, late=1, seconds=61.25, state_rows=9)
    return database


def test_every_metric_is_what_the_batches_say(stored: Database) -> None:
    found = samples(stored, Answer(Probed(is_reachable=True, topic=a_topic((0, 20)))))

    outcomes = {dict(labels)["outcome"]: value for (name, labels), value in found.items() if "records_total" in name}
    assert outcomes == {"counted": 10, "duplicates": 2, "late": 1, "rejected": 1}
    within = {dict(labels)["le"]: value for (name, labels), value in found.items() if name.endswith("_bucket")}
    assert within == {
        "0.05": 0, "0.1": 0, "0.15": 1, "0.2": 1, "0.3": 1, "0.5": 1, "0.75": 1, "1.0": 1, "2.0": 1, "5.0": 1,
        "10.0": 1, "30.0": 1, "60.0": 1, "+Inf": 2,
    }  # fmt: skip
    [last] = StoreReader(stored).last_batches(1)
    assert plain(found) == {
        "sf_police_batches_total": 2,
        "sf_police_batch_duration_seconds_count": 2,
        "sf_police_batch_duration_seconds_sum": 61.399,
        "sf_police_watermark_timestamp_seconds": datetime(2018, 10, 12, 14, tzinfo=UTC).timestamp(),
        "sf_police_state_rows": 9,
        "sf_police_last_commit_timestamp_seconds": last.committed_at.replace(tzinfo=UTC).timestamp(),
        "sf_police_broker_reachable": 1,
        "sf_police_books_balanced": 1,
        "sf_police_stream_running": 0,
    }
    assert found[("sf_police_consumer_lag_records", (("partition", "0"),))] == 20 - 14
    info = (("question", "sf_police"), ("topic", "calls"), ("version", __version__))
    assert found[("sf_police_store_info", info)] == 1
    assert all(name.startswith("sf_police_") for name, _ in found)


def test_what_is_not_known_is_left_out(database: Database) -> None:
    StoreWriter(database).adopt_stream("query", SETTINGS)

    found = samples(database)

    assert plain(found) == {
        "sf_police_batches_total": 0,
        "sf_police_batch_duration_seconds_count": 0,
        "sf_police_batch_duration_seconds_sum": 0,
        "sf_police_broker_reachable": 0,
        "sf_police_books_balanced": 1,
        "sf_police_stream_running": 0,
    }
    assert [name for name, _ in found if "lag" in name] == []

    store_batch(database, late=1, watermark=None)

    assert set(plain(samples(database))) - set(plain(found)) == {"sf_police_last_commit_timestamp_seconds"}


def test_books_that_do_not_balance_and_a_stream_that_runs_are_seen(stored: Database) -> None:
    with stored.transaction() as connection:
        connection.exec_driver_sql("UPDATE counts SET calls = calls + 1")

    with stored.held():
        found = plain(samples(stored))

    assert (found["sf_police_books_balanced"], found["sf_police_stream_running"]) == (0, 1)
    assert plain(samples(stored))["sf_police_stream_running"] == 0


def test_who_takes_openmetrics_gets_it_and_the_same_values(stored: Database) -> None:
    text, content_type = metrics(stored).render()
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"

    opened, opened_type = metrics(stored).render(ACCEPT)

    assert opened_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert opened.decode().endswith("# EOF\n")
    assert samples_of(opened.decode(), parse_openmetrics) == samples_of(text.decode())


TOPIC = a_topic((5, 30), (0, 40))


@pytest.mark.parametrize(
    ("topic", "settings", "ends", "lag"),
    [
        (TOPIC, SETTINGS, {"0": 30, "1": 30}, {0: 0, 1: 10}),
        (TOPIC, SETTINGS, {"0": 10}, {0: 20, 1: 40}),
        (TOPIC, SETTINGS, {"0": 31, "1": 40}, {0: 0, 1: 0}),
        (TOPIC, SETTINGS, None, {0: 25, 1: 40}),
        (TOPIC, {**SETTINGS, "starting_offsets": "latest"}, None, {}),
        (TOPIC, {**SETTINGS, "starting_offsets": "latest"}, {"0": 30, "1": 40}, {0: 0, 1: 0}),
        (TOPIC, SETTINGS, {}, {}),
        (replace(TOPIC, topic_id="another"), SETTINGS, {"0": 1, "1": 1}, {}),
        (TOPIC, {}, {"0": 1, "1": 1}, {}),
        (None, SETTINGS, {"0": 1, "1": 1}, {}),
    ],
    ids=[
        "some left", "an added partition is read from its start", "counted since", "no batch yet, from the start",
        "no batch yet, from the end", "from the end, with a batch", "a batch without offsets", "another topic",
        "a store that names no topic", "no answer",
    ],
)  # fmt: skip
def test_lag_is_what_the_stream_has_not_read(
    topic: Topic | None, settings: dict[str, str], ends: dict[str, int] | None, lag: dict[int, int]
) -> None:
    last = None if ends is None else replace(a_batch(), end_offsets=ends)

    assert lag_of(topic, settings, last) == lag


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "answers.db"
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", SETTINGS)
    return path


def altered(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Path.unlink, "error: no store at sqlite:///{path}: run `make run-stream`\n"),
        (
            lambda path: path.write_bytes(b"no database " * 999),
            "error: the store at sqlite:///{path}: database disk image is malformed: run `make doctor`",
        ),
        (altered("DROP TABLE counts"), "error: the store at sqlite:///{path} was deleted or replaced while it was in "),
        (altered("DROP TABLE streams"), "error: the store at sqlite:///{path} is damaged: it has no table streams"),
        (altered("UPDATE streams SET format = 2"), "error: the store at sqlite:///{path} has format 2, but "),
        (altered("UPDATE streams SET settings = '{'"), "error: the metrics cannot be read (JSONDecodeError): see -v"),
    ],
    ids=["gone", "no database", "no counts", "no streams", "another format", "damaged settings"],
)
def test_a_store_that_is_missing_or_broken_is_one_line_that_says_what_to_do(
    path: Path, change: Callable[[Path], Any], said: str
) -> None:
    with closing(open_database(f"sqlite:///{path}", QUESTION)) as database:
        served = metrics(database)
        assert response(served).status == 200
        change(path)

        answer = response(served)

    assert (answer.status, answer.content_type) == (503, "text/plain; charset=utf-8")
    assert answer.body.decode().startswith(said.format(path=path))
    assert answer.body.count(b"\n") == 1


def test_a_store_that_comes_later_is_served_then(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        served = metrics(database)
        assert response(served).status == 503
        assert list(tmp_path.iterdir()) == []
        with database.held():
            starting = response(served)
            assert starting.status == 503
            assert "its stream is starting: ask again soon" in starting.body.decode()

        store_batch(database, [(*TRAFFIC, 7)])

        assert response(served).status == 200


def test_text_of_others_in_a_label_stays_text(database: Database) -> None:
    hostile = 'calls"} 1\nsf_police_books_balanced 0\n# \\'
    StoreWriter(database).adopt_stream("query", {**SETTINGS, "topic": hostile})

    found = samples(database)

    assert [dict(labels)["topic"] for (name, labels) in found if name == "sf_police_store_info"] == [hostile]
    assert plain(found)["sf_police_books_balanced"] == 1
