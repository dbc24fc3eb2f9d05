"""Opens a file of records: recognizes by its first bytes what it is, unpacks it, or says what it is instead."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from sf_police.errors import SfPoliceError

STDIN: Final = "-"
# What reading a damaged packed file raises.
DAMAGED: Final = (EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)

_LOOKED_AT: Final = 512
_EXPORT: Final = "export the data as JSON"
_UNPACK_FIRST: Final = "unpack it first"
_ZIP: Final = b"PK\x03\x04"
_ENCRYPTED: Final = 0x41
_METHODS: Final = {9: "Deflate64", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES"}
_UNPACK: Final[tuple[tuple[bytes, Callable[[Any], Any]], ...]] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
# First bytes, less white space and in lower case; what such a file is; and what to do.
_OTHERS: Final[tuple[tuple[tuple[bytes, ...], str, str], ...]] = (
    ((b"version https://git-lfs",), "a Git LFS pointer in place of the file", "run `git lfs pull`"),
    ((b"<!doctype html", b"<html"), "an HTML page, not JSON", "download the data itself, as JSON"),
    ((b"<",), "HTML or XML, not JSON", _EXPORT),
    (
        (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, b"[\0\0", b"{\0\0", b"\0\0\0[", b"\0\0\0{"),
        "UTF-32",
        "convert it to UTF-8",
    ),
    (
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"[\0", b"{\0", b"\0[\0", b"\0{\0"),
        "UTF-16",
        "convert it to UTF-8",
    ),
    ((b"\0",), "binary data (its first byte is NUL), not JSON", _EXPORT),
    ((b"par1",), "Parquet, not JSON", _EXPORT),
    ((b"sqlite format 3",), "an SQLite database, not JSON", _EXPORT),
    ((b"%pdf",), "a PDF, not JSON", _EXPORT),
    ((b"\x28\xb5\x2f\xfd",), "packed with zstd", "unpack it with `unzstd`"),
    ((b"7z\xbc\xaf\x27\x1c",), "packed with 7-Zip", _UNPACK_FIRST),
    ((b"rar!",), "packed with RAR", _UNPACK_FIRST),
    ((b"pk\x05\x06",), "an empty zip archive", ""),
)
_ROWS_APART: Final = re.compile(rb'\{\s*"meta"\s*:\s*\{\s*"view"')


@contextmanager
def open_records(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its records' bytes, unpacked if it is packed, whatever its name; then close it.

    Args:
        path: `-` for standard input.

    Raises:
        OSError: it cannot be read, or is damaged; so are the exceptions of `DAMAGED`.
        SfPoliceError: it is recognized as something else.
    """
    name = file_name(path)
    with ExitStack() as opened:
        plain = open(0, "rb", closefd=False) if str(path) == STDIN else path.open("rb")
        file: Any = opened.enter_context(plain)
        head = file.peek(_LOOKED_AT)[:_LOOKED_AT]
        if head.startswith(_ZIP):
            archive, member = _only_member(file, name)
            opened.enter_context(archive)
            file, name = opened.enter_context(_opened(archive, member, name)), f"{member.filename} in {name}"
        for magic, unpack in _UNPACK:
            if head.startswith(magic):
                file = opened.enter_context(unpack(file))
        inside = file.peek(_LOOKED_AT)[:_LOOKED_AT]
        if file is not plain and inside.startswith((_ZIP, *(magic for magic, _ in _UNPACK))):
            raise SfPoliceError(f"{name} is packed twice", remedy=_UNPACK_FIRST)
        _ensure_records(inside, name)
        yield file


def damage(error: BaseException) -> str:
    """Return what is wrong with a file, in the words of what reading it has raised, or in better ones."""
    if isinstance(error, gzip.BadGzipFile) and "Not a gzipped file" in str(error):
        return "something else follows its packed data"  # it has begun as gzip
    return getattr(error, "strerror", None) or str(error)


def file_name(path: Path) -> str:
    """Return what a message calls the file."""
    return "standard input" if str(path) == STDIN else str(path)


def _only_member(file: IO[bytes], name: str) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    if not file.seekable():
        raise SfPoliceError(f"{name} is a zip archive, which cannot be read from a pipe", remedy=_UNPACK_FIRST)
    archive = zipfile.ZipFile(file)
    # What macOS adds is no member of its own.
    members = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise SfPoliceError(
            f"{name} is a zip archive of {len(members)} files", remedy="unpack it, and name the file with the records"
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise SfPoliceError(f"{name} is a zip archive with a password", remedy=_UNPACK_FIRST)
    return archive, members[0]


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> IO[bytes]:
    method = member.compress_type
    known = f"{method}, {_METHODS[method]}" if method in _METHODS else str(method)
    try:
        return archive.open(member)
    except NotImplementedError as error:
        # Of a method that Python has, it is the archive that is out of the ordinary.
        what = known if "compression" in str(error) else "patched data" if "patched" in str(error) else str(error)
        raise SfPoliceError(
            f"{name} is packed by a method that cannot be read ({what})", remedy=_UNPACK_FIRST
        ) from None


def _ensure_records(head: bytes, name: str) -> None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n").lower()
    for beginnings, what, remedy in _OTHERS:
        if start.startswith(beginnings) or head.lower().startswith(beginnings):
            raise SfPoliceError(f"{name} is {what}", remedy=remedy)
    if _ROWS_APART.match(start):
        raise SfPoliceError(
            f"{name} has its fields' names apart from its rows (rows.json)",
            remedy="download the JSON of the data set's API (/resource/….json)",
        )
    first_line = start.partition(b"\n")[0]
    if start[:1] not in (b"", b"[", b"{") and b"{" not in first_line and re.search(rb"[,;\t]", first_line):
        raise SfPoliceError(f"{name} looks like CSV, not JSON", remedy=_EXPORT)
