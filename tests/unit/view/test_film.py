"""The words of a film."""

from __future__ import annotations

import pytest

from sf_police.calls import QUESTION
from sf_police.film.frames import Film, Filmed, Frame
from sf_police.film.ways import WAYS
from sf_police.view.film import frame_words, late_line, made_of, share_of, sums_of
from tests.unit.film.test_frames import at

FRAMES = (Frame(0, 800, 0, None, ()), Frame(1, 1_200, 300, at(14, 20), ()))


@pytest.mark.parametrize(
    ("late", "said"),
    [(0, "0 %"), (1, "0.1 %"), (2_000, "1.0 %"), (38_529, "19.3 %"), (199_998, "99.9 %"), (199_999, "100 %")],
)
def test_only_none_is_0_percent_and_only_all_is_100(late: int, said: str) -> None:
    assert share_of(late, 199_999) == said


def test_of_nothing_no_share_is_late() -> None:
    assert share_of(0, 0) == "0 %"


def test_a_way_is_told_in_a_line() -> None:
    assert late_line(Filmed(WAYS[0], FRAMES), QUESTION) == (
        "As the file stands, newest first: 300 of 2,000 dropped as late (15.0 %)"
    )


def test_sums_begin_with_nothing() -> None:
    assert sums_of(Filmed(WAYS[0], FRAMES)) == [(0, 0), (0, 800), (300, 2_000)]


def test_a_micro_batch_is_told_with_its_watermark() -> None:
    assert [frame_words(frame) for frame in FRAMES] == [
        "Read 800, dropped 0 (0 %); no watermark yet.",
        "Read 1,200, dropped 300 (25.0 %); watermark 2018-10-12 14:20.",
    ]


def test_how_it_was_made_is_told() -> None:
    film = Film(QUESTION, [Filmed(WAYS[0], FRAMES)], "generated calls", 1, 1_200, "10 minutes")

    assert " ".join(made_of(film)) == (
        "Three real runs, each over 2,000 calls (generated calls): 1 partition, up to 1,200 records a micro-batch, "
        "watermark 10 minutes behind the latest event time."
    )
