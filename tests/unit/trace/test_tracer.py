"""Records followed by their id or their place: through a file, a topic that is played, and a store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.produce.records import event_records, file_records
from sf_police.store.answers import StoreReader
from sf_police.store.writer import StoreWriter
from sf_police.topic.admin import Partition, Topic
from sf_police.topic.record import TopicRecord
from sf_police.trace import tracer
from sf_police.trace.journey import Journey, Outcome
from sf_police.trace.tracer import NotFoundError, Tracer
from tests.support.builders import a_batch, a_call, a_counts_table
from tests.support.stores import store_at

WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")
# Newest first. Sent: first, quoted, twice, twice, last, to one partition after the other.
FILE = [
    a_call(crime_id="last", call_date_time="2018-10-12T14:25:00.000"),
    a_call(crime_id="twice"),
    a_call(crime_id="twice"),
    a_call(crime_id='a "quote" /', call_date_time="2018-10-12T14:10:00.000"),
    a_call(crime_id="first", call_date_time="2018-10-12T14:05:00.000"),
]


class Played:
    """A topic of two partitions with the file's records."""

    def __init__(self) -> None:
        self.records = [
            TopicRecord(record.position % 2, record.position // 2, 1_000, record.key, record.value)
            for record in event_records(FILE, QUESTION)
        ]
        self.topic_id = "its id"

    def describe(self, *_: Any, **__: Any) -> Topic:
        ends = [sum(record.partition == number for record in self.records) for number in (0, 1)]
        partitions = tuple(Partition(number, 0, 1, 0, end) for number, end in enumerate(ends))
        return Topic("calls", self.topic_id, "a cluster", partitions)

    def read(self, _: Any, __: str, offsets: Mapping[int, int]) -> dict[int, TopicRecord]:
        wanted = set(offsets.items())
        return {each.partition: each for each in self.records if (each.partition, each.offset) in wanted}

    def scan(self, _: Any, __: str, spans: Any, *, holding: Sequence[bytes]) -> Iterator[TopicRecord]:
        """The topic's records, of which each is a batch."""
        for record in self.records:
            if any(each in (record.key or b"") + (record.value or b"") for each in holding):
                yield record


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    monkeypatch.setattr(tracer, "describe_topic", played.describe)
    monkeypatch.setattr(tracer, "read_records", played.read)
    monkeypatch.setattr(tracer, "scan_records", played.scan)
    return played


@pytest.fixture
def traced(played: Played, tmp_path: Path) -> Iterator[Tracer]:
    """The file, the topic, and a store of a stream that has counted the first four records."""
    path = tmp_path / "calls.json"
    path.write_text(json.dumps(FILE))
    database = store_at(tmp_path)
    writer = StoreWriter(database)
    writer.adopt_stream("query", {"window": "30 minutes", "topic_id": played.topic_id})
    batch = replace(
        a_batch(read=4, counted=3, duplicates=1), start_offsets={"0": 0, "1": 0}, end_offsets={"0": 2, "1": 2},
        watermark=None,
    )  # fmt: skip
    writer.write_batch(batch, a_counts_table([(*WINDOW, "Traffic Stop", "Handled", 3)]), [])
    yield Tracer(None, "calls", QUESTION, path, None, StoreReader(database))  # type: ignore[arg-type] # no broker is asked
    database.close()


def places(journeys: Sequence[Journey]) -> list[tuple[int, int, int, Outcome]]:
    """Number and place in the file, position in the topic, and outcome of each."""
    return [
        (each.in_file.record.number, each.in_file.record.place, each.in_topic.position, each.fate.outcome)
        for each in journeys
        if each.in_file and each.in_topic
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("first", [(4, 0, 0, Outcome.COUNTED)]),
        ('a "quote" /', [(3, 1, 1, Outcome.COUNTED)]),
        ("twice", [(2, 2, 2, Outcome.ONE_OF), (1, 3, 3, Outcome.ONE_OF)]),
        ("last", [(0, 4, 4, Outcome.NOT_READ)]),
    ],
)
def test_all_records_with_an_id_are_found_in_file_topic_and_store(
    traced: Tracer, wanted: str, expected: list[Any]
) -> None:
    found = traced.by_id(wanted)

    assert places(found.journeys) == expected
    assert all(each.in_file and each.in_file.is_same and each.in_file.is_sent_from_there for each in found.journeys)


def test_an_id_that_is_written_with_escapes_is_found(traced: Tracer, played: Played) -> None:
    value = (played.records[0].value or b"").replace(b'"first"', b'"\\u0066irst"')
    played.records[0] = replace(played.records[0], key=None, value=value)

    [found] = traced.by_id("first").journeys

    assert found.in_topic is not None
    assert found.in_topic.record.value == value
    assert found.in_file is not None
    assert found.in_file.is_same is False


def test_what_was_sent_in_the_files_order_is_found_there(traced: Tracer, played: Played) -> None:
    played.records = [
        TopicRecord(record.position % 2, record.position // 2, 0, record.key, record.value)
        for record in file_records(FILE, QUESTION)
    ]

    [found] = traced.by_id("first").journeys

    assert found.in_file is not None
    assert found.in_file.is_sent_from_there
    assert (found.in_file.record.number, found.in_topic and found.in_topic.position) == (4, 4)


def test_what_is_only_in_the_file_was_not_sent(traced: Tracer, played: Played) -> None:
    played.records = played.records[:4]

    [found] = traced.by_id("last").journeys

    assert (found.fate.outcome, found.in_topic) == (Outcome.NOT_SENT, None)
    assert found.in_file is not None
    assert found.in_file.record.place == 4


def test_a_place_gives_that_record_alone_and_what_became_of_it_among_others(traced: Tracer) -> None:
    found = traced.at(1, 1)

    assert places(found.journeys) == [(1, 3, 3, Outcome.ONE_OF)]
    assert found.journeys[0].fate.alike == 2


def test_without_a_store_and_without_a_file_the_topic_remains(traced: Tracer, tmp_path: Path) -> None:
    bare = replace(traced, store=None, path=tmp_path / "none.json")

    [found] = bare.by_id("first").journeys

    assert (found.fate.outcome, found.in_file, found.has_file) == (Outcome.NO_STORE, None, False)
    with pytest.raises(NotFoundError, match=r"looked through 5 records of the topic calls \(.*none.json is not there"):
        bare.by_id("nobody")


def test_what_is_not_there_is_said_with_where_was_looked(traced: Tracer, played: Played) -> None:
    with pytest.raises(
        NotFoundError, match="no record has crime_id nobody: looked through 5 records of the topic calls"
    ):
        traced.by_id("nobody")
    with pytest.raises(NotFoundError, match="partition 1 of topic calls has no offset 2: it holds offsets 0 to 1"):
        traced.at(1, 2)
    with pytest.raises(NotFoundError, match="topic calls has no partition 2, but 0 to 1"):
        traced.at(2, 0)
    del played.records[1]
    with pytest.raises(NotFoundError, match="holds no record, but a marker of a transaction"):
        traced.at(1, 0)


def test_the_topic_of_another_stream_is_refused(traced: Tracer, played: Played) -> None:
    played.topic_id = "another"

    with pytest.raises(SfPoliceError, match="is not the one whose records were counted, but another: set KAFKA_TOPIC"):
        traced.by_id("first")
