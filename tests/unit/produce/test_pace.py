"""Pacing, with a clock that only goes on when somebody sleeps."""

from __future__ import annotations

import pytest

from sf_police.produce.pace import pace_seconds, paced
from sf_police.topic.record import Record


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 0.1
        self.now += seconds


RECORDS = [Record(n, f"2018-10-12T14:{n:02}:00.000", b"k", b"v") for n in range(4)]


def due(**pace: float) -> list[float]:
    clock = Clock()
    return [clock.now - 100 for _ in paced(RECORDS, **pace, clock=clock, sleep=clock.sleep)]


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        ({"rate": 4.0}, [0, 0.25, 0.5, 0.75]),
        ({"speed": 60.0}, [0, 1, 2, 3]),
        ({"speed": 120.0, "rate": 1.0}, [0, 1, 2, 3]),
    ],
)
def test_records_come_when_they_are_due(pace: dict[str, float], expected: list[float]) -> None:
    assert due(**pace) == pytest.approx(expected)


def test_a_record_without_a_time_does_not_wait() -> None:
    clock = Clock()
    records = [RECORDS[0]._replace(time=""), RECORDS[1]]

    assert len(list(paced(records, speed=1, clock=clock, sleep=clock.sleep))) == 2
    assert clock.now == 100


def test_a_stop_ends_the_waiting_and_the_records() -> None:
    clock = Clock()
    passed = list(paced(RECORDS, speed=1.0, is_stopped=lambda: clock.now > 130, clock=clock, sleep=clock.sleep))

    assert [record.position for [record] in passed] == [0]
    assert clock.now == pytest.approx(130, abs=0.2)


def test_without_a_pace_records_come_in_groups_until_a_stop() -> None:
    many = [RECORDS[0]] * 2500
    seen: list[int] = []

    assert [len(group) for group in paced(many)] == [1000, 1000, 500]
    for group in paced(many, is_stopped=lambda: bool(seen)):
        seen.append(len(group))
    assert seen == [1000]


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        ({"rate": 10}, 99.0),
        ({"speed": 60}, 30.0),
        ({"rate": 1000, "speed": 60}, 30.0),
        ({"rate": 1, "speed": 60}, 999.0),
    ],
)
def test_how_long_a_pace_takes_is_known_before(pace: dict[str, float], seconds: float) -> None:
    first, last = (Record(0, f"2018-10-01T00:{minute}:00.000", None, b"") for minute in ("00", "30"))

    assert pace_seconds(first, last, count=1000 if pace.get("rate") != 10 else 991, **pace) == seconds
