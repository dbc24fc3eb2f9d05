"""Sends 20,000 calls from a process that is killed once they are said to be sent, and counts what the topic holds."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

from docs.mistakes.bench import CALLS, Bench
from docs.mistakes.lesson import HERE, Result, lost
from sf_police.topic.admin import describe_topic

HINT = "`send` only puts a record into the producer's memory, and gives a future. Who waits for it?"
CHILD = """
import os, runpy, signal, sys
from kafka import KafkaProducer
from docs.mistakes.bench import CALLS, records
path, servers, topic = sys.argv[1:]
producer = KafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=100)
runpy.run_path(path)["send_all"](records()[:CALLS], producer, topic)
os.kill(os.getpid(), signal.SIGKILL)
"""


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Run the file's `send_all` in a process of its own, and kill that when it returns."""
    topic = bench.topic(partitions=3)
    command = [sys.executable, "-c", CHILD, file.__file__, bench.servers, topic]
    done = subprocess.run(command, cwd=HERE.parent.parent, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode > 0:
        return Result(False, done.stderr.strip().splitlines()[-1])
    return lost(CALLS - describe_topic(bench.access, topic).records, CALLS)
