"""The tables of the store, and what a row of them is: columns, types, and the books they must balance to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, MetaData, String, Table, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

Offsets = dict[str, int]  # next offset by partition number, as text: what JSON makes of it


class WallClock(TypeDecorator[datetime]):
    """A time without zone: text in SQLite, timestamp in PostgreSQL."""

    impl = String(19)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The column's type."""
        return dialect.type_descriptor(postgresql.TIMESTAMP() if dialect.name == "postgresql" else String(19))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Into the store."""
        return value if value is None or dialect.name == "postgresql" else value.isoformat(" ", "seconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy's
        """Out of the store."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


# Ties go by byte order everywhere; PostgreSQL would else sort by the locale of its cluster.
_TEXT: Final = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
METADATA: Final = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, METADATA, *columns, sqlite_with_rowid=False)


COUNTS: Final = _table(
    "counts",
    Column("window_start", WallClock, primary_key=True),
    Column("window_end", WallClock, nullable=False),
    Column("crime_type", _TEXT, primary_key=True),
    Column("resolution", _TEXT, primary_key=True),
    Column("calls", BigInteger, nullable=False),
)
REJECTED: Final = _table(
    "rejected",
    Column("topic", _TEXT, primary_key=True),
    Column("partition", Integer, primary_key=True, quote=True),
    Column("offset", BigInteger, primary_key=True, quote=True),
    Column("reason", _TEXT, nullable=False),
    Column("value", LargeBinary),
)
BATCHES: Final = _table(
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
)
# The stream that this store belongs to: one row.
STREAMS: Final = _table(
    "streams",
    Column("query_id", _TEXT, primary_key=True),
    Column("settings", _TEXT, nullable=False),
)


@dataclass(frozen=True)
class Batch:
    """A micro-batch's row in `batches`: the offsets it read, and what became of each record."""

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

    def row(self) -> dict[str, Any]:
        """The row as the table takes it."""
        offsets = {name: json.dumps(getattr(self, name), sort_keys=True) for name in ("start_offsets", "end_offsets")}
        return {**asdict(self), **offsets}


@dataclass(frozen=True)
class Books:
    """Where the records went. They balance when none is unaccounted for."""

    offsets: int  # from the first start to the last end
    read: int
    counted: int
    duplicates: int
    late: int
    rejected: int
    stored_calls: int  # in `counts`
    stored_rejected: int  # rows of `rejected`

    @property
    def gaps(self) -> int:
        """Offsets without a record: of transactions, or taken out by compaction."""
        return self.offsets - self.read

    @property
    def is_balanced(self) -> bool:
        """Whether every record is accounted for, and the tables hold what the batches say."""
        accounted = self.counted + self.duplicates + self.late + self.rejected
        stored = (self.stored_calls, self.stored_rejected)
        return self.read == accounted and stored == (self.counted, self.rejected) and self.gaps >= 0
