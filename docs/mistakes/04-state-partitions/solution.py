"""As many state partitions as the project would take: one for small micro-batches, else one for each core."""

from __future__ import annotations

from sf_police.calls import QUESTION
from sf_police.config import resolve
from sf_police.stream.compatibility import with_state_partitions


def session_options(rows: int) -> dict[str, str]:
    """Return Spark's options for a stream with state and micro-batches of so many rows."""
    config = resolve({"max_offsets_per_trigger": str(rows)}, QUESTION.defaults)
    partitions = with_state_partitions(config, None, cores=2).state_partitions
    return {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": str(partitions)}
