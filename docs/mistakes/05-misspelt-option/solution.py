"""Takes the options from the one function that makes them; its test lists their names, exactly."""

from __future__ import annotations

from sf_police.calls import QUESTION
from sf_police.config import resolve
from sf_police.stream.source import kafka_source_options


def source_options(servers: str, topic: str) -> dict[str, str]:
    """Return the options of the Kafka source, to read the topic from its beginning."""
    settings = {"kafka_bootstrap_servers": servers, "kafka_topic": topic, "starting_offsets": "earliest"}
    return kafka_source_options(resolve(settings, QUESTION.defaults))
