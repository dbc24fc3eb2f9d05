"""Files of a city's own shape: records with its columns become records of ours, or the file is refused as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, cast

from sf_police.errors import SfPoliceError
from sf_police.feed.feeds import OWN, Feed, feed_named, known_feeds, own_shape
from sf_police.feed.mapping import RowMapping, UnmappedRowError
from sf_police.produce.json_record import JsonRecord
from sf_police.question import Question

# Many exports leave out fields that are null, so that one object alone may lack any of them.
_LOOKED_AT: Final = 100
# From this share of them on, nulls are how the file says "none", not the fault of a record.
_SHARE_OF_NULLS: Final = 0.1


def shaped(
    records: Iterator[JsonRecord], name: str, *, question: Question, feed: str | None, say: Callable[[str], None]
) -> Iterator[JsonRecord]:
    """Yield a file's records in the question's shape: those of a feed are mapped, others are as they are.

    Args:
        records: of a file.
        name: what a message calls the file.
        question: whose records they are to be.
        feed: the feed whose columns they have, or `own`; None: seen by their fields.
        say: is told which feed's columns were seen.

    Raises:
        SfPoliceError: a record cannot be mapped, or the file has the question's names but another form throughout.
    """
    first = list(islice(records, _LOOKED_AT if question.feed else 0))
    source = _named(feed, question) if feed else _seen(first, question)
    if source is None:
        if question.feed:
            _ensure_form(first, name, question)
        yield from chain(first, records)
        return
    if not feed:
        say(f"{name} has the columns of {source.city}'s {source.dataset}: they are mapped as those of {source.name}")
    mapping = RowMapping(source, question)
    for number, row in enumerate(chain(first, records), 1):
        try:
            yield cast("JsonRecord", mapping.record(row, undecided=question.no_vote))
        except UnmappedRowError as error:
            raise SfPoliceError(f"{name}, record {number:,}: {error}", remedy="correct it in the file") from None


def _named(feed: str, question: Question) -> Feed:
    return own_shape(question) if feed == OWN else feed_named(feed)


def _seen(records: Sequence[Mapping[str, Any]], question: Question) -> Feed | None:
    names = set(chain.from_iterable(records))
    if not question.feed or names.issuperset(each.name for each in question.required):
        return None
    return next((feed for feed in known_feeds().values() if _is_of(names, feed)), None)


def _is_of(names: set[str], feed: Feed) -> bool:
    # The resolution may be null, and so be missing, in every one of the first records.
    return feed.id in names and feed.time in names and not names.isdisjoint(feed.type)


def _ensure_form(records: Sequence[Mapping[str, Any]], name: str, question: Question) -> None:
    """Refuse a file of the question's names whose records would be rejected one by one, for the form they share."""
    own = own_shape(question)
    times = [time for record in records if isinstance(time := record.get(own.time), str) and time.strip()]
    if times and not any(re.fullmatch(question.time_pattern, time) for time in times):
        what = f"{own.time} is not of the form {question.time_form} in any of its"
        raise _other_form(what, name, records, _remedy_for(times[0], own, question))
    nulls = sum(record.get(own.resolution) is None for record in records)
    if nulls > 1 and nulls >= _SHARE_OF_NULLS * len(records):
        what = f"{own.resolution} is null or missing in {nulls} of its"
        raise _other_form(what, name, records, f"with `--feed {OWN}` they are taken as {question.no_vote}")


def _remedy_for(time: str, own: Feed, question: Question) -> str:
    try:
        RowMapping(own, question).time_of({own.time: time})
    except UnmappedRowError as error:
        return f"export them as wall clock times, without offset ({error})"
    return f"with `--feed {OWN}` they are taken"


def _other_form(what: str, name: str, records: Sequence[object], remedy: str) -> SfPoliceError:
    return SfPoliceError(f"{name}: {what} first {len(records)} objects", remedy=remedy)
