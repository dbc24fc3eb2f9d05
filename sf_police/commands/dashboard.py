"""The command `dashboard`: serves a page on the store, while a stream runs or after. Writes nothing to the store."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from sf_police.commands.run import Run, missing_extra, say
from sf_police.errors import SfPoliceError
from sf_police.page.hosts import address, own_names, say_if_open

if TYPE_CHECKING:
    from sf_police.store.database import Database
    from sf_police.trace.journey import Found

_SECONDS_BETWEEN_LOOKS: Final = 0.2


def dashboard(run: Run) -> int:
    """Serve the page until Ctrl-C."""
    try:
        from sf_police.page.server import Page, Server, listening
    except ImportError as error:
        raise missing_extra("dashboard", error) from error
    from sf_police.page.assets import ready_assets
    from sf_police.page.metrics import StoreMetrics
    from sf_police.page.tracing import Tracing
    from sf_police.page.watch import Watcher
    from sf_police.store.answers import StoreReader
    from sf_police.store.database import open_database
    from sf_police.topic.clients import kafka_access
    from sf_police.topic.probe import TopicProbe

    config, stop = run.config, run.stop
    host, port = config.dashboard_host, config.dashboard_port
    assets = ready_assets(config.jars_dir, run.question, say=say)
    listener = listening(host, port)
    store = open_database(config.store, run.question, config.store_schema, is_read_only=True)
    with closing(store) as database:
        watcher = Watcher(database)
        metrics = StoreMetrics(StoreReader(database), TopicProbe(kafka_access(config), config.kafka_topic))
        page = Page(watcher, run.question, assets, metrics, Tracing(partial(_traced, run, database), run.question))
        watcher.on_change = page.wake
        with stop.awaited(), watcher, Server(page.app(own_names(host)), listener) as server:
            say(f"dashboard: {address(host, port)} (Ctrl-C ends it)")
            say_if_open(host, port, what="store", setting="DASHBOARD_HOST", say=say)
            while not stop.is_set() and server.is_running_after(_SECONDS_BETWEEN_LOOKS):
                pass
            page.end()
    if not stop.is_set():
        raise SfPoliceError("the dashboard's server has ended by itself", remedy="run it again with -v")
    return 0


def _traced(run: Run, database: Database, wanted: str) -> Found:
    from sf_police.commands.trace import tracer_of

    # Each look at the page would say again whose columns the file has.
    return tracer_of(run, database, say=lambda _: None).by_id(wanted)


def make_page(run: Run) -> int:
    """Make the page's charts, if they are not there yet."""
    from sf_police.page.assets import ready_assets

    ready_assets(run.config.jars_dir, run.question, say=say)
    return 0
