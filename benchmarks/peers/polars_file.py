"""No stream at all: Polars on a file of the same calls."""

from collections import Counter

import polars as pl
from counting import arguments, write

file, _, _, path = arguments()
fields = ("call_date_time", "original_crime_type_name", "disposition")
time = pl.col("call_date_time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f")
counts = (
    pl.scan_ndjson(file, schema=dict.fromkeys(fields, pl.String))
    .group_by(
        time.dt.truncate("30m").dt.strftime("%Y-%m-%d %H:%M:%S").alias("start"),
        pl.col("original_crime_type_name").str.strip_chars(" \t\n\v\f\r"),
        pl.col("disposition").str.strip_chars(" \t\n\v\f\r"),
    )
    .len()
    .collect(engine="streaming")
)
write(Counter({(start, name, code): calls for start, name, code, calls in counts.iter_rows()}), path)
