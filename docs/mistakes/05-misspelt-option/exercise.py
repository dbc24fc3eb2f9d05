"""Your turn: read the whole topic."""

from __future__ import annotations


def source_options(servers: str, topic: str) -> dict[str, str]:
    """Return the options of the Kafka source, to read the topic from its beginning."""
    return {"kafka.bootstrap.servers": servers, "subscribe": topic, "startingOffset": "earliest"}
