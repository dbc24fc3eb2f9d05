"""The ceiling: Spark reads every byte of the topic and does nothing with it. Runs in the project's own venv."""

import sys
import tempfile

from pyspark.sql import functions as F

from benchmarks.common import config_with
from benchmarks.peers.counting import say_counted
from sf_police.spark.session import create_session, stop_session
from sf_police.stream.source import kafka_reader_options

servers, topic, total = sys.argv[1:4]
with tempfile.TemporaryDirectory() as folder:
    config = config_with(kafka_bootstrap_servers=servers, kafka_topic=topic, state_dir=folder)
    session = create_session(config, records=int(total))
    records = session.read.format("kafka").options(**kafka_reader_options(config)).load()
    [row] = records.agg(F.count("value"), F.sum(F.length("value"))).collect()
    assert row[0] == int(total), row
    say_counted()
    stop_session(session)
