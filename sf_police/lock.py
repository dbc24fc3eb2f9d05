"""A file lock that is released when its process ends, however it ends. What is locked is the caller's to know."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sf_police.errors import SfPoliceError

_HELD: Final = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


@contextmanager
def locked(path: Path, refusal: str, *, remedy: str) -> Iterator[None]:
    """Hold the lock file at `path`. Raises SfPoliceError, with `refusal` while another process holds it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise SfPoliceError(f"cannot use the folder {path.parent}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise SfPoliceError(refusal, remedy=remedy) from None
            # Some network file systems have no locks, and then say so: nobody else holds it.
            raise SfPoliceError(
                f"cannot lock {path}: {error.strerror}", remedy="set STATE_DIR to a folder on a local disk"
            ) from error
        yield
