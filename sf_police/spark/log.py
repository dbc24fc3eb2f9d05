"""STATE_DIR/spark.log: whatever Spark's JVM prints, its log as well as its last words, within a bound.

The JVM itself appends to the file, so nothing is lost with this process, or when Java cannot even start. As it keeps
the file open, a file that has become too large is copied and emptied, not renamed.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

MOST_BYTES: Final = 10 << 20
# Files besides the one that is written to: spark.log.1 is the newest of them.
KEPT: Final = 2
_CHUNK: Final = 1 << 20


class SparkLog:
    """The log of a state folder; another process may write to the same one."""

    def __init__(self, state_dir: Path, *, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> None:
        self.path = state_dir / "spark.log"
        self._most_bytes, self._kept = most_bytes, kept

    def opened(self) -> IO[bytes]:
        """Open it for a new JVM, which appends."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.trim()
        return self.path.open("ab")

    def since(self, start: int) -> str:
        """Return what was written since the file had `start` bytes."""
        with self.path.open("rb") as file:
            is_emptied = os.fstat(file.fileno()).st_size < start
            file.seek(0 if is_emptied else start)
            return file.read().decode("utf-8", "replace")

    def trim(self) -> None:
        """Move what it holds to spark.log.1, and what that held to spark.log.2, if it is too large.

        What is printed between the copy's end and the file's emptying, some microseconds, is lost.
        """
        try:
            if self.path.stat().st_size <= self._most_bytes:
                return
            with self.path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_size > self._most_bytes:
                    self._move(file)
        except (FileNotFoundError, BlockingIOError):
            return  # there is none yet; or another process is about it
        except OSError:
            # The disk is full, or the folder is not ours to change: no reason to end a stream, which has its own
            # ways to say so. The next look tries again.
            with suppress(OSError):
                self._place("part").unlink(missing_ok=True)

    def _move(self, file: IO[bytes]) -> None:
        with self._place("part").open("wb") as copy:
            self._skip_what_is_too_much(file)
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
        for number in range(self._kept, 1, -1):
            if self._place(number - 1).exists():
                self._place(number - 1).replace(self._place(number))
        self._place("part").replace(self._place(1))
        file.truncate(0)

    def _skip_what_is_too_much(self, file: IO[bytes]) -> None:
        excess = os.fstat(file.fileno()).st_size - self._most_bytes
        if excess > self._most_bytes:  # it was not looked at for long: an older version's, say
            file.seek(excess - 1)
            file.readline(_CHUNK)

    def _place(self, suffix: object) -> Path:
        return self.path.with_name(f"{self.path.name}.{suffix}")
