"""A file lock that is released when its process ends, however it ends. What is locked is the caller's to know."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from sf_police.errors import SfPoliceError, folder_reason

_HELD: Final = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
# `is_held` takes microseconds.
_MOST_ASKING_S: Final = 1.0


@contextmanager
def locked(path: Path, refusal: str, *, remedy: str) -> Iterator[None]:
    """Hold the lock file at `path`, which is gone again afterwards, as are folders that were made for it alone.

    Raises:
        SfPoliceError: with `refusal` while another process holds it; or its folder cannot be used.
    """
    file, made = _opened(path)
    with file:
        while True:
            _lock(file, path, refusal, remedy)
            # Whoever held it may have deleted it since it was opened: then another process may hold its successor.
            if _is_at(file, path):
                break
            file.close()
            file, more = _opened(path)
            made += more
        try:
            yield
        finally:
            _clean_up(file, path, made)
            file.close()


def _opened(path: Path) -> tuple[IO[str], list[Path]]:
    try:
        made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+"), made
    except OSError as error:
        raise SfPoliceError(f"cannot use the folder {path.parent}: {folder_reason(error)}") from error


def _lock(file: IO[str], path: Path, refusal: str, remedy: str) -> None:
    deadline = time.monotonic() + _MOST_ASKING_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in _HELD:
                # Some network file systems have no locks, and then say so: nobody else holds it.
                raise SfPoliceError(
                    f"cannot lock {path}: {error.strerror}", remedy="set STATE_DIR to a folder on a local disk"
                ) from error
        # In the way may be one who only asks: a page or a scrape must not make a stream's start fail.
        if _is_locked(file) or time.monotonic() > deadline:
            raise SfPoliceError(refusal, remedy=remedy)


def _is_locked(file: IO[str]) -> bool:
    # Who asks takes a shared lock for a moment; who holds it has it alone.
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _HELD
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _clean_up(file: IO[str], path: Path, made: Iterable[Path]) -> None:
    # A file with something in it is not one of ours. A folder with something in it stays.
    with suppress(OSError):
        if os.fstat(file.fileno()).st_size == 0 and _is_at(file, path):
            path.unlink()
        for folder in made:
            folder.rmdir()


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock file at `path`; creates nothing."""
    try:
        file = path.open()
    except OSError:  # there is none
        return False
    with file:
        return _is_locked(file)
