"""No stream at all: DuckDB on a file of the same calls."""

import os

import duckdb
from counting import arguments, say_counted

file, _, _, path = arguments()
blank = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
duckdb.sql(f"""
    COPY (
        SELECT json_array(
            strftime(time_bucket(INTERVAL 30 MINUTE, call_date_time::TIMESTAMP), '%Y-%m-%d %H:%M:%S'),
            trim(original_crime_type_name, {blank}), trim(disposition, {blank}), count(*))
        FROM read_ndjson('{file}', columns = {{
            call_date_time: 'VARCHAR', original_crime_type_name: 'VARCHAR', disposition: 'VARCHAR'}})
        GROUP BY time_bucket(INTERVAL 30 MINUTE, call_date_time::TIMESTAMP),
            trim(original_crime_type_name, {blank}), trim(disposition, {blank})
    ) TO '{path}.part' (FORMAT csv, HEADER false, QUOTE '', DELIMITER E'\\x01')
""")
os.replace(f"{path}.part", path)
say_counted()
