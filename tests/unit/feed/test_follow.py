"""Which calls are due: on literal looks at a feed, whose rows change in place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sf_police.calls import QUESTION
from sf_police.feed.feeds import feed_named
from sf_police.feed.follow import Due, Follower, just_after
from sf_police.feed.mapping import RowMapping

MAPPING = RowMapping(feed_named("sf-live"), QUESTION)


def a_row(id: str, time: str, disposition: str | None = None, **more: Any) -> dict[str, Any]:
    row = {"cad_number": id, "received_datetime": f"2026-05-{time}:00.000", "call_type_final_desc": "FIGHT", **more}
    return {**row, "disposition": disposition} if disposition else row


def follower(sent: dict[str, str] | None = None, hours: int = 24) -> Follower:
    return Follower(MAPPING, open_after=timedelta(hours=hours), sent=sent or {})


def due(following: Follower, *rows: dict[str, Any]) -> list[tuple[str, str]]:
    """Id and resolution of what is due; it is sent at once."""
    found = following.due(rows)
    following.sent(found.calls, newest=found.newest)
    return [(call.id, call.record["disposition"]) for call in found.calls]


def test_a_call_is_sent_once_it_is_decided_and_never_again() -> None:
    following = follower()

    assert due(following, a_row("1", "01T10:00"), a_row("2", "01T10:05", "ADV")) == [("2", "ADV")]
    assert due(following, a_row("1", "01T10:00", "HAN"), a_row("2", "01T10:05", "CIT")) == [("1", "HAN")]
    assert due(following, a_row("1", "01T10:00", "GOA"), a_row("2", "01T10:05", "CIT")) == []


def test_an_open_call_is_sent_as_such_at_a_stated_age_by_the_feeds_own_clock() -> None:
    following = follower(hours=3)

    assert due(following, a_row("1", "01T10:00"), a_row("2", "01T12:59", "ADV")) == [("2", "ADV")]
    assert due(following, a_row("1", "01T10:00"), a_row("3", "01T13:00")) == [("1", "Open")]
    assert due(following, a_row("1", "01T10:00", "HAN"), a_row("3", "01T13:00")) == []


def test_calls_that_the_topic_holds_are_not_sent_whatever_their_time_is_now() -> None:
    following = follower({"1": "2026-05-01T10:00:00.000"})

    assert due(following, a_row("1", "01T11:00", "HAN"), a_row("2", "01T10:00", "HAN")) == [("2", "HAN")]


def test_they_go_in_the_order_of_their_times_and_say_their_feed() -> None:
    found = follower().due([a_row("3", "01T10:05", "A"), a_row("1", "01T10:00", "B"), a_row("2", "01T10:02", "C")])

    assert [call.id for call in found.calls] == ["1", "2", "3"]
    assert found.calls[0].record["feed"] == "sf-live"
    assert [name for name in found.calls[0].record if name != "feed"] == [field.name for field in QUESTION.fields]


def test_of_two_rows_with_one_id_the_first_that_is_due_counts() -> None:
    rows = [a_row("1", "01T10:00"), a_row("1", "01T10:00", "HAN"), a_row("1", "01T10:00", "ADV")]

    assert due(follower(), *rows) == [("1", "HAN")]


def test_a_call_without_a_place_is_a_call_and_one_without_an_id_is_none() -> None:
    sensitive = a_row("1", "01T10:00", "HAN", sensitive_call="true")
    nameless = {name: value for name, value in a_row("", "01T10:00", "HAN").items() if name != "cad_number"}

    found = follower().due([sensitive, nameless, a_row("2", "01T10:00", "HAN", received_datetime=None)])

    assert [call.id for call in found.calls] == ["1"]
    assert dict(found.left_out) == {"it has no cad_number": 1, "it has no received_datetime": 1}
    assert (found.rows, found.waiting) == (3, 0)


def test_no_rows_are_nothing_due() -> None:
    assert follower().due([]) == Due()


def test_what_has_long_left_the_feed_is_forgotten() -> None:
    following = follower({"old": "2026-05-01T00:00:00.000", "new": "2026-05-08T00:00:00.000"})

    due(following, a_row("1", "08T10:00", "HAN"))

    assert due(following, a_row("new", "08T00:00", "HAN"), a_row("old", "08T00:00", "HAN")) == [("old", "HAN")]


def test_just_after_is_a_millisecond_later() -> None:
    assert just_after("2026-05-01T23:59:59.999") == "2026-05-02T00:00:00.000"
    assert just_after("2026-05-01T10:00:00.000") == "2026-05-01T10:00:00.001"
