"""Column -> Column: the strict JSON parser. The fields and their types are arguments; no question is known here.

A record passes only if it is exactly one JSON object with nothing around it, and has each required field once, of its
type and, if a string, not blank. None of Spark's JSON readers is that strict, so there are two paths:

- the compact path, for the form that the producer writes: one regular expression describes the whole record, so that a
  match proves it valid and yields the required fields;
- the strict path, for any other record: the variant parser is strict about syntax but ignores whatever follows the
  object, so the record is wrapped in a way that exposes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.question import REASON, Field

# ASCII white space, which includes JSON's: it is trimmed, and a field of nothing else is blank.
WHITE_SPACE = " \t\n\v\f\r"
VALUE = "value"
# Characters are listed, as Java looks them up in a table, whereas a range (`\x00-\x1f`) costs a method call for each.
_CONTROL = "".join(rf"\x{code:02x}" for code in range(0x20))
_ASCII = "".join(rf"\x{code:02x}" for code in range(0x21, 0x80) if chr(code) not in '"\\')
# Up to 18 digits, which always fit into 64 bits; longer numbers are left to the strict path.
_INTEGER = r"-?(?:0|[1-9][0-9]{0,17})"
_NOT_ONE_OBJECT = "not exactly one JSON object"
# Behind an even number of backslashes: a first half without the second, or a second half without the first.
_HALF_PAIR = (
    r"(?:^|[^\\])(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_TOO_LONG = 20_000_000  # the sentinel, that is: the limit is that of a string


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


def strict_record(value: Column, *, fields: Sequence[Field]) -> Column:
    """Parse any record strictly: struct<reason, and each required field>; without a reason all are non-NULL.

    The lambda makes Spark parse the record once, rather than once per use of the result.
    """
    required = [field for field in fields if field.is_required]
    text = value.cast("string")
    is_text = F.is_valid_utf8(text)
    parsed = _once(F.when(is_text, _variant(text)), lambda variant: _validated(text, variant, required))
    return (
        F.when(value.isNull(), _no_record("no value", required))
        .when(~is_text, _no_record("not UTF-8", required))
        # Only an object starts with a brace; JSON's own white space may precede it.
        .when(~F.ltrim(text, F.lit(" \t\n\r")).startswith("{"), _no_record(_NOT_ONE_OBJECT, required))
        .otherwise(parsed)
    )


def _variant(text: Column) -> Column:
    # `{"a":1}` is parsed as `[{"a":1},"xxxxxxxx"]`, and `{"a":1} {"b":2}` as `[{"a":1} {"b":2},"xxx…"]`, which is not
    # JSON: NULL. The sentinel `xxx…` is longer than the record, so nothing in the record can pass for it: if it is the
    # second element, the first is the record's only value, and nothing follows it.
    return F.try_parse_json(F.concat(F.lit("["), text, F.lit(',"'), _sentinel(text), F.lit('"]')))


def _sentinel(text: Column) -> Column:
    return F.repeat(F.lit("x"), F.length(text) + 1)


def _validated(text: Column, variant: Column, required: Sequence[Field]) -> Column:
    is_one_object = variant.isNotNull() & F.try_variant_get(variant, "$[1]", "string").eqNullSafe(_sentinel(text))
    # One expression per type rather than per field, because every micro-batch plans them all.
    by_type = {field.type: [other for other in required if other.type == field.type] for field in required}

    def of_type(names: Column, same: Sequence[Field]) -> Column:
        return F.transform(
            F.array(*(F.lit(field.name) for field in same)),
            lambda name: _once(_member(variant, name), lambda member: _validated_field(name, names, member, same[0])),
        )

    found = _once(
        F.json_object_keys(text),
        lambda names: F.struct(*(of_type(names, same).alias(str(n)) for n, same in enumerate(by_type.values()))),
    )

    def record(found: Column) -> Column:
        by_name = {
            field.name: found[str(n)][place]
            for n, same in enumerate(by_type.values())
            for place, field in enumerate(same)
        }
        reason = F.coalesce(*(by_name[field.name][REASON] for field in required))
        values = [by_name[field.name][VALUE].alias(field.name) for field in required]
        return F.struct(F.when(is_one_object, reason).otherwise(_not_one_object(text)).alias(REASON), *values)

    return _once(found, record)


def _not_one_object(text: Column) -> Column:
    # It may be JSON, but with something in it that Spark's parser does not read.
    return (
        F.when(text.rlike(_HALF_PAIR), F.lit("half of a surrogate pair, as an escape"))
        .when(text.rlike("[0-9]{1001}"), F.lit("a number of more than 1,000 digits"))
        .when(F.length(text) >= _TOO_LONG, F.lit(f"{_TOO_LONG:,} characters or more"))
        .otherwise(F.lit(_NOT_ONE_OBJECT))
    )


def length_reason(fields: Sequence[Field]) -> Column:
    """Return which required field, as found by either path, is longer than it may be; NULL if none is.

    Not part of the regular expression, which would have to count characters, and counts no bytes.
    """
    reason = F.lit(None).cast("string")
    for field in reversed([field for field in fields if field.max_bytes]):
        text, most = F.col(field.name), field.max_bytes
        # Hardly any text is so long that it has to be trimmed.
        is_long = (F.octet_length(text) > most) & (F.octet_length(trimmed(text)) > most)
        reason = F.when(is_long, F.lit(f"{field.name} is longer than {most:,} bytes")).otherwise(reason)
    return reason


def _member(variant: Column, name: Column) -> Column:
    return F.try_variant_get(variant, F.concat(F.lit("$[0]['"), name, F.lit("']")), "variant")


def _validated_field(name: Column, names: Column, member: Column, field: Field) -> Column:
    found = F.try_variant_get(member, "$", spark_type(field))
    reason = _first_reason(
        [
            (member.isNull(), "is missing"),
            (F.size(F.array_remove(names, name)) < F.size(names) - 1, "appears twice"),
            (F.schema_of_variant(member) == "VOID", "is null"),
            *_type_reasons(member, found, field),
        ]
    )
    return F.struct(F.concat(name, F.lit(" "), reason).alias(REASON), found.alias(VALUE))


def _type_reasons(member: Column, found: Column, field: Field) -> list[tuple[Column, str]]:
    kind = F.schema_of_variant(member)
    if field.type == "string":
        return [
            (kind != "STRING", "is not a string"),
            (trimmed(found) == "", "is blank"),
            # PostgreSQL cannot store it, and no real text contains it.
            (F.contains(found, F.lit("\0")), "contains U+0000"),
        ]
    if field.type == "integer":
        # Spark reads `1.0` as a decimal, `1e3` as a double, and anything over 64 bits as one of these.
        return [(kind != "BIGINT", "is not an integer within 64 bits")]
    # Spark's scale is that of the number without trailing zeros.
    is_decimal = kind.rlike(r"^(BIGINT|DECIMAL\([0-9]+,([0-9]+)\))$")
    scale = F.regexp_extract(kind, r",([0-9]+)\)", 1)
    is_too_fine = (scale != "") & (scale.try_cast("int") > field.scale)
    return [(~is_decimal | is_too_fine | found.isNull(), f"is not a number that fits {field.type}")]


def _once(column: Column, use: Callable[[Column], Column]) -> Column:
    # A column is an expression, expanded wherever it is used; a lambda variable is not: even if `use` refers to it five
    # times, Spark computes it once.
    return F.transform(F.array(column), use)[0]


def _no_record(reason: str, required: Sequence[Field]) -> Column:
    nothing = [F.lit(None).cast(spark_type(field)).alias(field.name) for field in required]
    return F.struct(F.lit(reason).alias(REASON), *nothing)


def _first_reason(reasons: list[tuple[Column, str]]) -> Column:
    condition, text = reasons[0]
    chain = F.when(condition, F.lit(text))
    for condition, text in reasons[1:]:
        chain = chain.when(condition, F.lit(text))
    return chain


def trimmed(text: Column) -> Column:
    """Return the text without leading and trailing ASCII white space."""
    return F.trim(text, F.lit(WHITE_SPACE))
