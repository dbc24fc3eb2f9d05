"""Column -> Column: the strict parser, and what is derived from a call's fields.

Names are nouns of the result. No DataFrame, no session and no I/O here.

A record is taken only when it is exactly one JSON object, nothing around it, with each required field
in it once, as a string that is not blank. None of Spark's JSON readers is that strict, so the parser has two ways:

- the common compact form, which the producer writes: one regular expression spells the whole record
  out, so that a match is itself the proof, and leaves the required fields of it;
- any other record goes through the variant parser (strict about syntax, but not about what follows
  the object), wrapped so that anything which follows shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.calls import schema
from sf_police.calls.dispositions import meanings

# JSON's own white space and the rest of ASCII's: what is trimmed, and what a blank field is made of.
WHITE_SPACE = " \t\n\v\f\r"
# A JSON string that needs no decoding: no quote, no escape, no control character. Java looks a listed character up in
# a table, where a range (`\x00-\x1f`) costs it a call for each.
_NOT_PLAIN = r'"\\' + "".join(rf"\x{code:02x}" for code in range(0x20))
_PLAIN = f"[^{_NOT_PLAIN}]*"
_PLAIN_FIELDS = {
    **dict.fromkeys(schema.FIELDS, _PLAIN),
    **dict.fromkeys(schema.REQUIRED_FIELDS, f"( *[^ {_NOT_PLAIN}]{_PLAIN})"),
    schema.CALL_DATE_TIME: f"({schema.CALL_DATE_TIME_PATTERN})",
}
_COMPACT = r"\A\{" + ",".join(f'"{re.escape(name)}":"{plain}"' for name, plain in _PLAIN_FIELDS.items()) + r"\}\z"
# The groups of it, which are the required fields as they stand in the record.
_IN_RECORD: list[str] = [name for name in schema.FIELDS if name in schema.REQUIRED_FIELDS]
_FIELDS_ONLY = '"'.join(f"${number}" for number in range(1, len(_IN_RECORD) + 1))
_NOT_ONE_OBJECT = "not exactly one JSON object"


def compact_fields(value: Column) -> Column:
    """The required fields of a record that has the common compact form, array<string>; NULL for any other.

    A record of that form is strict JSON by construction, each field a string.
    """
    text = value.cast("string")
    fields = F.when(F.is_valid_utf8(text), F.regexp_replace(text, _COMPACT, _FIELDS_ONLY))
    # What does not match comes back as it was. In what does, quotes are between the fields and nowhere else.
    return F.split(F.nullif(fields, text), '"')


def compact_field(fields: Column, name: str) -> Column:
    """One of them."""
    return fields[_IN_RECORD.index(name)]


def strict_call(value: Column) -> Column:
    """Any record, read strictly: struct<reason, and each required field>; those of a call are all non-NULL strings.

    The lambda is what makes Spark parse the record once, and not once for each thing asked of it.
    """
    text = value.cast("string")
    is_text = F.is_valid_utf8(text)
    parsed = _once(F.when(is_text, _variant(text)), lambda variant: _judged(text, variant))
    return (
        F.when(value.isNull(), _no_call("no value"))
        .when(~is_text, _no_call("not UTF-8"))
        # Only an object starts with a brace; JSON's own white space may precede it.
        .when(~F.ltrim(text, F.lit(" \t\n\r")).startswith("{"), _no_call(_NOT_ONE_OBJECT))
        .otherwise(parsed)
    )


def _variant(text: Column) -> Column:
    # `[record, sentinel]`, or NULL where that is not JSON. The sentinel is a string longer than the record, so
    # nothing in the record can stand in for it: when it is the second element, the first is the record's one
    # value and nothing follows it.
    return F.try_parse_json(F.concat(F.lit("["), text, F.lit(',"'), _sentinel(text), F.lit('"]')))


def _sentinel(text: Column) -> Column:
    return F.repeat(F.lit("x"), F.length(text) + 1)


def _judged(text: Column, variant: Column) -> Column:
    is_one_object = variant.isNotNull() & F.try_variant_get(variant, "$[1]", "string").eqNullSafe(_sentinel(text))
    # One expression for each field in turn, and not one each: every micro-batch plans them all.
    fields = _once(
        F.json_object_keys(text),
        lambda names: F.transform(
            F.array(*map(F.lit, schema.REQUIRED_FIELDS)),
            lambda name: _once(_member(variant, name), lambda field: _judged_field(name, names, field)),
        ),
    )
    return _once(fields, lambda fields: _judged_fields(is_one_object, fields))


def _judged_fields(is_one_object: Column, fields: Column) -> Column:
    by_name = {name: fields[number] for number, name in enumerate(schema.REQUIRED_FIELDS)}
    reasons = [field[schema.REASON] for field in by_name.values()]
    reason = F.when(is_one_object, F.coalesce(*reasons)).otherwise(F.lit(_NOT_ONE_OBJECT))
    strings = [field[schema.VALUE].alias(name) for name, field in by_name.items()]
    return F.struct(reason.alias(schema.REASON), *strings)


def _member(variant: Column, name: Column) -> Column:
    return F.try_variant_get(variant, F.concat(F.lit("$[0]['"), name, F.lit("']")), "variant")


def _judged_field(name: Column, names: Column, field: Column) -> Column:
    kind = F.schema_of_variant(field)
    string = F.try_variant_get(field, "$", "string")
    reason = _first_reason(
        [
            (field.isNull(), "is missing"),
            (F.size(F.array_remove(names, name)) < F.size(names) - 1, "is there twice"),
            (kind == "VOID", "is null"),
            (kind != "STRING", "is not a string"),
            (trimmed(string) == "", "is blank"),
            # PostgreSQL cannot store it, and no call has it.
            (F.contains(string, F.lit("\0")), "contains U+0000"),
        ]
    )
    return F.struct(F.concat(name, F.lit(" "), reason).alias(schema.REASON), string.alias(schema.VALUE))


def _once(column: Column, use: Callable[[Column], Column]) -> Column:
    # A column is an expression, written out wherever it is used; the variable of a lambda is not.
    return F.transform(F.array(column), use)[0]


def _no_call(reason: str) -> Column:
    nothing = [F.lit(None).cast("string").alias(name) for name in schema.REQUIRED_FIELDS]
    return F.struct(F.lit(reason).alias(schema.REASON), *nothing)


def _first_reason(reasons: list[tuple[Column, str]]) -> Column:
    condition, text = reasons[0]
    chain = F.when(condition, F.lit(text))
    for condition, text in reasons[1:]:
        chain = chain.when(condition, F.lit(text))
    return chain


def trimmed(text: Column) -> Column:
    """The text without ASCII white space around it."""
    return F.trim(text, F.lit(WHITE_SPACE))


def event_time(call_date_time: Column) -> Column:
    """The call's wall-clock time, a timestamp in the session's zone (UTC); NULL unless it is a real date so written."""
    is_shaped = call_date_time.rlike(rf"\A{schema.CALL_DATE_TIME_PATTERN}\z")
    return F.when(is_shaped, F.try_to_timestamp(call_date_time))


def time_reason(event_time: Column, timestamp: Column) -> Column:
    """Why a call cannot have happened at its event time, given the record's Kafka timestamp, or NULL."""
    name = schema.CALL_DATE_TIME
    earliest = F.lit(f"{schema.EARLIEST_YEAR}-01-01 00:00:00").cast("timestamp")
    # One call from the far future would carry the watermark past everything after it. A clock that was
    # never set (Kafka timestamps near 1970) can bound nothing.
    is_future = (timestamp >= earliest) & (event_time > timestamp + F.expr("INTERVAL 1 DAY"))
    return _first_reason(
        [
            (event_time.isNull(), f"{name} is not a time of the form 2018-12-31T23:57:00.000"),
            (event_time < earliest, f"{name} is before {schema.EARLIEST_YEAR}"),
            (is_future, f"{name} is more than a day after the record's Kafka timestamp"),
        ]
    )


def crime_type(original_crime_type_name: Column) -> Column:
    """The crime type: the file's own word, trimmed."""
    return trimmed(original_crime_type_name)


def resolution(disposition: Column) -> Column:
    """What the disposition code means; a code without a known meaning speaks for itself."""
    code = trimmed(disposition)
    entries = [F.lit(text) for item in meanings().items() for text in item]
    return F.coalesce(F.create_map(*entries)[code], code)
