"""Coverage-guided fuzz of the file reader, `make fuzz`: any bytes, with the ends of chunks anywhere.

    python -m tests.fuzz.json_files CORPUS -max_total_time=300

The reader must say what plain Python's json says: the same calls, or a refusal of its own, never another exception.
"""

import codecs
import io
import json
import sys
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["sf_police"]):
    from sf_police.errors import SfPoliceError
    from sf_police.produce import json_files, quick_json

# What mutations start from: each is read with chunks of several sizes.
SEEDS = (
    b'[{"crime_id":"1","a":1.5},\n{"b":null}]',
    b'{"crime_id":"1"}\n{"a":{"b":[1]}}\n',
    b'\xef\xbb\xbf[{"a":"\\ud83d\\ude00"},{"a":"},"}]',
    b'{"a":12345678901234567890123}{"a":NaN}',
    b'[{"a":"1","a":"2"},{"a":-0,"b":"\\\\\\""}]',
)


class NotCallsError(Exception):
    """Python's json does not take it."""


def by_json(data: bytes) -> list[dict[str, Any]]:
    """The calls by plain Python, all of them in memory."""

    def refuse(constant: str) -> None:
        raise NotCallsError(constant)

    # The reader keeps -0 as it is written.
    decoder = json.JSONDecoder(parse_constant=refuse, parse_int=lambda text: -0.0 if text == "-0" else int(text))
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode().strip(" \t\n\r")
        if text.startswith("["):
            calls = decoder.decode(text)
        else:
            calls = []
            while text:
                call, end = decoder.raw_decode(text)
                calls.append(call)
                text = text[end:].lstrip(" \t\n\r")
    except (ValueError, RecursionError) as error:
        raise NotCallsError(error) from error
    if not calls or not all(isinstance(call, dict) for call in calls):
        raise NotCallsError(data)
    return calls


def one(data: bytes) -> None:
    """One input: its first byte says how long a chunk is."""
    json_files.CHUNK_BYTES = quick_json.CHUNK_BYTES = data[0] + 1 if data else 1  # type: ignore[misc]
    content = data[1:]
    try:
        expected: list[dict[str, Any]] | None = by_json(content)
    except NotCallsError:
        expected = None
    try:
        found: list[dict[str, Any]] | None = list(json_files.RecordReader(io.BytesIO(content), "fuzz"))
    except SfPoliceError:
        found = None
    if repr(found) != repr(expected):
        raise AssertionError(f"{content!r}: the reader gives {found!r}, json {expected!r}")


if __name__ == "__main__":
    # The first argument: a folder that keeps what inputs were worth keeping, for the next time.
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for chunk in (1, 7, 200):
        for number, seed in enumerate(SEEDS):
            (corpus / f"seed-{chunk}-{number}").write_bytes(bytes([chunk]) + seed)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
