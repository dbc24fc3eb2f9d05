"""Files that are not what their names say: read if they hold records, else called what they are."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from sf_police.errors import SfPoliceError
from tests.support.builders import a_call
from tests.support.question import read_calls

CALLS = [a_call(crime_id=str(number)) for number in range(3)]
ARRAY = json.dumps(CALLS).encode()


def zipped(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__SLASH__", "/"), content)
    return data.getvalue()


def by_method(method: int, flags: int = 0) -> bytes:
    """An archive whose member says that it is packed by another method."""
    data = bytearray(zipped(calls=ARRAY))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(magic) + at
        data[place : place + 4] = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
    return bytes(data)


@pytest.mark.parametrize("name", ["calls.zip", "calls.json"])
@pytest.mark.parametrize("more", [{}, {"__MACOSX__SLASH__._calls.json": b"x", "folder__SLASH__": b""}])
def test_a_zip_archive_of_one_file_is_read(tmp_path: Path, name: str, more: dict[str, bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(zipped(**{"calls.json": ARRAY}, **more))

    assert list(read_calls(path)) == CALLS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(a=ARRAY, b=ARRAY), "x.json is a zip archive of 2 files: unpack it, and name the file with the records"),
        (zipped(a=b"<html>"), "a in x.json is an HTML page, not JSON: download the data itself, as JSON"),
        (zipped(), "x.json is an empty zip archive"),
        (by_method(9), "x.json is packed by a method that cannot be read (9, Deflate64): unpack it first"),
        (by_method(99), "x.json is packed by a method that cannot be read (99, AES): unpack it first"),
        (by_method(42), "x.json is packed by a method that cannot be read (42): unpack it first"),
        (by_method(8, flags=1), "x.json is a zip archive with a password: unpack it first"),
        (by_method(8, flags=0x20), "x.json is packed by a method that cannot be read (patched data): unpack it first"),
        (by_method(8, flags=0x40), "x.json is a zip archive with a password: unpack it first"),
        (gzip.compress(gzip.compress(ARRAY, mtime=0)), "x.json is packed twice: unpack it first"),
        (bz2.compress(gzip.compress(ARRAY, mtime=0)), "x.json is packed twice: unpack it first"),
        (gzip.compress(zipped(calls=ARRAY)), "x.json is packed twice: unpack it first"),
        (zipped(a=gzip.compress(ARRAY, mtime=0)), "a in x.json is packed twice: unpack it first"),
        (json.dumps(CALLS).encode("utf-32"), "x.json is UTF-32: convert it to UTF-8"),
        (json.dumps(CALLS).encode("utf-32-le"), "x.json is UTF-32: convert it to UTF-8"),
        (json.dumps(CALLS).encode("utf-32-be"), "x.json is UTF-32: convert it to UTF-8"),
        (b"\0" * 600, "x.json is binary data (its first byte is NUL), not JSON: export the data as JSON"),
        (b"\0[" + ARRAY, "x.json is binary data (its first byte is NUL), not JSON: export the data as JSON"),
        (
            gzip.compress(ARRAY, mtime=0) + b"junk",
            "cannot read x.json: something else follows its packed data",
        ),
        (b"<!DOCTYPE html><html></html>", "x.json is an HTML page, not JSON: download the data itself, as JSON"),
        (gzip.compress(b"\n <HTML>", mtime=0), "x.json is an HTML page, not JSON: download the data itself, as JSON"),
        (b"<response><row/></response>", "x.json is HTML or XML, not JSON: export the data as JSON"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n",
            "x.json is a Git LFS pointer in place of the file: run `git lfs pull`",
        ),
        (json.dumps(CALLS).encode("utf-16"), "x.json is UTF-16: convert it to UTF-8"),
        (json.dumps(CALLS).encode("utf-16-le"), "x.json is UTF-16: convert it to UTF-8"),
        (json.dumps(CALLS).encode("utf-16-be"), "x.json is UTF-16: convert it to UTF-8"),
        (b"crime_id,disposition\n1,HAN\n", "x.json looks like CSV, not JSON: export the data as JSON"),
        (b'\xef\xbb\xbf"crime_id"\t"x"\n', "x.json looks like CSV, not JSON: export the data as JSON"),
        (b"PAR1\x15\x00", "x.json is Parquet, not JSON: export the data as JSON"),
        (b"\x28\xb5\x2f\xfd\x04", "x.json is packed with zstd: unpack it with `unzstd`"),
        (
            b'{\n  "meta" : {\n    "view" : {"id": "x"}}, "data": [["1"]]}',
            "x.json has its fields' names apart from its rows (rows.json): "
            "download the JSON of the data set's API (/resource/….json)",
        ),
    ],
)
def test_a_file_of_something_else_is_called_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.json").write_bytes(data)

    with pytest.raises(SfPoliceError) as error:
        list(read_calls(Path("x.json")))

    assert str(error.value) == message


def test_a_damaged_zip_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "calls.zip"
    path.write_bytes(zipped(calls=ARRAY)[:-30])

    with pytest.raises(SfPoliceError, match=r"cannot read .*calls\.zip: File is not a zip file"):
        list(read_calls(path))
