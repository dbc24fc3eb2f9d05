"""How the three ways order records and choose their partitions."""

from __future__ import annotations

from sf_police.film.ways import WAYS, placed
from sf_police.topic.key_hash import key_partition
from sf_police.topic.record import Record

RECORDS = [Record(position, "", key, b"") for position, key in enumerate([b"21", b"foobar", None, b"abc"])]


def test_only_one_way_differs_from_ours_in_the_order_and_one_in_the_partitions() -> None:
    assert [(way.order, way.by_key) for way in WAYS] == [("file", False), ("event", True), ("event", False)]


def test_records_go_in_turn_to_the_partitions_or_by_key_and_without_one_in_turn() -> None:
    as_it_stands, by_key, in_turn = (
        [record.position % 3 for record in placed(RECORDS, way, partitions=3)] for way in WAYS
    )

    assert as_it_stands == in_turn == [0, 1, 2, 0]
    assert by_key == [key_partition(b"21", 3), key_partition(b"foobar", 3), 2, key_partition(b"abc", 3)]
    assert by_key != in_turn


def test_nothing_else_of_a_record_changes() -> None:
    for way in WAYS:
        assert [record[1:] for record in placed(RECORDS, way, partitions=3)] == [record[1:] for record in RECORDS]
