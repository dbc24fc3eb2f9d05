"""What `stream` and `live` serve beside the stream, if METRICS_PORT is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sf_police.commands.run import Run, say
from sf_police.errors import UsageError
from sf_police.page.hosts import say_if_open

if TYPE_CHECKING:
    from sf_police.stream.query_state import QueryState


@contextmanager
def metrics_served(run: Run, query: QueryState, *, say: Callable[[str], None] = say) -> Iterator[None]:
    """Serve metrics and probes for as long as the context lasts, and say where; without METRICS_PORT do nothing.

    Raises:
        UsageError: the package that makes their text is not installed.
        SfPoliceError: the port cannot be had.
    """
    config, port = run.config, run.config.metrics_port
    if port is None:
        yield
        return
    try:
        from sf_police.page.health import StreamHealth
        from sf_police.page.metrics import StoreMetrics
        from sf_police.page.metrics_server import served
    except ModuleNotFoundError as error:
        what = f"METRICS_PORT={port} needs a package that is not installed ({error})"
        raise UsageError(what, remedy="install the extra `dashboard`") from error
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import open_database
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.probe import TopicProbe

    # A store of its own: a scrape never waits for a connection of the stream's, nor the stream for one of a scrape's.
    with closing(open_database(config.store, run.question, config.store_schema)) as database:
        reader, probe = StoreReader(database), TopicProbe(kafka_access(config), config.kafka_topic)
        metrics, health = StoreMetrics(reader, probe), StreamHealth(query, reader, probe)
        with served(metrics, health.probes, port, host=config.metrics_host) as address:
            say(f"metrics: {address}")
            say_if_open(config.metrics_host, port, what="metrics", setting="METRICS_HOST", say=say)
            yield
