"""Column -> Column: the strict JSON parser. The fields and their types are arguments; no question is known here.

A record passes only if it is exactly one JSON object with nothing around it, and has each required field once, of its
type and, if a string, not blank. None of Spark's JSON readers is that strict: the variant parser is strict about
syntax, but ignores whatever follows the object, so the record is wrapped in a way that exposes it. Records in the form
that the producer writes take a faster path to the same result, in `compact_form.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from sf_police.question import REASON, SUMMED_DIGITS, WHITE_SPACE, Field
from sf_police.spark.compact_form import spark_type

VALUE = "value"
_NOT_ONE_OBJECT = "not exactly one JSON object"
# Behind an even number of backslashes: a first half without the second, or a second half without the first.
_HALF_PAIR = (
    r"(?:^|[^\\])(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_TOO_LONG = 20_000_000  # the sentinel, that is: the limit is that of a string


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


def sum_reason(fields: Sequence[Field], sums: Sequence[Field]) -> Column:
    """Return which required integer is too large to be added up, so that two records cannot end a stream."""
    reason, summed = F.lit(None).cast("string"), {each.name for each in sums}
    for field in reversed([each for each in fields if each.is_required and each.type == "integer"]):
        if field.name in summed:
            is_large = ~F.col(field.name).between(1 - 10**SUMMED_DIGITS, 10**SUMMED_DIGITS - 1)
            reason = F.when(is_large, F.lit(f"{field.name} has more than {SUMMED_DIGITS} digits")).otherwise(reason)
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


def trimmed_column(text: Column) -> Column:
    """Return the same of a column, which is used several times, but faster: few texts have anything to trim.

    Spark's trim looks at each character of a text, wherever it is.
    """
    ends = [text.endswith(character) for character in WHITE_SPACE]
    is_trimmed = (text >= "!") & ~reduce(or_, ends)  # whatever is less begins with white space or a control character
    return F.when(is_trimmed, text).otherwise(trimmed(text))
