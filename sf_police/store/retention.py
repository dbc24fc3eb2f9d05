"""Old micro-batches, and their rejected records, become one row of sums, so that a store's size has a bound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.engine import Connection

from sf_police.errors import SfPoliceError
from sf_police.store.digest import MODULUS
from sf_police.store.metrics import BOUNDS_S, sums_of
from sf_police.store.tables import EXPIRED_SUMS, Batch, Tables, batch_of_row

# Spark keeps files for so many micro-batches, which a start compares with the store.
ALWAYS_KEPT: Final = 100
# At once, as a micro-batch waits for it; what is left follows with the next ones.
_MOST_BATCHES: Final = 100
_MOST_REJECTED: Final = 10_000
_SUMS: Final = {name: name for name in ("batches", "milliseconds")}


def expire(connection: Connection, tables: Tables, newest: Batch, retention: timedelta | None) -> None:
    """Fold the micro-batches that were stored longer ago into the row of `expired`, and delete their rejected records.

    Args:
        connection: in the transaction of the newest micro-batch.
        tables: of the store.
        newest: the micro-batch that is being stored.
        retention: how long they are kept one by one; None: for ever.

    Raises:
        SfPoliceError: their rejected records are not those that they say.
    """
    if retention is None:
        return
    until = datetime.now(UTC).replace(tzinfo=None) - retention
    expired = _expired(connection, tables.batches, newest, until)
    if not expired:
        return
    own = tables.batches.c.query_id == newest.query_id
    old = own & (tables.batches.c.batch_id <= expired[-1].batch_id)
    sums = connection.execute(select(*_labelled(tables.batches)).where(old)).mappings().one()
    _add(connection, tables.expired, expired, sums)
    connection.execute(tables.batches.delete().where(old))
    _delete_rejected(connection, tables.rejected, expired)


def _expired(connection: Connection, batches: Table, newest: Batch, until: datetime) -> list[Batch]:
    own = (batches.c.query_id == newest.query_id) & (batches.c.batch_id <= newest.batch_id - ALWAYS_KEPT)
    query = select(batches).where(own).order_by(batches.c.batch_id)

    def are_old(rows: int) -> Iterator[Batch]:
        for row in connection.execute(query.limit(rows)).mappings():
            batch = batch_of_row(row)
            # From the oldest on without a gap, even if the clock was set back in between.
            if batch.committed_at is not None and batch.committed_at >= until:
                return
            yield batch

    # Mostly there is none, and one row is read for that.
    found: list[Batch] = []
    rejected = 0
    for batch in are_old(_MOST_BATCHES) if list(are_old(1)) else ():
        rejected += batch.rejected
        if found and rejected > _MOST_REJECTED:
            break
        found.append(batch)
    return found


def _labelled(batches: Table) -> list[ColumnElement[Any]]:
    return [column.label(name) for name, column in sums_of(batches).items()]


def _add(connection: Connection, table: Table, expired: Sequence[Batch], sums: Any) -> None:
    before = connection.execute(select(table)).mappings().first()
    within = json.loads(before["within"]) if before else {}
    row = {
        **{name: int(sums[_SUMS.get(name, f"sum_{name}")]) + (before[name] if before else 0) for name in EXPIRED_SUMS},
        "start_offsets": before["start_offsets"] if before else expired[0].row()["start_offsets"],
        "end_offsets": expired[-1].row()["end_offsets"],
        "digest": (sum(batch.digest for batch in expired) + (before["digest"] if before else 0)) % MODULUS,
        "within": json.dumps(
            {str(bound): int(sums[f"within_{bound}"]) + within.get(str(bound), 0) for bound in BOUNDS_S}
        ),
        "committed_at": expired[-1].committed_at,
    }
    if before:
        connection.execute(table.update().values(row))
    else:
        connection.execute(table.insert(), {"query_id": expired[0].query_id, **row})


def _delete_rejected(connection: Connection, rejected: Table, expired: Sequence[Batch]) -> None:
    said = sum(batch.rejected for batch in expired)
    if not said:
        return
    topic = connection.execute(select(rejected.c.topic).limit(1)).scalar()  # by the key: a store has one
    deleted = 0
    for partition, end in expired[-1].end_offsets.items():
        old = (rejected.c.topic == topic) & (rejected.c.partition == int(partition)) & (rejected.c.offset < end)
        deleted += connection.execute(rejected.delete().where(old)).rowcount
    if deleted != said:
        raise SfPoliceError(
            f"micro-batches {expired[0].batch_id} to {expired[-1].batch_id} have rejected {said:,} records, of which "
            f"{deleted:,} are in the store: it was altered; nothing was stored",
            remedy="put it back, or run `make reset` (deletes the checkpoint and the store)",
        )
