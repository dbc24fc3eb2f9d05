"""Follows records with an id, or the one at an offset, through the file, the topic and the store. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sf_police.errors import SfPoliceError
from sf_police.produce.json_files import Shape
from sf_police.produce.locating import FileRecord, locate_records
from sf_police.question import Question, number_of
from sf_police.store.answers import StoreReader
from sf_police.topic.admin import Topic, describe_topic
from sf_police.topic.clients import KafkaAccess
from sf_police.topic.reading import read_records
from sf_police.topic.record import TopicRecord
from sf_police.topic.rights import READ
from sf_police.topic.scanning import scan_records
from sf_police.trace.journey import Fate, Found, InFile, InTopic, Journey, Outcome
from sf_police.trace.stored import Traced, fate_of, in_store, parsed_record

# How JSON may write characters otherwise than they are.
_ESCAPES: Final = (b"\\u", b"\\/")


class NotFoundError(SfPoliceError):
    """There is no such record."""


@dataclass(frozen=True)
class Tracer:
    """Where records are looked for.

    Args:
        access: the brokers.
        topic: its name.
        question: whose records they are.
        path: of the file; one that is not there is left out.
        shape: what turned the file's records into those that were sent; see `read_records`.
        store: None: none has been made yet.
    """

    access: KafkaAccess
    topic: str
    question: Question
    path: Path
    shape: Shape | None
    store: StoreReader | None

    def by_id(self, wanted: str) -> Found:
        """Return the journeys of all records with an id, in the order in which they were sent.

        Raises:
            NotFoundError: there is none; it says where was looked.
            SfPoliceError: the topic is another one than the stream's, or something is out of reach.
        """
        topic = self._described()
        key = wanted.encode("utf-8", "surrogateescape")
        records = self._with_id(topic, wanted, key)
        in_file, count = self._located(key)
        looked = self._looked(topic, count)
        if not records and not in_file:
            raise NotFoundError(f"no record has {self.question.id} {wanted}: looked through {' and '.join(looked)}")
        return Found(tuple(self._journeys(topic, records, records, in_file, count, has_unsent=True)), looked)

    def at(self, partition: int, offset: int) -> Found:
        """Return the journey of the record at an offset; see `by_id`."""
        topic = self._described()
        there = next((each for each in topic.partitions if each.number == partition), None)
        if there is None:
            raise NotFoundError(
                f"topic {topic.name} has no partition {partition}, but 0 to {len(topic.partitions) - 1}"
            )
        if not there.first_offset <= offset < there.next_offset:
            holds = f"offsets {there.first_offset:,} to {there.next_offset - 1:,}" if there.records else "nothing"
            raise NotFoundError(
                f"partition {partition} of topic {topic.name} has no offset {offset:,}: it holds {holds}"
            )
        record = read_records(self.access, topic.name, {partition: offset}).get(partition)
        if record is None or record.offset != offset:
            raise NotFoundError(
                f"offset {offset:,} of partition {partition} of topic {topic.name} holds no record, but a marker of a "
                "transaction, or what was aborted or compacted"
            )
        own = self._id_of(record)
        # What became of it can depend on others with its id.
        alike = [record] if own is None else self._with_id(topic, own, own.encode("utf-8", "surrogatepass"))
        in_file, count = self._located(record.key)
        journeys = self._journeys(topic, [record], alike, in_file, count, has_unsent=False)
        return Found(tuple(journeys), self._looked(topic, count))

    def _described(self) -> Topic:
        topic = describe_topic(self.access, self.topic, needs=[READ])
        settings = (self.store.stream() or ("", {}))[1] if self.store else {}
        if settings.get("topic_id") not in (None, topic.topic_id):
            raise SfPoliceError(
                f"the topic {topic.name} is not the one whose records were counted, but another",
                remedy="set KAFKA_TOPIC and the brokers as for the stream",
            )
        return topic

    def _id_of(self, record: TopicRecord) -> str | None:
        found = (parsed_record(record.value) or {}).get(self.question.id)
        is_id = isinstance(found, str | int) and not isinstance(found, bool)
        return str(found) if is_id else None

    def _with_id(self, topic: Topic, wanted: str, key: bytes) -> list[TopicRecord]:
        # What JSON has to escape has a backslash in it, however it is written.
        is_plain = json.dumps(wanted, ensure_ascii=False)[1:-1] == wanted
        holding = (key, *(_ESCAPES if is_plain else (b"\\",)))
        spans = {each.number: (each.first_offset, each.next_offset) for each in topic.partitions}
        found = [
            record
            for record in scan_records(self.access, topic.name, spans, holding=holding)
            if record.key == key or self._id_of(record) == wanted
        ]
        return sorted(found, key=lambda record: _position(topic, record))

    def _located(self, key: bytes | None) -> tuple[list[FileRecord], int]:
        return locate_records(self.path, self.question, key, shape=self.shape) if self.path.is_file() else ([], 0)

    def _looked(self, topic: Topic, count: int) -> tuple[str, ...]:
        in_topic = f"{number_of(topic.records, 'records')} of the topic {topic.name}"
        if self.path.is_file():
            return in_topic, f"{number_of(count, 'records')} of {self.path}"
        return (f"{in_topic} ({self.path} is not there)",)

    def _journeys(
        self,
        topic: Topic,
        records: Sequence[TopicRecord],
        all_of_id: Sequence[TopicRecord],
        in_file: Sequence[FileRecord],
        count: int,
        *,
        has_unsent: bool,
    ) -> list[Journey]:
        sources = _sources(topic, records, in_file)
        store = self.store
        traced = {_place(each): Traced(store, topic.name, each) for each in (*records, *all_of_id)} if store else {}
        journeys = []
        for record in records:
            source = sources.get(_place(record))
            position = _position(topic, record)
            here = InTopic(topic.name, record, position)
            there = None if source is None else self._in_file(source, count, record, position)
            journeys.append(self._journey(here, there, traced))
        if has_unsent:
            sent = {source.number for source in sources.values()}
            unsent = (self._in_file(each, count) for each in in_file if each.number not in sent)
            journeys += [Journey(Fate(Outcome.NOT_SENT), in_file=each) for each in unsent]
        return journeys

    def _in_file(
        self, source: FileRecord, count: int, record: TopicRecord | None = None, position: int | None = None
    ) -> InFile:
        is_same = None if record is None else (source.key, source.value) == (record.key, record.value)
        return InFile(str(self.path), count, source, position in (source.place, source.number), is_same)

    def _journey(self, here: InTopic, there: InFile | None, all_traced: dict[tuple[int, int], Traced]) -> Journey:
        if self.store is None:
            return Journey(Fate(Outcome.NO_STORE), in_file=there, in_topic=here, has_file=self.path.is_file())
        traced = all_traced[_place(here.record)]
        window = (self.store.stream() or ("", {}))[1].get("window")
        return Journey(
            fate_of(self.store, traced, list(all_traced.values())),
            in_file=there,
            in_topic=here,
            batch=traced.batch,
            fields=traced.fields,
            event_time=traced.event_time,
            in_store=in_store(self.store, traced, window) if window else None,
            has_file=self.path.is_file(),
        )


def _place(record: TopicRecord) -> tuple[int, int]:
    return record.partition, record.offset


def _position(topic: Topic, record: TopicRecord) -> int:
    # As the producer deals records out: to one partition after the other.
    return record.partition + record.offset * len(topic.partitions)


def _sources(
    topic: Topic, records: Sequence[TopicRecord], in_file: Sequence[FileRecord]
) -> dict[tuple[int, int], FileRecord]:
    """Return the file's record for each of the topic's: that which is sent to its place, else one with its bytes."""
    by_place = {each.place: each for each in in_file}
    by_number = {each.number: each for each in in_file}
    sources: dict[tuple[int, int], FileRecord] = {}
    for places in (by_place, by_number):
        if not sources:  # a file is sent in one order or the other
            found = {_place(record): places.get(_position(topic, record)) for record in records}
            sources = {place: source for place, source in found.items() if source is not None}
    used = {source.number for source in sources.values()}
    for record in records:
        same = (
            each for each in in_file if each.number not in used and (each.key, each.value) == (record.key, record.value)
        )
        source = None if _place(record) in sources else next(same, None)
        if source is not None:
            sources[_place(record)] = source
            used.add(source.number)
    return sources
