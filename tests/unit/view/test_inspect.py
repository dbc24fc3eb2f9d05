"""The topic as it is printed: partitions, first and last records, what is missing at the end, and new records."""

from __future__ import annotations

import pytest

from sf_police.topic.admin import Partition, Topic
from sf_police.topic.record import TopicRecord
from sf_police.view.inspect import print_as_they_arrive, print_topic

TOPIC = Topic("calls", "id", "cluster", (Partition(0, 1, 1, 0, 3), Partition(1, 1, 1, 4, 4), Partition(2, 1, 1, 7, 9)))
RECORDS = {offset: TopicRecord(0, offset, 0, None, b'{"n":%d}' % offset) for offset in range(2)}


def test_a_topic_is_its_partitions_and_what_they_begin_and_end_with(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[object] = []

    print_topic(
        TOPIC,
        lambda offsets: asked.append(offsets) or {0: RECORDS[0]},  # type: ignore[func-returns-value]
        lambda offsets: asked.append(offsets) or {0: RECORDS[1], 2: None},  # type: ignore[func-returns-value]
        is_pretty=False,
    )

    assert asked == [{0: 0, 2: 7}, {0: (0, 3), 2: (7, 9)}]
    shown = capsys.readouterr().out
    assert shown.startswith("calls: 5 offsets\n")
    assert shown.splitlines()[-6:] == [
        "first record: partition 0 offset 0 at 1970-01-01 00:00:00 UTC no key",
        '  {"n":0}',
        "last record: partition 0 offset 1 at 1970-01-01 00:00:00 UTC no key",
        '  {"n":1}',
        "partition 0: offset 2 holds no record (transaction markers, or records of open or aborted transactions)",
        "partition 2: offsets 7 to 8 hold no record (transaction markers, or records of open or aborted transactions)",
    ]


@pytest.mark.parametrize(
    ("is_pretty", "lines"),
    [
        (False, ['0:0  1970-01-01 00:00:00 UTC  no key  {"n":0}', '0:1  1970-01-01 00:00:00 UTC  no key  {"n":1}']),
        (
            True,
            [
                "partition 0 offset 0 at 1970-01-01 00:00:00 UTC no key", "  {", '    "n": 0', "  }",
                "partition 0 offset 1 at 1970-01-01 00:00:00 UTC no key", "  {", '    "n": 1', "  }",
            ],
        ),
    ],
)  # fmt: skip
def test_new_records_are_one_line_each_or_readable(
    capsys: pytest.CaptureFixture[str], is_pretty: bool, lines: list[str]
) -> None:
    print_as_they_arrive(RECORDS.values(), is_pretty=is_pretty)

    assert capsys.readouterr().out.splitlines() == lines
