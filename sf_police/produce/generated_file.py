"""Writes a question's synthetic records to a file formatted like a downloaded one. The question generates them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from json import dumps
from pathlib import Path
from typing import Any, Final

from sf_police.errors import SfPoliceError

# What is written is plain JSON, whatever a name promises.
_PACKED: Final = (".gz", ".bz2", ".xz", ".zip", ".zst", ".7z", ".rar", ".lz4", ".tar", ".tgz")
_ANOTHER: Final = "name another file"


def check_name(path: Path) -> None:
    """Raise ValueError, which says what was expected, if the name is not that of a plain JSON file."""
    if str(path) == "-":
        raise ValueError("a file to write, as nothing is generated to standard output")
    if path.suffix.lower() in _PACKED:
        raise ValueError(f"a name without {path.suffix}, as the file is not packed")


def ensure_free(path: Path, *, force: bool, is_ours: bool) -> None:
    """Ensure that no file of the user's is lost by writing to `path`.

    Args:
        path: to be written.
        force: a regular file may be overwritten, also where a symbolic link leads to.
        is_ours: it is where we generate a file unless told otherwise: what is there is one of ours, but for a link.

    Raises:
        SfPoliceError: something is there.
    """
    if not os.path.lexists(path):
        return
    if path.is_symlink() and not path.exists():
        raise SfPoliceError(f"{path} is a link to nothing", remedy=_ANOTHER)
    if not path.is_file():
        raise SfPoliceError(f"{path} is {'a folder' if path.is_dir() else 'not a regular file'}", remedy=_ANOTHER)
    if not (force or (is_ours and not path.is_symlink())):
        raise SfPoliceError(f"{path} already exists", remedy="name another file, or overwrite it with --force")


def write_records(
    path: Path, records: Iterable[Mapping[str, Any]], *, force: bool = False, is_ours: bool = False
) -> None:
    """Write one pretty-printed JSON array in ASCII; it appears only once it is complete.

    Args:
        path: a link stays one, and a file keeps its mode and owner.
        records: of the file.
        force: see `ensure_free`, which this keeps to.
        is_ours: see `ensure_free`.

    Raises:
        OSError: it cannot be written.
        SfPoliceError: something is there.
    """
    ensure_free(path, force=force, is_ours=is_ours)
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody else has, and that is short enough beside a name of the greatest length.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("x", encoding="ascii", newline="\n") as file:
            _keep_mode(target, file.fileno())
            file.write("[\n")
            for number, record in enumerate(records):
                file.write(",\n" if number else "")
                file.write(_pretty(record))
            file.write("\n]")
        ensure_free(path, force=force, is_ours=is_ours)  # something may have appeared meanwhile
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _keep_mode(target: Path, part: int) -> None:
    if target.exists():
        found = target.stat()
        with suppress(OSError):
            os.fchown(part, found.st_uid, found.st_gid)
        os.fchmod(part, found.st_mode & 0o777)


def _pretty(record: Mapping[str, Any]) -> str:
    lines = (f'        "{name}": {dumps(value)}' for name, value in record.items())
    return "    {\n" + ",\n".join(lines) + "\n    }"
