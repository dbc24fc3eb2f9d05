"""The tables of the store, their rows as dataclasses, and the books that must balance. Reads and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, MetaData, String, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect, RowMapping

from sf_police.question import WINDOW_END, WINDOW_START, Field, Question
from sf_police.store.backend import MARK
from sf_police.store.views import kept_totals

Offsets = dict[str, int]  # next offset by partition number, which is text, as JSON requires


class WallClock(TypeDecorator[datetime]):
    """A time without zone: text in SQLite, timestamp in PostgreSQL."""

    impl = String(26)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return the column's type in this dialect."""
        return dialect.type_descriptor(postgresql.TIMESTAMP() if dialect.name == "postgresql" else String(26))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Encode the value."""
        # A fraction of a second only where there is one: of a window, never.
        return value if value is None or dialect.name == "postgresql" else value.isoformat(" ")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy's
        """Decode the value."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


# Version of the tables' structure and meaning; a store of another format is refused, never misread.
FORMAT: Final = 4
# The columns of `expired` that are added up.
EXPIRED_SUMS: Final = ("batches", "read", "counted", "duplicates", "late", "rejected", "milliseconds")

# Ties go by byte order everywhere; PostgreSQL would otherwise sort by its cluster's locale.
_TEXT: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


@dataclass(frozen=True)
class Tables:
    """The tables of a question's store."""

    metadata: MetaData
    counts: Table
    rejected: Table
    batches: Table
    expired: Table  # what batches that are no longer kept add up to: no row or one
    streams: Table  # the stream that the store belongs to: one row
    settled: Table  # until which window the totals are kept in tables: one row
    kept: Mapping[str, Table]  # the totals of windows before, by name


def tables_of(question: Question) -> Tables:
    """Define the tables; only the columns of `counts`, and the totals, depend on the question."""
    metadata, types = MetaData(), {group.name: _type_of(group) for group in question.groups}

    def table(name: str, *columns: Column[Any]) -> Table:
        return Table(name, metadata, *columns, comment=MARK, sqlite_with_rowid=False)

    return Tables(
        metadata,
        counts=table(
            "counts",
            Column(WINDOW_START, WallClock, primary_key=True),
            Column(WINDOW_END, WallClock, nullable=False),
            *(Column(name, of, primary_key=True) for name, of in types.items()),
            Column(question.rows, BigInteger, nullable=False),
            # Decimals are stored as scaled integers, because SQLite has no decimals.
            *(Column(each.name, BigInteger, nullable=False) for each in question.sums),
        ),
        rejected=table(
            "rejected",
            Column("topic", _TEXT, primary_key=True),
            Column("partition", Integer, primary_key=True, quote=True),
            Column("offset", BigInteger, primary_key=True, quote=True),
            Column("reason", _TEXT, nullable=False),
            Column("value", LargeBinary),
        ),
        batches=table(
            "batches",
            Column("query_id", _TEXT, primary_key=True),
            Column("batch_id", BigInteger, primary_key=True),
            Column("start_offsets", _TEXT, nullable=False),
            Column("end_offsets", _TEXT, nullable=False),
            Column("read", BigInteger, nullable=False),
            Column("counted", BigInteger, nullable=False),
            Column("duplicates", BigInteger, nullable=False),
            Column("late", BigInteger, nullable=False),
            Column("rejected", BigInteger, nullable=False),
            Column("watermark", WallClock),
            Column("seconds", Double, nullable=False),
            Column("digest", BigInteger, nullable=False),
            Column("version", _TEXT, nullable=False),
            # About the batch, and no part of the books.
            Column("committed_at", WallClock),
            Column("lag", BigInteger),
            Column("state_rows", BigInteger),
        ),
        expired=table(
            "expired",
            Column("query_id", _TEXT, primary_key=True),
            *(Column(name, BigInteger, nullable=False) for name in EXPIRED_SUMS),
            Column("start_offsets", _TEXT, nullable=False),
            Column("end_offsets", _TEXT, nullable=False),
            Column("digest", BigInteger, nullable=False),
            Column("within", _TEXT, nullable=False),
            Column("committed_at", WallClock),
        ),
        streams=table(
            "streams",
            Column("query_id", _TEXT, primary_key=True),
            Column("settings", _TEXT, nullable=False),
            Column("format", Integer, nullable=False),
            Column("question", _TEXT, nullable=False),  # its fingerprint, as JSON
        ),
        settled=table("settled", Column("until", WallClock, primary_key=True)),
        kept={
            each.name: table(
                each.table,
                *(Column(key, types.get(key, BigInteger), primary_key=True, autoincrement=False) for key in each.keys),
                *(Column(value, BigInteger, nullable=False) for value in each.values),
            )
            for each in kept_totals(question.answers).values()
        },
    )


def _type_of(group: Field) -> Any:
    return _TEXT if group.type == "string" else BigInteger


@dataclass(frozen=True)
class Batch:
    """A micro-batch's row in `batches`: the offsets it read, and what became of its records.

    Args:
        query_id: of the streaming query.
        batch_id: consecutive, from 0.
        start_offsets: inclusive.
        end_offsets: exclusive.
        read: records.
        counted: accepted ones, as added to `counts`.
        duplicates: dropped, as an equal one was counted before.
        late: dropped, as their event time was not after the watermark.
        rejected: in `rejected`.
        watermark: the one that decided which were late; None: none was, yet.
        seconds: from the batch's start to its writing.
        digest: of what it added to `counts` (`digest.py`).
        version: of the program that stored it.
        committed_at: UTC, when it was stored.
        lag: records in the topic beyond it when it was planned; None: unknown, as in a replayed batch.
        state_rows: records that the stream remembers, after it.
    """

    query_id: str
    batch_id: int
    start_offsets: Offsets
    end_offsets: Offsets
    read: int
    counted: int
    duplicates: int
    late: int
    rejected: int
    watermark: datetime | None
    seconds: float
    digest: int = 0
    version: str = ""
    committed_at: datetime | None = None
    lag: int | None = None
    state_rows: int | None = None

    @property
    def outcome(self) -> dict[str, Any]:
        """What a replay of the batch must yield again."""
        row = self.row()
        names = (
            "start_offsets", "end_offsets", "read", "counted", "duplicates", "late", "rejected", "watermark",
        )  # fmt: skip
        return {name: row[name] for name in names}

    def row(self) -> dict[str, Any]:
        """Return the row as the table expects it."""
        offsets = {name: json.dumps(getattr(self, name), sort_keys=True) for name in ("start_offsets", "end_offsets")}
        return {**asdict(self), **offsets}


def batch_of_row(row: RowMapping | Mapping[str, Any]) -> Batch:
    """Return a row of `batches`."""
    offsets = {name: json.loads(row[name]) for name in ("start_offsets", "end_offsets")}
    return Batch(**{**row, **offsets})


@dataclass(frozen=True)
class BatchReport:
    """A stored micro-batch, and the latest event time of its accepted records."""

    batch: Batch
    latest_event_time: datetime | None = None


@dataclass(frozen=True)
class Books:
    """Where the records went; balanced if every record is accounted for."""

    offsets: int  # from the first batch's start to the last batch's end
    read: int
    counted: int
    duplicates: int
    late: int
    rejected: int
    stored_counted: int  # in `counts`
    stored_rejected: int  # rows of `rejected`, and those that are no longer kept
    expired_batches: int = 0  # that are no longer kept one by one
    expired_late: int = 0  # records of these
    expired_rejected: int = 0

    @property
    def gaps(self) -> int:
        """Offsets without a record, left by transactions or compaction."""
        return self.offsets - self.read

    @property
    def is_balanced(self) -> bool:
        """Whether every record is accounted for and the tables agree with the batches."""
        accounted = self.counted + self.duplicates + self.late + self.rejected
        stored = (self.stored_counted, self.stored_rejected)
        return self.read == accounted and stored == (self.counted, self.rejected) and self.gaps >= 0

    @property
    def is_all_rejected(self) -> bool:
        """Whether there were records, and every one was rejected: then they are not this question's."""
        return 0 < self.read == self.rejected
