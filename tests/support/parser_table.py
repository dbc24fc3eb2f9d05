"""The parser's table of input and outcome: a test of the columns, and a topic of bad records, both go by it."""

from __future__ import annotations

from tests.support.builders import a_value

GOOD = a_value()
ESCAPED = {"slash-n": rb"\n", "nul": rb"\u0000", "half a pair": rb"\ud800", "pair": rb"\ud83d\ude00"}
ONE = "not exactly one JSON object"
HALF = "half of a surrogate pair, as an escape"
DIGITS = "a number of more than 1,000 digits"
TIME = "call_date_time is not a real time of the form 2018-12-31T23:57:00.000"
LONG_NAME = "original_crime_type_name is longer than 1,000 bytes"
LONG_CODE = "disposition is longer than 500 bytes"
FUTURE = "call_date_time is more than a day after the record's Kafka timestamp"


def han(replacement: bytes) -> bytes:
    """The good record with other bytes for the disposition's value, quotes included."""
    return GOOD.replace(b'"HAN"', replacement)


def also(member: bytes) -> bytes:
    """The good record with one more member."""
    return GOOD[:-1] + b"," + member + b"}"


def at(time: str) -> bytes:
    return a_value(call_date_time=time)


# input, reason (None: a call)
TABLE: list[tuple[str, bytes | None, str | None]] = [
    ("compact", GOOD, None),
    ("space after", GOOD + b" \r\n", None),
    ("space before", b" \t\n" + GOOD, None),
    ("space inside", GOOD.replace(b",", b" , ").replace(b'":"', b'" : "'), None),
    (
        "other order",
        b'{"disposition":"HAN","call_date_time":"2018-10-12T14:20:00.000","original_crime_type_name":"a","crime_id":"1"}',
        None,
    ),
    ("an optional field less", a_value(state=...), None),
    ("an optional field of another type", a_value(state=5), None),
    ("an optional field null", a_value(state=None), None),
    ("an optional field twice", also(b'"state":"CA"'), None),
    ("the name of a required field further in", a_value(state={"crime_id": "2"}), None),
    ("one field more", also(b'"extra":[1,{"a":null}]'), None),
    ("not ASCII", a_value(original_crime_type_name="Café 😀"), None),
    ("blanks around", a_value(original_crime_type_name=" Traffic Stop\t"), None),
    ("an escape", han(rb'"H\u0041N"'), None),
    ("a surrogate pair", han(b'"' + ESCAPED["pair"] + b'"'), None),
    ("an escaped backslash before what looks like an escape", han(rb'"\\ud800"'), None),
    ("a large number", also(b'"x":1e999'), None),
    ("nested 500 deep", also(b'"x":' + b"[" * 500 + b"]" * 500), None),
    ("a megabyte", a_value(address="x" * 1_000_000), None),
    ("a megabyte in the id", a_value(crime_id="1" * 1_000_000), None),
    ("the longest crime type", a_value(original_crime_type_name="é" * 500), None),
    ("the longest crime type, by the strict path", b" " + a_value(original_crime_type_name="é" * 500), None),
    ("the longest crime type, and blanks", a_value(original_crime_type_name=" " + "x" * 1_000 + "\t "), None),
    ("the longest disposition", han(b'"' + b"H" * 500 + b'"'), None),
    ("a crime type too long", a_value(original_crime_type_name="x" * 1_001), LONG_NAME),
    ("a crime type too long in bytes only", a_value(original_crime_type_name="é" * 499 + "xxx"), LONG_NAME),
    ("a crime type too long, by the strict path", b" " + a_value(original_crime_type_name="x" * 1_001), LONG_NAME),
    ("a disposition too long", han(b'"' + b"H" * 501 + b'"'), LONG_CODE),
    ("a disposition too long, by escapes", han(b'"' + ESCAPED["pair"] * 126 + b'"'), LONG_CODE),
    ("both too long", a_value(original_crime_type_name="x" * 9_999, disposition="x" * 9_999), LONG_NAME),
    ("no value", None, "no value"),
    ("empty", b"", ONE),
    ("blank", b" \n", ONE),
    ("truncated", GOOD[:-1], ONE),
    ("text after", GOOD + b"x", ONE),
    ("a brace after", GOOD + b"}", ONE),
    ("a NUL after", GOOD + b"\0", ONE),
    ("two objects", GOOD + GOOD, ONE),
    ("two objects, a comma", GOOD + b"," + GOOD, ONE),
    ("closes the parser's array", GOOD + b"]", ONE),
    ("closes it and goes on", GOOD + b"] ,[1", ONE),
    ("a second element", GOOD + b',"x"', ONE),
    ("its own sentinel", GOOD + b',"' + b"x" * 600 + b'"] ', ONE),
    ("array", b"[" + GOOD + b"]", ONE),
    ("string", b'"x"', ONE),
    ("number", b"1", ONE),
    ("null", b"null", ONE),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD, ONE),
    ("NUL before", b"\0" + GOOD, ONE),
    ("UTF-16", GOOD.decode().encode("utf-16-le"), ONE),
    ("single quotes", han(b"'HAN'"), ONE),
    ("no quotes", han(b"HAN"), ONE),
    ("NaN", also(b'"x":NaN'), ONE),
    ("comment", also(b'/* */"x":1'), ONE),
    ("trailing comma", GOOD[:-1] + b",}", ONE),
    ("leading zero", also(b'"x":01'), ONE),
    ("raw tab", han(b'"H\tN"'), ONE),
    ("raw newline", han(b'"H\nN"'), ONE),
    ("raw NUL", han(b'"H\0N"'), ONE),
    ("unknown escape", han(rb'"\x41"'), ONE),
    ("half a surrogate pair", han(b'"' + ESCAPED["half a pair"] + b'"'), HALF),
    ("half a pair in an optional field", also(rb'"x":"\udc00"'), HALF),
    ("half a pair after a whole one", also(rb'"x":"\\\ud83d\ude00\uDE00"'), HALF),
    ("a pair the wrong way round", also(rb'"x":"\ude00\ud83d"'), HALF),
    ("no half a pair, but no object either", also(rb'"x":"\\ud800",'), ONE),
    ("a number of 1,000 digits", also(b'"x":' + b"1" * 1_000), None),
    ("a number of 1,001 digits", also(b'"x":' + b"1" * 1_001), DIGITS),
    ("nested 100,000 deep", also(b'"x":' + b"[" * 100_000 + b"]" * 100_000), ONE),
    ("invalid UTF-8 in a value", han(b'"H\xffN"'), "not UTF-8"),
    ("invalid UTF-8 before", b"\xff" + GOOD, "not UTF-8"),
    ("a surrogate in UTF-8", han(b'"\xed\xa0\x80"'), "not UTF-8"),
    ("overlong UTF-8", han(b'"\xc0\xaf"'), "not UTF-8"),
    ("empty object", b"{}", "crime_id is missing"),
    ("field missing", a_value(disposition=...), "disposition is missing"),
    ("field null", han(b"null"), "disposition is null"),
    ("field a number", han(b"1"), "disposition is not a string"),
    ("field a boolean", han(b"true"), "disposition is not a string"),
    ("field an object", han(b"{}"), "disposition is not a string"),
    ("field an array", han(b'["HAN"]'), "disposition is not a string"),
    ("field empty", han(b'""'), "disposition is blank"),
    ("field blank", han(b'"  "'), "disposition is blank"),
    ("field an escaped newline", han(b'"' + ESCAPED["slash-n"] + b'"'), "disposition is blank"),
    ("field with NUL", han(b'"' + ESCAPED["nul"] + b'"'), "disposition contains U+0000"),
    ("field twice", also(b'"crime_id":"2"'), "crime_id appears twice"),
    ("field twice, once with an escape", also(rb'"crime\u005fid":"2"'), "crime_id appears twice"),
    ("time without milliseconds", at("2018-10-12T14:20:00"), TIME),
    ("time with Z", at("2018-10-12T14:20:00.000Z"), TIME),
    ("time with an offset", at("2018-10-12T14:20:00.000+01:00"), TIME),
    ("time with a blank", at("2018-10-12 14:20:00.000"), TIME),
    ("time with blanks around", at(" 2018-10-12T14:20:00.000"), TIME),
    ("time with a newline after", at("2018-10-12T14:20:00.000\n"), TIME),
    ("time with a small t", at("2018-10-12t14:20:00.000"), TIME),
    ("time with two digits", at("2018-10-12T14:20:00.00"), TIME),
    ("a year alone", at("2018"), TIME),
    ("a time alone", at("12:00"), TIME),
    ("24:00", at("2018-10-12T24:00:00.000"), TIME),
    ("a 60th second", at("2018-10-12T14:20:60.000"), TIME),
    ("29 February 2018", at("2018-02-29T14:20:00.000"), TIME),
    ("month 13", at("2018-13-01T14:20:00.000"), TIME),
    ("wide digits", at("２018-10-12T14:20:00.000"), TIME),
    ("+294247", at("+294247-01-01T00:00:00.000"), TIME),
    ("year 0000", at("0000-01-01T00:00:00.000"), "call_date_time is before 1990"),
    ("year 0001", at("0001-01-01T00:00:00.000"), "call_date_time is before 1990"),
    ("1989", at("1989-12-31T23:59:59.999"), "call_date_time is before 1990"),
    ("1990", at("1990-01-01T00:00:00.000"), None),
    ("29 February 2016", at("2016-02-29T14:20:00.000"), None),
    ("the repeated hour", at("2018-11-04T01:30:00.000"), None),
    ("a day after its timestamp", at("2026-01-02T00:00:00.000"), None),
    ("more than a day after its timestamp", at("2026-01-02T00:00:00.001"), FUTURE),
    ("9999", at("9999-12-31T23:59:59.999"), FUTURE),
]
