"""Writes a question's synthetic records to a file formatted like a downloaded one. The question generates them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from json import dumps
from pathlib import Path
from typing import Any


def write_records(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write one pretty-printed JSON array in ASCII; `path` appears only once it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="ascii", newline="\n") as file:
            file.write("[\n")
            for number, record in enumerate(records):
                file.write(",\n" if number else "")
                file.write(_pretty(record))
            file.write("\n]")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _pretty(record: Mapping[str, Any]) -> str:
    lines = (f'        "{name}": {dumps(value)}' for name, value in record.items())
    return "    {\n" + ",\n".join(lines) + "\n    }"
