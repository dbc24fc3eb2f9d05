"""Column -> Column: the fast path of the parser, for records in the form that the producer writes.

One regular expression describes the whole record, so that a match proves it strict JSON, with each required field once
and of its type, and yields these fields. Any other record is left to `strict_json.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.question import Field

# Characters are listed, as Java looks them up in a table, whereas a range (`\x00-\x1f`) costs a method call for each.
_CONTROL = "".join(rf"\x{code:02x}" for code in range(0x20))
_ASCII = "".join(rf"\x{code:02x}" for code in range(0x21, 0x80) if chr(code) not in '"\\')
# Up to 18 digits, which always fit into 64 bits; longer numbers are left to the strict path.
_INTEGER = r"-?(?:0|[1-9][0-9]{0,17})"


def ascii_form(value: Column, *, fields: Sequence[Field], patterns: Mapping[str, str]) -> Column:
    """Return the required fields of a record in the compact form and in ASCII, each after a quote; else the record.

    ASCII needs no look at its encoding, which would take a fifth of the time. A column of its own, as its use has to
    look at it twice.

    Args:
        value: the record, binary.
        fields: all fields of a record, in the order in which the producer writes them.
        patterns: narrower regular expressions for some string fields, by name.
    """
    return _fields_after_quotes(value.cast("string"), _ASCII_PLAIN, fields=fields, patterns=patterns)


def compact_fields(
    value: Column, ascii_form: Column, *, fields: Sequence[Field], patterns: Mapping[str, str]
) -> Column:
    """Return the required fields of a record in the compact form, array<string>; NULL for any other record.

    A record in that form is strict JSON by construction, with each field of its type. Other arguments than the result
    of `ascii_form` as there.
    """
    text = value.cast("string")
    of_any = F.when(F.is_valid_utf8(text), _fields_after_quotes(text, _ANY_PLAIN, fields=fields, patterns=patterns))
    # A record that does not match keeps its first character, and, if it is valid, is returned unchanged.
    is_ascii_form = ascii_form.startswith('"') & text.startswith("{")
    # In one that matches, quotes only separate the fields.
    return F.split(F.when(is_ascii_form, ascii_form).otherwise(F.nullif(of_any, text)), '"')


def _fields_after_quotes(
    text: Column, plain: _Plain, *, fields: Sequence[Field], patterns: Mapping[str, str]
) -> Column:
    form = ",".join(f'"{re.escape(field.name)}":{_compact(field, patterns, plain)}' for field in fields)
    groups = range(1, 1 + sum(field.is_required for field in fields))
    return F.regexp_replace(text, rf"\A\{{{form}\}}\z", "".join(f'"${number}' for number in groups))


@dataclass(frozen=True)
class _Plain:
    """Regular expressions of JSON strings that need no decoding: no quote, no escape, no control character."""

    text: str
    not_blank: str


_ASCII_PLAIN = _Plain(f"[ {_ASCII}]*", f" *[{_ASCII}][ {_ASCII}]*")
_ANY_PLAIN = _Plain(rf'[^"\\{_CONTROL}]*', rf' *[^ "\\{_CONTROL}][^"\\{_CONTROL}]*')


def _compact(field: Field, patterns: Mapping[str, str], plain: _Plain) -> str:
    if field.type == "string":
        text = patterns.get(field.name, plain.not_blank) if field.is_required else plain.text
        return f'"({text})"' if field.is_required else f'"{text}"'
    number = _decimal(field) if field.digits else _INTEGER
    return f"({number})" if field.is_required else f"(?:{number})"


def _decimal(field: Field) -> str:
    before = field.digits - field.scale
    whole = rf"(?:0|[1-9][0-9]{{0,{before - 1}}})" if before else "0"
    return rf"-?{whole}(?:\.[0-9]{{1,{field.scale}}})?" if field.scale else rf"-?{whole}"


def compact_field(found: Column, name: str, *, fields: Sequence[Field]) -> Column:
    """Return one of the fields found by `compact_fields`, cast to its type."""
    required = [field for field in fields if field.is_required]
    number = [field.name for field in required].index(name)
    return found[number + 1].cast(spark_type(required[number]))  # nothing is before the first quote


def spark_type(field: Field) -> str:
    """Return Spark's name for a field's type."""
    return {"string": "string", "integer": "bigint"}.get(field.type, field.type)
