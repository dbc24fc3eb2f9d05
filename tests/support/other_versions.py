"""`python -m tests.support.other_versions WHAT ARGUMENT...`: sf-police with one thing changed.

- `older`: a version that calls itself 0.9, and rejects calls before December 2018.
- `not-held`: the store is not held while the stream runs, as on another machine that has its file.
- `with-duplicates`: a question that leaves duplicates in.
- `stage-twice`: once, the results of a stage are lost with what it wrote, as if an executor had died.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.question import Question
from sf_police.store import hold, writer
from sf_police.stream import transformations


def make_older() -> Question:
    writer.__version__ = "0.9"
    transformations._EARLIEST = "2018-12-01 00:00:00"
    return QUESTION


def make_stage_run_twice() -> Question:
    once = Path(os.environ["STATE_DIR"]) / "lost-once"

    def lose_shuffled_files(calls: int) -> int:
        if not once.exists():
            once.touch()
            for folder in os.environ["SPARK_LOCAL_DIRS"].split(","):
                for path in Path(folder).glob("*/shuffle_*"):
                    path.unlink()
        return calls

    def counts(rows: DataFrame, *, window: str) -> DataFrame:
        return QUESTION.counts(rows, window=window).withColumn("calls", F.udf(lose_shuffled_files, "bigint")("calls"))

    return replace(QUESTION, counts=counts)


def make_not_held() -> Question:
    hold.locked = lambda *_, **__: nullcontext()  # type: ignore[assignment,misc]
    return QUESTION


def make_keeper_of_duplicates() -> Question:
    return replace(QUESTION, drops_duplicates=False)


MADE: dict[str, Callable[[], Question]] = {
    "older": make_older,
    "stage-twice": make_stage_run_twice,
    "not-held": make_not_held,
    "with-duplicates": make_keeper_of_duplicates,
}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[2:], question=MADE[sys.argv[1]]()))
