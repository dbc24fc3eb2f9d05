"""What the machinery needs to know about a topic: one frozen definition, created in the question's folder (`calls/`).

The parser, the store's tables, the words that people see and the choices of `--by` are derived from it. Another topic
is another `Question`, passed to `sf_police.cli.main`; nothing else in this package changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sf_police.config import Defaults

if TYPE_CHECKING:  # so that `produce` and `answer` do not wait for Spark
    from pyspark.sql import Column, DataFrame

# Columns that the machinery adds to a record's fields: `accepted` and `counts` may read the event time; a record with
# a reason never reaches them.
EVENT_TIME: Final = "event_time"
REASON: Final = "reason"
# ASCII white space, which includes JSON's: a field of nothing else is blank, and a group is trimmed of it.
WHITE_SPACE: Final = " \t\n\v\f\r"
# The first columns of every question's `counts`.
WINDOW_START: Final = "window_start"
WINDOW_END: Final = "window_end"

_FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_COLUMN_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
# Of a value that is summed: thousands of the largest ones still add up to less than 64 bits hold.
SUMMED_DIGITS: Final = 15
_MOST_DIGITS: Final = 18  # of a decimal, so that its scaled integer fits into 64 bits


@dataclass(frozen=True)
class Field:
    """A field of a record, or a stored column.

    Args:
        name: as in the JSON, or in the table.
        type: `string`; `integer`, within 64 bits; or `decimal(p,s)`, of up to p digits, s of them after the point. A
            number with more is rejected, never rounded. The type of a field that is not required is not checked.
        is_required: whether a record without it is rejected.
        max_bytes: how long a required string may be in UTF-8, white space around it aside; 0 for any length. A string
            that is stored as a group needs one: PostgreSQL can index only about 2,700 bytes of a row's key.
        label: what people call it; unless given, the name with spaces for underscores.
    """

    name: str
    type: str = "string"
    is_required: bool = False
    max_bytes: int = 0
    label: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown type, or a length that nothing would check."""
        if self.max_bytes and not (self.is_required and self.type == "string"):
            raise ValueError(f"{self.name}: only a required string can have max_bytes")
        digits = _DECIMAL.fullmatch(self.type)
        if digits and not (int(digits[2]) <= int(digits[1]) and 1 <= int(digits[1]) <= _MOST_DIGITS):
            raise ValueError(f"{self.name}: {self.type} must have 1 to {_MOST_DIGITS} digits")
        if not digits and self.type not in ("string", "integer"):
            raise ValueError(f"{self.name}: no type {self.type}; use string, integer or decimal(p,s)")

    @property
    def digits(self) -> int:
        """Maximum number of a decimal's digits, before and after the point; 0 for other types."""
        found = _DECIMAL.fullmatch(self.type)
        return int(found[1]) if found else 0

    @property
    def scale(self) -> int:
        """Maximum number of digits after a decimal's point; 0 for other types."""
        found = _DECIMAL.fullmatch(self.type)
        return int(found[2]) if found else 0


@dataclass(frozen=True, kw_only=True)
class Question:
    """A topic's records, what is counted, and how the answer is presented.

    Args:
        name: of the question, as recorded in the store.
        title: one line that says what it is about, for `--help`.
        asks: the question itself, for the page and the report; unless given, the title.
        fields: of a record, in file order; the parser's fast path expects that order.
        id: the field by which two records with the same event time are duplicates.
        feed: the fields that a city's feed of calls fills besides id and time, by role: `type` of a call, and
            `resolution`; empty if it takes none.
        drops_duplicates: whether of duplicates one is counted. Without that the stream keeps no state, and no record
            is late: each counts in its own window.
        time: the field with the event time, a string.
        time_form: an example of an event time; each of its digits stands for any digit. Texts of this form must sort
            like the times.
        groups: columns that `accepted` adds and `counts` groups by, strings or integers.
        rows: what the records are called, in the plural; also the column of their count.
        sums: columns that `counts` sums, integers or decimals, of at most 15 digits: a record with a larger integer is
            rejected. The store holds decimals as scaled integers.
        fault: returns a column over the required fields and `event_time` that says why a well-formed record is
            rejected, NULL where it is accepted; None if there is no such rule.
        accepted: turns accepted records (their required fields and `event_time`) into rows with the group columns.
        groups_of: returns the group columns' values of one accepted record, given its required fields: the same as
            `accepted`, in plain Python, for whoever looks at one record. None: where it was counted is not said.
        counts: turns the rows of a micro-batch, given `window`, into `window_start`, `window_end`, the groups, the
            count and the sums; rows have `event_time`, the group columns, and the columns to sum. None: by the
            machinery, which counts them per window and groups, and sums the sums.
        answers: the views, as SQL over `counts`: `window_answers`, any other `…_answers`, and `overall_answer`.
        spread: the column of `window_answers` whose minimum, median and maximum over all windows are shown.
        headline: returns the answer in words, from the columns of `overall_answer`, the spread (`…_per_window`) and
            the length of a `window`, such as `30 minutes`. Its first line is the answer. None: these figures are named.
        labels: what people call a column of the views, unless that is its name with spaces for underscores.
        no_vote: the value of the last group that takes no part in the vote for the usual one; blank if each does.
        time_zone: of event times without offset, such as `Europe/Berlin`, for hours that a clock shows twice; blank
            if there are none.
        file_order: the order of events in a file.
        generate: returns synthetic records in file order, given their number and a seed; None if there is no generator.
        generated: default number of generated records.
        seed: default seed of generated records.
        defaults: the question's own defaults for settings.
    """

    name: str
    title: str
    asks: str = ""
    fields: tuple[Field, ...]
    id: str
    time: str
    time_form: str
    groups: tuple[Field, ...]
    rows: str
    drops_duplicates: bool = True
    feed: Mapping[str, str] = field(default_factory=dict)
    sums: tuple[Field, ...] = ()
    fault: Callable[[], Column] | None = None
    accepted: Callable[[DataFrame], DataFrame]
    groups_of: Callable[[Mapping[str, Any]], tuple[Any, ...]] | None = None
    counts: Callable[..., DataFrame] | None = None
    answers: str
    spread: str
    headline: Callable[[Mapping[str, Any]], str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    no_vote: str = ""
    time_zone: str = ""
    file_order: Literal["newest first", "oldest first"]
    generate: Callable[[int, int], Iterable[dict[str, Any]]] | None = None
    generated: int = 100_000
    seed: int = 1
    defaults: Defaults

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid definition, with a message for its author."""
        for name in [each.name for each in self.fields]:
            _ensure(name, _FIELD_NAME.fullmatch(name) and name not in (EVENT_TIME, REASON), "the name of a field")
        for name in self.stored_columns:
            _ensure(name, _COLUMN_NAME.fullmatch(name), "the name of a column")
        _ensure(self.name, _COLUMN_NAME.fullmatch(self.name), "the name of a question: use lower case, digits and _")
        for names in ([each.name for each in self.fields], list(self.stored_columns)):
            twice = [name for name in names if names.count(name) > 1]
            _ensure(", ".join(twice), not twice, "the name of two fields or columns")
        for role in (self.id, self.time, *self.feed.values()):
            is_required = role in [each.name for each in self.required]
            _ensure(role, is_required, "the id or the time, or filled by a feed: it is not a required field")
        _ensure(self.time, self.field(self.time).type == "string", "the time: it is not a string")
        for each in self.groups:
            _ensure(each.name, not each.digits, "a group column: it is a decimal")
        for each in self.sums:
            _ensure(each.name, each.type != "string", "a sum: it is a string")
            _ensure(each.name, each.digits <= SUMMED_DIGITS, f"a sum: it has more than {SUMMED_DIGITS} digits")
        is_sortable = re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?", self.time_form)
        _ensure(self.time_form, is_sortable, "a time's form: use 2018-12-31T23:57:00.000, or less of it, or Z after it")
        datetime.fromisoformat(self.time_form)
        for view in ("window_answers", "overall_answer"):
            _ensure(view, f"-- name: {view}\n" in self.answers, "left out of the answers: every question needs it")

    @property
    def required(self) -> tuple[Field, ...]:
        """The fields without which a record is rejected."""
        return tuple(each for each in self.fields if each.is_required)

    @property
    def stored_columns(self) -> tuple[str, ...]:
        """The columns of `counts`, in order."""
        return (
            WINDOW_START, WINDOW_END, *(each.name for each in self.groups), self.rows,
            *(each.name for each in self.sums),
        )  # fmt: skip

    @property
    def added_columns(self) -> tuple[str, ...]:
        """The columns of `counts` whose values are added up."""
        return (self.rows, *(each.name for each in self.sums))

    @property
    def time_pattern(self) -> str:
        """A regular expression, for Python and Java alike, that matches times of the form `time_form`."""
        pattern = re.sub(r"\d+", lambda digits: f"[0-9]{{{len(digits[0])}}}", self.time_form)
        return pattern.replace(".", r"\.")

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What stored counts and state are made of; labels, views and code are not in it."""
        return {
            "name": self.name,
            "fields": [[each.name, each.type, each.is_required] for each in self.fields],
            "id": [self.id, self.drops_duplicates],
            "time": [self.time, self.time_form],
            "stored columns": [
                [WINDOW_START, WINDOW_END, self.rows],
                *([each.name, each.type] for each in (*self.groups, *self.sums)),
            ],
        }

    def field(self, name: str) -> Field:
        """Return the field of that name."""
        return next(each for each in self.fields if each.name == name)

    def label(self, column: str) -> str:
        """Return what people call a column."""
        own = {each.name: each.label for each in (*self.fields, *self.groups, *self.sums) if each.label}
        return {**own, **self.labels}.get(column, column.replace("_", " "))


def number_of(number: float, plural: str) -> str:
    """Return a number of things, such as `1 call` or `2,000 calls`."""
    endings = {"ies": "y", "ches": "ch", "shes": "sh", "sses": "ss", "tuses": "tus", "xes": "x", "s": ""}
    ending = next((each for each in endings if plural.endswith(each)), "")
    one = plural.removesuffix(ending) + endings.get(ending, "")
    shown = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{shown} {one if number == 1 else plural}"


def plural(name: str) -> str:
    """Return the plural of a noun, or of a column that ends with one: `crime_types`, `statuses`, `cities`."""
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search(r"(s|x|z|ch|sh)$", name) else f"{name}s"


def percent(share: float) -> str:
    """Return a share from 0 to 1 in words: `29 %`, and `<1 %` for what would round to nothing."""
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def _ensure(name: str, holds: object, what: str) -> None:
    if not holds:
        raise ValueError(f"{name!r} cannot be {what}")
