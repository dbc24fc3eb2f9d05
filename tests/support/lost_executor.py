"""`python -m tests.support.lost_executor BATCH WORKER ARGUMENT...`: sf-police, which loses a worker amid a batch.

The worker's process and its executors are killed when the batch's first stage is done and its second one is under way:
what the first one has left there has to be made again, and Spark counts it twice.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

from sf_police.cli import main
from sf_police.stream import sink
from tests.support.spark_cluster import children_of


def is_in_second_stage(tracker: Any) -> bool:
    for job in tracker.getActiveJobsIds():
        info = tracker.getJobInfo(job)
        stages = sorted(info.stageIds) if info else []
        infos = [tracker.getStageInfo(stage) for stage in stages]
        done = [stage.numTasks == stage.numCompletedTasks for stage in infos if stage]
        working = [stage.numCompletedTasks > 0 for stage in infos if stage]
        if len(done) > 1 and done[0] and working[1] and not done[1]:
            return True
    return False


def arm(batch: int, worker: int) -> None:
    write = sink.StoreSink.write

    def watch(tracker: Any) -> None:
        while not is_in_second_stage(tracker):
            time.sleep(0.002)
        for pid in (worker, *children_of(worker)):
            os.kill(pid, signal.SIGKILL)
        print("a worker killed in the second stage", file=sys.stderr, flush=True)

    def write_and_lose(self: Any, rows: Any, batch_id: int) -> None:
        if batch_id == batch and not armed:
            armed.append(batch)
            tracker = self._session.sparkContext.statusTracker()
            threading.Thread(target=watch, args=(tracker,), daemon=True).start()
        write(self, rows, batch_id)

    armed: list[int] = []
    sink.StoreSink.write = write_and_lose  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(int(sys.argv[1]), int(sys.argv[2]))
    raise SystemExit(main(sys.argv[3:]))
