"""Column -> Column: the strict JSON parser. Which fields a record has, and of which types, is an argument.

A record is taken only when it is exactly one JSON object, with nothing around it and each required field in it once, of
its type; a string must not be blank. None of Spark's JSON readers is that strict, so there are two ways:

- the common compact form, which the producer writes: one regular expression spells out the whole record, so a match is
  itself the proof, and leaves the required fields;
- any other record goes through the variant parser. That is strict about syntax but ignores what follows the object, so
  it is given the record wrapped in a way that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.question import REASON, Field

# JSON's own white space and the rest of ASCII's: what is trimmed, and what a blank field is made of.
WHITE_SPACE = " \t\n\v\f\r"
VALUE = "value"
# A JSON string that needs no decoding: no quote, no escape, no control character. Java looks a listed character up in
# a table, where a range (`\x00-\x1f`) costs it a call for each.
_NOT_PLAIN = r'"\\' + "".join(rf"\x{code:02x}" for code in range(0x20))
_PLAIN = f"[^{_NOT_PLAIN}]*"
_NOT_BLANK = rf" *[^ {_NOT_PLAIN}]{_PLAIN}"
# Up to 18 digits, which surely fit into 64 bits; longer ones are left to the other way.
_INTEGER = r"-?(?:0|[1-9][0-9]{0,17})"
_NOT_ONE_OBJECT = "not exactly one JSON object"


def compact_fields(value: Column, *, fields: Sequence[Field], patterns: Mapping[str, str]) -> Column:
    """Return the required fields of a record that has the common compact form, array<string>; NULL for any other.

    A record of that form is strict JSON by construction, each field of its type.

    Args:
        value: the record, binary.
        fields: all that a record has, in the order in which the producer writes them.
        patterns: a narrower regular expression for some of the strings.
    """
    form = ",".join(f'"{re.escape(field.name)}":{_compact(field, patterns)}' for field in fields)
    groups = range(1, 1 + sum(field.is_required for field in fields))
    text = value.cast("string")
    replaced = F.regexp_replace(text, rf"\A\{{{form}\}}\z", '"'.join(f"${number}" for number in groups))
    found = F.when(F.is_valid_utf8(text), replaced)
    # What does not match comes back as it was. In what does, quotes are between the fields and nowhere else.
    return F.split(F.nullif(found, text), '"')


def _compact(field: Field, patterns: Mapping[str, str]) -> str:
    if field.type == "string":
        text = patterns.get(field.name, _NOT_BLANK) if field.is_required else _PLAIN
        return f'"({text})"' if field.is_required else f'"{text}"'
    number = _decimal(field) if field.digits else _INTEGER
    return f"({number})" if field.is_required else f"(?:{number})"


def _decimal(field: Field) -> str:
    before = field.digits - field.scale
    whole = rf"(?:0|[1-9][0-9]{{0,{before - 1}}})" if before else "0"
    return rf"-?{whole}(?:\.[0-9]{{1,{field.scale}}})?" if field.scale else rf"-?{whole}"


def compact_field(found: Column, name: str, *, fields: Sequence[Field]) -> Column:
    """Return one field of what `compact_fields` found, of its type."""
    required = [field for field in fields if field.is_required]
    number = [field.name for field in required].index(name)
    return found[number].cast(spark_type(required[number]))


def spark_type(field: Field) -> str:
    """Return Spark's name of a field's type."""
    return {"string": "string", "integer": "bigint"}.get(field.type, field.type)


def strict_record(value: Column, *, fields: Sequence[Field]) -> Column:
    """Read any record strictly: struct<reason, and each required field>; without a reason all are non-NULL.

    The lambda is what makes Spark parse the record once, and not once for each thing asked of it.
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
    # `{"a":1}` is parsed as `[{"a":1},"xxxxxxxx"]`, and `{"a":1} {"b":2}` as `[{"a":1} {"b":2},"xxx…"]`, which is no
    # JSON: NULL. The sentinel `xxx…` is longer than the record, so nothing in the record can stand in for it: when it
    # is the second element, the first is the record's one value and nothing follows it.
    return F.try_parse_json(F.concat(F.lit("["), text, F.lit(',"'), _sentinel(text), F.lit('"]')))


def _sentinel(text: Column) -> Column:
    return F.repeat(F.lit("x"), F.length(text) + 1)


def _validated(text: Column, variant: Column, required: Sequence[Field]) -> Column:
    is_one_object = variant.isNotNull() & F.try_variant_get(variant, "$[1]", "string").eqNullSafe(_sentinel(text))
    # One expression for all fields of a type, and not one each: every micro-batch plans them all.
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
        return F.struct(F.when(is_one_object, reason).otherwise(F.lit(_NOT_ONE_OBJECT)).alias(REASON), *values)

    return _once(found, record)


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
            # PostgreSQL cannot store it, and no text has it.
            (F.contains(found, F.lit("\0")), "contains U+0000"),
        ]
    if field.type == "integer":
        # Spark takes `1.0` for a decimal, `1e3` for a double, and what exceeds 64 bits for one of them.
        return [(kind != "BIGINT", "is not an integer within 64 bits")]
    # The scale is that of the number without zeros at its end.
    is_decimal = kind.rlike(r"^(BIGINT|DECIMAL\([0-9]+,([0-9]+)\))$")
    scale = F.regexp_extract(kind, r",([0-9]+)\)", 1)
    is_too_fine = (scale != "") & (scale.try_cast("int") > field.scale)
    return [(~is_decimal | is_too_fine | found.isNull(), f"is not a number that fits {field.type}")]


def _once(column: Column, use: Callable[[Column], Column]) -> Column:
    # A column is an expression, written out wherever it is used; the variable of a lambda is not: what `use` makes of
    # it may name it five times, and Spark computes it once.
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
    """Return the text without ASCII white space around it."""
    return F.trim(text, F.lit(WHITE_SPACE))
