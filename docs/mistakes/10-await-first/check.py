"""Runs two queries, each over 20,000 records, and counts what the second one has read."""

from __future__ import annotations

import sys
import time
import traceback
from concurrent.futures import Future
from threading import Thread
from types import SimpleNamespace

from docs.mistakes.bench import CALLS, Bench, values
from docs.mistakes.lesson import Result, lost

NAMES = ("calls", "rejected")
SECONDS = 60
HINT = "`awaitTermination` returns when its query ends, and a query on a topic does not end. What comes after it waits"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Run the file's `run_both` until it waits, and whatever it has started has read everything."""
    files, streams, ended = bench.files(values(), rows=CALLS), bench.spark.streams, Future[None]()
    writers = [bench.stream_of(files).writeStream.queryName(name).format("noop") for name in NAMES]
    stored = [writer.option("checkpointLocation", str(bench.new_path())) for writer in writers]
    streams.resetTerminated()

    def run() -> None:
        try:
            ended.set_result(file.run_both(bench.spark, *stored))
        except Exception as error:  # it is raised below
            ended.set_exception(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    until, read = time.monotonic() + SECONDS, dict.fromkeys(NAMES, 0)
    while not ended.done() and time.monotonic() < until:
        is_settled = is_waiting(thread)  # asked first: what is active once it waits is all that ever runs
        active = streams.active
        read |= {query.name: sum(each.numInputRows for each in query.recentProgress) for query in active}
        if is_settled and all(read[query.name] for query in active):
            break
        time.sleep(0.05)
    while not ended.done() or streams.active:
        for query in streams.active:
            query.stop()
        time.sleep(0.05)
        if time.monotonic() > until + SECONDS:
            return Result(False, "`run_both` goes on, although its queries have been stopped")
    ended.result()
    return lost(CALLS - read["rejected"], CALLS, "records of the second query")


def is_waiting(thread: Thread) -> bool:
    """Whether a thread is in one of Spark's methods that wait for the end of a query."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and any(each.name.startswith("await") for each in traceback.extract_stack(frame))
