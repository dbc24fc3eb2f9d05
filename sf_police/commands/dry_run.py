"""What `stream --dry-run` does: the checks of a start, each in a line; nothing is written, and Spark is not started.

Those of this machine are `doctor`'s, the others the functions that a start itself calls. What cannot be known without
writing or without Spark is said.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from sf_police.checks import existing_folder
from sf_police.commands.metrics import metrics_served
from sf_police.commands.run import Run
from sf_police.config import Config
from sf_police.doctor import OK, TO_DO, WRONG, Check, Finding, machine_checks, topic_finding
from sf_police.errors import SfPoliceError
from sf_police.question import number_of
from sf_police.spark import jvm, submitted
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, open_database
from sf_police.store.rehearsal import ensure_free, ensure_writable
from sf_police.stream import checkpoint, elsewhere, startup
from sf_police.stream.compatibility import resumed_settings
from sf_police.stream.filesystems import Folder
from sf_police.stream.query_state import QueryState
from sf_police.topic import admin
from sf_police.topic.clients import kafka_access
from sf_police.topic.rights import READ

_SPARK_MASTER: Final = "spark://"
_CONNECT_S: Final = 2.0


def dry_run(run: Run) -> int:
    """Print a line for each check; return 1 if a start would be refused."""
    is_wrong = False
    for finding in _findings(run):
        print(finding.line, flush=True)
        is_wrong |= finding.state == WRONG
    return 1 if is_wrong else 0


def _findings(run: Run) -> Iterator[Finding]:
    checks: dict[str, Check] = {
        "settings": _settings, **machine_checks(), "jars": _jars, "ports": partial(_ports, run), "topic": topic_finding,
        "store": partial(_store, run), "checkpoint": partial(_checkpoint, run), "master": _master,
    }  # fmt: skip
    has_topic = True
    for name, check in checks.items():
        if name == "checkpoint" and not has_topic:
            yield Finding(name, TO_DO, "not compared with the topic, which is not there to be read")
            continue
        try:
            yield check(run.config)
        except SfPoliceError as error:  # of a start it would be the end
            has_topic &= name != "topic"
            yield Finding(name, WRONG, error.what, error.remedy)


def _settings(config: Config) -> Finding:
    options = startup.checked_options(config)
    more = f", with {number_of(len(options), 'options')} of SPARK_CONF" if options else ""
    return Finding("settings", OK, f"window {config.window}, watermark {config.watermark}{more}")


def _jars(config: Config) -> Finding:
    if not submitted.is_submitted():
        jvm.connector_jars(config)  # raises if there are none, which to `doctor` is a step not taken yet
    return machine_checks()["jars"](config)


def _ports(run: Run, config: Config) -> Finding:
    with metrics_served(run, QueryState(), say=lambda _: None):
        pass
    metrics = f"METRICS_PORT={config.metrics_port} can be had" if config.metrics_port else "no METRICS_PORT"
    ui = config.spark_ui_port
    if ui and _is_taken(ui):
        text = f"{metrics}; SPARK_UI_PORT={ui} is taken, so Spark would use the next one that is free"
        return Finding("ports", TO_DO, text)
    return Finding("ports", OK, f"{metrics}; {f'SPARK_UI_PORT={ui} can be had' if ui else 'no SPARK_UI_PORT'}")


def _is_taken(port: int) -> bool:
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@contextmanager
def _opened(run: Run) -> Iterator[Database]:
    config = run.config
    with closing(open_database(config.store, run.question, config.store_schema, is_read_only=True)) as database:
        yield database


def _store(run: Run, config: Config) -> Finding:
    with _opened(run) as database:
        ensure_free(database)
        is_there = database.exists()
        refusal = database.refusal() if is_there else None
        if refusal:
            raise refusal
        books = StoreReader(database).books() if is_there else None
    with closing(open_database(config.store, run.question, config.store_schema)) as database:
        ensure_writable(database, expires=config.retention is not None)
    if books is None:
        return Finding("store", OK, f"{database.where.removeprefix('the ')} would be made")
    return Finding("store", OK, f"{number_of(books.counted, run.question.rows)} counted in {database.where}")


def _checkpoint(run: Run, config: Config) -> Finding:
    checkpoint.ensure_free(config.checkpoint, config.state_dir)
    topic = admin.describe_topic(kafka_access(config), config.kafka_topic, needs=[READ])
    said: list[str] = []
    with _opened(run) as database, _folder(config, said.append) as folder:
        stored = resumed_settings(config, topic, folder, StoreReader(database), say=said.append)
        planned, committed = checkpoint.steps(folder)
    if config.local_checkpoint and not os.access(existing_folder(config.local_checkpoint), os.W_OK):
        place = existing_folder(config.local_checkpoint)
        raise SfPoliceError(f"{place} is not writable", remedy="set CHECKPOINT or STATE_DIR to another folder")
    more = "".join(f"; {line}" for line in said)
    if stored is None:
        return Finding("checkpoint", OK, f"{config.checkpoint} would be made{more}")
    state = f"at micro-batch {committed}" if planned == committed else f"micro-batch {planned} would run again"
    return Finding("checkpoint", OK, f"{config.checkpoint} belongs to the store, {state}{more}")


@contextmanager
def _folder(config: Config, say: Callable[[str], None]) -> Iterator[Folder]:
    # Elsewhere than on this machine it takes a JVM to look, which writes a log.
    with (
        tempfile.TemporaryDirectory() as temporary,
        elsewhere.checkpoint_folder(replace(config, state_dir=Path(temporary)), say=say) as folder,
    ):
        yield folder


def _master(config: Config) -> Finding:
    master = config.spark_master
    if submitted.is_submitted():
        return Finding("master", OK, f"{master}, spark-submit's own, which runs")
    if config.has_loopback_master and not master.startswith(_SPARK_MASTER):
        return Finding("master", OK, f"{master} is a part of the stream")
    if not master.startswith(_SPARK_MASTER):
        return Finding("master", TO_DO, f"{master} was not asked: only Spark knows how, when it starts")
    reasons = [_refusal(address) for address in master.removeprefix(_SPARK_MASTER).split(",")]
    if all(reasons):
        raise SfPoliceError(
            f"no Spark master answers at {master} ({reasons[0]})",
            remedy="check SPARK_MASTER, or run `make spark-start`",
        )
    return Finding("master", OK, f"{master} answers")


def _refusal(address: str) -> str:
    # Why nothing can be reached there; blank if something can.
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
            return ""
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
