"""The ceiling: Spark reads every byte of the topic, and does nothing with it. Runs in the project's own venv."""

import sys
import tempfile
from pathlib import Path

from pyspark.sql import functions as F

from benchmarks.common import config_with
from sf_police.session import create_session, stop_session
from sf_police.streams import kafka_reader_options

servers, topic, total, path = sys.argv[1:5]
with tempfile.TemporaryDirectory() as folder:
    config = config_with(kafka_bootstrap_servers=servers, kafka_topic=topic, state_dir=folder)
    session = create_session(config, records=int(total))
    records = session.read.format("kafka").options(**kafka_reader_options(config)).load()
    [row] = records.agg(F.count("value"), F.sum(F.length("value"))).collect()
    Path(path).write_text(str(row[0]))
    stop_session(session)
