"""The metrics of a stream, in Prometheus's text, made from its store and, when the brokers answer, from its topic.

Nothing is counted in a process: every number is read from durable facts, so none is lost with a process, and whoever
serves them says the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics

from sf_police.errors import SfPoliceError
from sf_police.how_to import in_reach
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database
from sf_police.store.metrics import BOUNDS_S, OUTCOMES, Totals, TotalsReader
from sf_police.store.tables import Batch
from sf_police.topic.admin import Topic
from sf_police.topic.probe import TopicProbe

_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What one scrape has found.

    Args:
        question: its name.
        topic: the name of the one that the stream reads.
        totals: of the batches.
        is_running: whether a stream holds the store.
        is_reachable: whether the brokers have answered.
        lag: records by partition that the stream has not read yet; empty where unknown.
    """

    question: str
    topic: str
    totals: Totals
    is_running: bool
    is_reachable: bool
    lag: Mapping[int, int] = field(default_factory=dict)


class StoreMetrics:
    """The metrics of the stream that a store belongs to; a collector in a registry of its own, without any others."""

    def __init__(self, reader: StoreReader, probe: TopicProbe) -> None:
        self._reader, self._totals, self._probe = reader, TotalsReader(reader.database), probe
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it is now. Raises SfPoliceError if there is no store, or it cannot be read."""
        yield from metrics_of(self._facts())

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the text of all metrics, and its content type.

        Args:
            accept: the request's header; who takes OpenMetrics gets it.

        Raises:
            SfPoliceError: there is no store, or it cannot be read.
        """
        if "application/openmetrics-text" in accept:
            text: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return text, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), _TEXT

    def _facts(self) -> Facts:
        database, stream = self._reader.database, self._reader.stream()
        if stream is None:
            raise _no_store(database)
        query_id, settings = stream
        totals = self._totals.read(query_id)
        # The brokers last: so no offset of the topic's end is older than the batches that it is compared with.
        probed = self._probe.ask()
        return Facts(
            question=database.question.name,
            topic=settings.get("topic", ""),
            totals=totals,
            is_running=database.is_held(),
            is_reachable=probed.is_reachable,
            lag=lag_of(probed.topic, settings, totals.last),
        )


@dataclass(frozen=True)
class Response:
    """What a scrape is answered."""

    status: int
    content_type: str
    body: bytes


def response(metrics: StoreMetrics, accept: str = "") -> Response:
    """Answer a scrape: the metrics, or 503 and one line that says what to do."""
    try:
        body, content_type = metrics.render(accept)
    except SfPoliceError as error:
        return _failure(in_reach(f"{error}" if error.remedy else f"{error}: run `make doctor`"))
    except Exception as error:
        # What is damaged in a way that nobody has thought of must not end a server that others use.
        _LOG.exception("the metrics cannot be read")
        return _failure(f"the metrics cannot be read ({type(error).__name__}): see -v, on standard error")
    return Response(200, content_type, body)


def _failure(line: str) -> Response:
    return Response(503, "text/plain; charset=utf-8", f"error: {line}\n".encode())


def _no_store(database: Database) -> SfPoliceError:
    if database.is_held():
        return SfPoliceError(f"{database.where} is about to be made: its stream is starting", remedy="ask again soon")
    return SfPoliceError(f"no {database.where.removeprefix('the ')}", remedy="run `make run-stream`")


def lag_of(topic: Topic | None, settings: Mapping[str, Any], last: Batch | None) -> dict[int, int]:
    """Return by partition how many records the stream has not read yet; empty where it cannot be known.

    Args:
        topic: as the brokers have it; None if they have not answered, or have none of the name.
        settings: of the stream.
        last: its newest batch.
    """
    if topic is None or topic.topic_id != settings.get("topic_id"):
        return {}
    positions = last.end_offsets if last else {}
    # Where a stream from the latest offsets starts is known once it has a batch.
    if not positions and (last or settings.get("starting_offsets") != "earliest"):
        return {}
    # An added partition is read from its start.
    return {
        each.number: max(0, each.next_offset - positions.get(str(each.number), each.first_offset))
        for each in topic.partitions
    }


def metrics_of(facts: Facts) -> Iterator[Metric]:
    """Yield every metric of these facts; what is unknown is left out, as 0 would be a figure."""
    yield from _of_batches(facts.totals)
    yield from _of_last_batch(facts.totals.last)
    lag = GaugeMetricFamily(
        "sf_police_consumer_lag_records",
        "Records of the topic that the stream has not read yet; absent while the brokers do not answer, or if their "
        "topic is not the stream's.",
        labels=["partition"],
    )
    for partition, records in facts.lag.items():
        lag.add_metric([str(partition)], records)
    yield lag
    yield GaugeMetricFamily(
        "sf_police_broker_reachable", "1 if the brokers have answered this scrape in time.", facts.is_reachable
    )
    yield GaugeMetricFamily(
        "sf_police_books_balanced",
        "1 if every record that was read is accounted for, and the tables agree with the micro-batches.",
        facts.totals.books.is_balanced,
    )
    yield GaugeMetricFamily(
        "sf_police_stream_running", "1 if a stream holds the store: it is running, or about to.", facts.is_running
    )
    version = facts.totals.last.version if facts.totals.last else ""
    yield InfoMetricFamily(
        "sf_police_store",
        "The version that stored the newest micro-batch, the question, and the topic.",
        {"version": version, "question": facts.question, "topic": facts.topic},
    )


def _of_batches(totals: Totals) -> Iterator[Metric]:
    records = CounterMetricFamily(
        "sf_police_records",
        "Records read from the topic, by what became of them; their sum is the number of records read.",
        labels=["outcome"],
    )
    for outcome in OUTCOMES:
        records.add_metric([outcome], getattr(totals.books, outcome))
    yield records
    yield CounterMetricFamily("sf_police_batches", "Micro-batches in the store.", totals.batches)
    within = zip(map(str, BOUNDS_S), totals.batches_within, strict=True)
    yield HistogramMetricFamily(
        "sf_police_batch_duration_seconds",
        "Seconds from the start of a micro-batch until its counts are ready to be stored.",
        buckets=[*within, ("+Inf", totals.batches)],
        sum_value=totals.milliseconds / 1000,
    )


def _of_last_batch(last: Batch | None) -> Iterator[Metric]:
    if last is None:
        return
    if last.watermark is not None:
        yield GaugeMetricFamily(
            "sf_police_watermark_timestamp_seconds",
            "The watermark of the newest micro-batch: wall clock of the records, taken as if it were UTC.",
            _unix_seconds(last.watermark),
        )
    if last.state_rows is not None:
        yield GaugeMetricFamily(
            "sf_police_state_rows", "Records that the stream remembers, to find duplicates.", last.state_rows
        )
    if last.committed_at is not None:
        yield GaugeMetricFamily(
            "sf_police_last_commit_timestamp_seconds",
            "When the newest micro-batch was stored.",
            _unix_seconds(last.committed_at),
        )


def _unix_seconds(time: datetime) -> float:
    return time.replace(tzinfo=UTC).timestamp()
