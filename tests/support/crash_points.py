"""`python -m tests.support.crash_points POINT BATCH ARGUMENT...`: sf-police, killed with its process group at a point.

Points are where a crash could hurt: around Spark's offsets file, in a task, in the store's transaction, and between the
store's commit and Spark's commit file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from sf_police.cli import main
from sf_police.store.writer import StoreWriter
from sf_police.stream import sink
from tests.support.environment import ROOT, variables
from tests.support.job import Job
from tests.support.other_versions import make_older

OLDER = ", in an older version"


def die() -> None:
    os.killpg(0, signal.SIGKILL)


def die_when_there(path: Path) -> None:
    def watch() -> None:
        while not path.exists():
            time.sleep(0.0005)
        die()

    threading.Thread(target=watch, daemon=True).start()


def arm(point: str, batch: int) -> None:
    checkpoint = Path(os.environ["STATE_DIR"]) / "checkpoint"
    write, write_batch, insert = sink.StoreSink.write, StoreWriter.write_batch, StoreWriter._insert_rejected

    def dying_write(self: Any, counts: Any, batch_id: int) -> None:
        if batch_id == batch:
            threading.Timer(0.05, die).start()
        write(self, counts, batch_id)

    def dying_write_batch(self: Any, row: Any, *rest: Any) -> None:
        write_batch(self, row, *rest)
        if row.batch_id == batch:
            die()

    def dying_insert(self: Any, connection: Any, rows: Any) -> int:
        batches = self.database.tables.batches
        if connection.execute(select(func.max(batches.c.batch_id))).scalar() == batch:
            die()  # the batch's row and its counts are written
        return insert(self, connection, rows)

    arms: dict[str, Callable[[], None]] = {
        "before the offsets file": lambda: die_when_there(checkpoint / "commits" / str(batch - 1)),
        "after the offsets file": lambda: die_when_there(checkpoint / "offsets" / str(batch)),
        "in a task": lambda: setattr(sink.StoreSink, "write", dying_write),
        "in the store's transaction": lambda: setattr(StoreWriter, "_insert_rejected", dying_insert),
        "between the store's commit and Spark's": lambda: setattr(StoreWriter, "write_batch", dying_write_batch),
    }
    if point.endswith(OLDER):
        make_older()
    arms[point.removesuffix(OLDER)]()


def run_dying(job: Job, point: str, batch: int, **extra: str) -> None:
    """Run the stream to the end, which it does not reach: it is killed, all of it, at the point."""
    command = [sys.executable, "-m", "tests.support.crash_points", point, str(batch), "stream", "--until-end"]
    done = subprocess.run(
        command, env={**job.env, **variables(**extra)}, capture_output=True, text=True, timeout=240,
        cwd=ROOT, check=False, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    raise SystemExit(main(sys.argv[3:]))
