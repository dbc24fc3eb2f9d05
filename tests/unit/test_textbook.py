"""The code of docs/textbook.md runs, and counts what the pipeline counts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from sqlalchemy import create_engine, text

from tests.support.environment import ROOT

COLUMNS = "crime_id string, event_time timestamp, crime_type string"
FOURTEEN = datetime(2018, 10, 12, 14)
CALLS = [
    ("1", 0, "Fire"),
    ("2", 29, "Fire"),
    ("3", 30, "Fire"),
    ("4", 30, "Alarm"),
    ("3", 30, "Fire"),
    ("5", 31, "Fire"),
]


def code_of_the_page() -> dict[str, Any]:
    [code] = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "textbook.md").read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/textbook.md", "exec"), names)
    return names


def test_the_textbook_way_counts_each_call_once_also_when_a_batch_is_stored_twice(
    spark: SparkSession, tmp_path: Path
) -> None:
    page = code_of_the_page()
    engine = create_engine(f"sqlite:///{tmp_path / 'counts.db'}")
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE counts (window_start, crime_type, calls, UNIQUE (window_start, crime_type))")
        )
    for number, some in enumerate((CALLS[:3], CALLS[3:])):
        rows = [(crime_id, FOURTEEN + timedelta(minutes=minutes), kind) for crime_id, minutes, kind in some]
        spark.createDataFrame(rows, COLUMNS).coalesce(1).write.parquet(str(tmp_path / "calls" / f"{number}.parquet"))
    calls = spark.readStream.schema(COLUMNS).option("maxFilesPerTrigger", 1).parquet(f"{tmp_path}/calls/*")

    def store(counts: Any, _: int) -> None:
        for _time in range(2):
            with engine.begin() as connection:
                page["replace_counts"](counts, connection)

    counted = page["count_in_the_stream"](calls, window="30 minutes", watermark="10 minutes")
    writer = counted.writeStream.outputMode("update").option("checkpointLocation", str(tmp_path / "checkpoint"))
    writer.foreachBatch(store).trigger(availableNow=True).start().awaitTermination()

    with engine.begin() as connection:
        stored = connection.execute(text("SELECT * FROM counts ORDER BY 1, 2")).all()
    assert [tuple(row) for row in stored] == [
        ("2018-10-12 14:00:00", "Fire", 2),
        ("2018-10-12 14:30:00", "Alarm", 1),
        ("2018-10-12 14:30:00", "Fire", 2),
    ]
