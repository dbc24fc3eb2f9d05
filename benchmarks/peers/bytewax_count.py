"""Bytewax: counts the whole stream by key, with one worker per core."""

import json
import os
from pathlib import Path

import bytewax.operators as op
import orjson
from bytewax.connectors.files import FileSink
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import cluster_main
from counting import arguments, group_of, say_counted

servers, topic, _, path = arguments()
flow = Dataflow("count")
settings = {"queued.min.messages": "1000000", "check.crcs": "false"}
messages = op.input("in", flow, KafkaSource([servers], [topic], tail=False, batch_size=10_000, add_config=settings))
groups = op.map("parse", messages, lambda message: json.dumps(group_of(orjson.loads(message.value))))
counts = op.count_final("count", groups, lambda group: group)
lines = op.map("line", counts, lambda count: (count[0], json.dumps([*json.loads(count[0]), count[1]])))
op.output("out", lines, FileSink(Path(f"{path}.part")))
cluster_main(flow, [], 0, worker_count_per_proc=int(os.environ.get("PEER_CORES", "2")))
os.replace(f"{path}.part", path)
say_counted()
