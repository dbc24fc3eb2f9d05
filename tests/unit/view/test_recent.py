"""How fast the latest batches were, and what that says of the rest."""

from __future__ import annotations

import pytest

from sf_police.view.recent import Progress, Recent


def batches(*of: tuple[int, float, float]) -> Recent:
    """After batches of so many records, seconds, and the time at which each was stored."""
    recent = Recent()
    for records, seconds, now_s in of:
        recent = recent.after(records=records, seconds=seconds, now_s=now_s)
    return recent


def test_the_rate_is_of_the_time_in_which_batches_ran() -> None:
    assert batches((100, 2.0, 10.0), (300, 2.0, 100.0)).rows_per_s == 100


@pytest.mark.parametrize("recent", [batches(), batches((5, 0.0, 1.0))])
def test_without_a_batch_that_took_time_there_is_no_rate(recent: Recent) -> None:
    assert recent.rows_per_s is None


def test_only_the_last_ten_batches_count() -> None:
    recent = batches((1_000_000, 1.0, 0.0), *((10, 1.0, float(n)) for n in range(1, 11)))

    assert (len(recent.marks), recent.rows_per_s) == (10, 10)


def test_the_time_left_is_known_after_three_batches_and_leaves_out_the_cold_first_one() -> None:
    slow, first, second = (10, 9.0, 9.0), (100, 0.5, 10.0), (100, 0.5, 11.0)

    assert [batches(*of).seconds_left(1_000) for of in ([], [slow], [slow, first])] == [None] * 3
    assert batches(slow, first, second).seconds_left(1_000) == 10  # 200 in the two seconds since the first was stored


def test_the_time_left_has_what_comes_between_batches() -> None:
    assert batches((1, 0.1, 0.0), (1, 0.1, 5.0), (1, 0.1, 10.0)).seconds_left(2) == 10


def test_batches_without_records_say_nothing_of_the_time_left() -> None:
    assert batches((1, 0.1, 0.0), (0, 0.1, 1.0), (0, 0.1, 2.0)).seconds_left(2) is None


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(129_000, 199_999, 12.4), "129,000 of 199,999 records (64 %), 12 s left"),
        (Progress(0, 199_999), "0 of 199,999 records (0 %)"),
        (Progress(199_998, 199_999, 1), "199,998 of 199,999 records (99 %), 1 s left"),
        (Progress(199_999, 199_999, 0), "199,999 of 199,999 records (100 %)"),
        (Progress(1, 4, 1_000), "1 of 4 records (25 %), 17 min left"),
    ],
)
def test_progress_in_words(progress: Progress, text: str) -> None:
    assert progress.text == text
