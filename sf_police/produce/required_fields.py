"""Refuses a file of something else before anything is sent: its first objects must have the required fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from sf_police.errors import SfPoliceError
from sf_police.produce.json_record import JsonRecord
from sf_police.question import Field

# Many exports leave out fields that are null, so that one object alone may lack any of them.
_LOOKED_AT: Final = 100
_MOST_NAMED: Final = 8
_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {"string": (str,), "integer": (int,), "decimal": (int, float)}


def ensure_required(records: Iterator[JsonRecord], name: str, required: Sequence[Field]) -> Iterator[JsonRecord]:
    """Yield the records, unless a required field is in none of the first of them, or is of another type in all.

    Args:
        records: of a file.
        name: what a message calls the file.
        required: fields of a record.

    Raises:
        SfPoliceError: every record of the file would be rejected.
    """
    first = list(islice(records, 1))
    if first and _unusable(first, required):
        first += islice(records, _LOOKED_AT - 1)
        unusable = _unusable(first, required)
        if unusable:
            raise _refusal(first, name, unusable)
    return chain(first, records)


def _unusable(records: Sequence[JsonRecord], required: Sequence[Field]) -> list[Field]:
    return [field for field in required if not any(_has(record, field) for record in records)]


def _has(record: JsonRecord, field: Field) -> bool:
    # A null is the fault of its own record, and the stream rejects it with this reason.
    if field.name not in record or isinstance(record[field.name], bool):
        return False
    types = _JSON_TYPES["decimal" if field.digits else field.type]
    return record[field.name] is None or isinstance(record[field.name], types)


def _refusal(records: Sequence[JsonRecord], name: str, unusable: Sequence[Field]) -> SfPoliceError:
    missing = [field.name for field in unusable if not any(field.name in record for record in records)]
    objects = "its first object" if len(records) == 1 else f"each of its first {len(records)} objects"
    if missing:
        others = list(dict.fromkeys(chain.from_iterable(records)))
        shown = ", ".join(others[:_MOST_NAMED]) + (", …" if len(others) > _MOST_NAMED else "")
        return SfPoliceError(f"{name}: {objects} lacks {', '.join(missing)}; it has {_one_line(shown or 'no field')}")
    wrong = unusable[0]
    value = next(record[wrong.name] for record in records if wrong.name in record)
    return SfPoliceError(
        f"{name}: {wrong.name} is {_kind(value)} in {objects}, but must be {_article(_wanted(wrong))}",
        remedy="export it with that type",
    )


def _wanted(field: Field) -> str:
    return "number" if field.digits else field.type


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", str: "a string", dict: "an object", list: "an array"}
    return kinds.get(type(value), "a number")


def _one_line(text: str) -> str:
    # Names of fields are untrusted, too.
    return "".join(char if char.isprintable() else "?" for char in text)[:500]
