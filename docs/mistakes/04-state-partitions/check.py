"""Drops duplicates from two micro-batches of 100 calls, and counts the tasks and files that this takes."""

from __future__ import annotations

from types import SimpleNamespace

from docs.mistakes.bench import STATE_PARTITIONS, Bench, accepted_calls, values
from docs.mistakes.lesson import Result
from sf_police.question import number_of

ROWS, BATCHES, CORES = 100, 2, 2
HINT = "each state partition is a task and a file in every micro-batch; their number is spark.sql.shuffle.partitions"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Run the stream with the file's options."""
    calls = accepted_calls(bench.stream(values()[: ROWS * BATCHES], rows=ROWS))
    rows = calls.withWatermark("event_time", "10 minutes").dropDuplicates(["crime_id", "event_time"])
    checkpoint, conf = bench.new_path(), bench.spark.conf
    conf.unset(STATE_PARTITIONS)
    try:
        for name, value in file.session_options(ROWS).items():
            conf.set(name, value)
        query = bench.run(rows.writeStream, lambda frame: frame.count(), checkpoint)
    finally:
        conf.set(STATE_PARTITIONS, "1")
    tasks = query.recentProgress[-1].stateOperators[0].numShufflePartitions
    files = len(list(checkpoint.glob("state/0/*/*.delta"))) // BATCHES
    said = f"{number_of(tasks, 'tasks')} and {number_of(files, 'files')} of state for {ROWS} calls"
    return Result(tasks <= CORES, said)
