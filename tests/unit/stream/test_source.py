"""What the stream asks of the topic, without a stream."""

import pytest

from sf_police.stream.source import kafka_source_options
from tests.support.question import resolve

ALWAYS = {
    "kafka.bootstrap.servers": "localhost:9092",
    "subscribe": "udacity_projects.sf_crime_rate.pd_calls_for_service",
    "failOnDataLoss": "true",
    "kafka.max.partition.fetch.bytes": "4194304",
    "kafka.fetch.max.wait.ms": "1",
    "kafka.max.poll.records": "5000",
    "kafka.isolation.level": "read_committed",
    "startingOffsets": "earliest",
    "maxRecordsPerPartition": "50000",
}


@pytest.mark.parametrize(
    ("settings", "more"),
    [({}, {}), ({"max_offsets_per_trigger": "200"}, {"maxOffsetsPerTrigger": "200"})],
    ids=["no cap", "a cap"],
)
def test_the_sources_options_are_just_these(settings: dict[str, str], more: dict[str, str]) -> None:
    assert kafka_source_options(resolve(settings)) == {**ALWAYS, **more}
