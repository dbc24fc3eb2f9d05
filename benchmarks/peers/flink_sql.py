"""Flink SQL in one process, with its own window function and a lenient JSON format.

With `like-for-like` as the last argument it does more of what the project does: it removes duplicates, by the window
deduplication that it has for that, and takes a checkpoint every 5 s, exactly once.
"""

import glob
import json
import os
import shutil
import sys

from counting import say_counted
from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

servers, topic, total, path, jar, *like_for_like = sys.argv[1:]
options = {
    "pipeline.jars": f"file://{jar}",
    "parallelism.default": os.environ.get("PEER_CORES", "2"),
    "pipeline.object-reuse": "true",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "1 s",
    "table.exec.mini-batch.size": "50000",
    "taskmanager.memory.network.max": "256mb",
    "table.local-time-zone": "UTC",
}
if like_for_like:
    options |= {
        "execution.checkpointing.interval": "5 s",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": f"file://{path}.checkpoints",
        "state.backend.type": "hashmap",
        "table.optimizer.agg-phase-strategy": "ONE_PHASE",
    }
os.environ["JDK_JAVA_OPTIONS"] = "-XX:+UseParallelGC -Xmx4g"
configuration = Configuration()
for name, value in options.items():
    configuration.set_string(name, value)
table_environment = TableEnvironment.create(
    EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build()
)
table_environment.execute_sql(f"""
    CREATE TABLE calls (
        crime_id STRING,
        original_crime_type_name STRING,
        disposition STRING,
        call_date_time TIMESTAMP(3),
        WATERMARK FOR call_date_time AS call_date_time - INTERVAL '10' MINUTE
    ) WITH (
        'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{servers}',
        'properties.max.partition.fetch.bytes' = '16777216', 'properties.fetch.max.bytes' = '67108864',
        'properties.max.poll.records' = '10000',
        'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
        'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'
    )""")
table_environment.execute_sql(f"""
    CREATE TABLE counts (window_start TIMESTAMP(3), crime_type STRING, disposition STRING, calls BIGINT)
    WITH ('connector' = 'filesystem', 'path' = 'file://{path}.d', 'format' = 'json')""")
windowed = "TABLE(TUMBLE(TABLE calls, DESCRIPTOR(call_date_time), INTERVAL '30' MINUTES))"
if like_for_like:
    windowed = f"""(
        SELECT * FROM (
            SELECT *, ROW_NUMBER() OVER (
                PARTITION BY window_start, window_end, crime_id, call_date_time ORDER BY call_date_time) AS place
            FROM {windowed})
        WHERE place = 1)"""
table_environment.execute_sql(f"""
    INSERT INTO counts
    SELECT window_start, TRIM(original_crime_type_name), TRIM(disposition), COUNT(*)
    FROM {windowed}
    GROUP BY window_start, window_end, TRIM(original_crime_type_name), TRIM(disposition)""").wait()
say_counted()
with open(f"{path}.part", "w") as out:
    for name in glob.glob(f"{path}.d/**/part-*", recursive=True) + glob.glob(f"{path}.d/.part-*"):
        with open(name) as file:
            for line in file:
                row = json.loads(line)
                values = [row["window_start"][:19], row["crime_type"], row["disposition"], row["calls"]]
                out.write(json.dumps(values) + "\n")
shutil.rmtree(f"{path}.d")
shutil.rmtree(f"{path}.checkpoints", ignore_errors=True)
os.replace(f"{path}.part", path)
