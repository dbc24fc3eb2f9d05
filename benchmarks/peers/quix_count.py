"""Quix Streams: groups by key through a repartition topic, and counts in its state store."""

import json
import os
from collections import Counter

from counting import arguments, group_of, write
from quixstreams import Application

servers, topic, total, path = arguments()
application = Application(
    broker_address=servers,
    consumer_group=f"bench-{os.getpid()}",
    auto_offset_reset="earliest",
    state_dir=f"{path}.state",
    use_changelog_topics=False,
    commit_interval=30,
    loglevel="ERROR",
    producer_extra_config={"linger.ms": 100, "compression.type": "lz4"},
)
counts = Counter()
seen = 0


def count(_, state):
    """Increment the key's count."""
    calls = state.get("calls", 0) + 1
    state.set("calls", calls)
    return calls


def keep(calls, key, *_):
    """Keep the latest count of a key, and stop after the last call."""
    global seen
    counts[tuple(json.loads(key))] = calls
    seen += 1
    if seen == total:
        application.stop()


frame = application.dataframe(application.topic(topic, value_deserializer="json"))
frame = frame.group_by(
    lambda call: json.dumps(group_of(call)), name="group", key_serializer="str", key_deserializer="str"
)
frame.apply(count, stateful=True).update(keep, metadata=True)
application.run()
write(counts, path)
