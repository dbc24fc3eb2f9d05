"""The SparkSession: what the pipeline relies on, what makes small micro-batches cheap, and where the jars are.

The JVM's own options are in `jvm.py`, the Kafka source's in `stream/source.py`.
"""

from __future__ import annotations

import locale
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import pyspark
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from sf_police import environment
from sf_police.config import Config
from sf_police.errors import SfPoliceError, UsageError
from sf_police.spark import gateway, jvm, submitted
from sf_police.spark.failures import start_failure
from sf_police.spark.log import SparkLog
from sf_police.spark.merging import java_options_of_driver, merged
from sf_police.spark.state_store import PINNED, state_store_options

# Options that the pipeline's results depend on; its tests set the same.
MEANING: Final = {
    # Event times are wall clock. Any other zone would shift them, or lose the hour in which its clocks change.
    "spark.sql.session.timeZone": "UTC",
    # A name that appears twice is left to the parser, as only the required fields must be unique.
    "spark.sql.variant.allowDuplicateKeys": "true",
}

_STREAMING: Final = {
    # A batch without data counts nothing, but costs as much as one with data.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.adaptive.enabled": "false",
    # PySpark looks up the line of Python that made each column, and tells the JVM: for the plan of a stream and of each
    # micro-batch, hundreds of round trips that only an error message of a wrong plan would use.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # PySpark's own WARN only filters the console: every INFO message would still be built, then discarded.
    "spark.log.level": "WARN",
    # What a task fetched beyond its own records is kept for the task that continues there, which comes at once or
    # never. Spark's five minutes of it would fill the heap of a stream at full speed.
    "spark.kafka.consumer.fetchedData.cache.timeout": "10s",
    "spark.kafka.consumer.fetchedData.cache.evictorThreadRunInterval": "5s",
    # Keeps the secrets of a client.properties file out of the UI and the logs.
    "spark.redaction.regex": "(?i)secret|password|passphrase|token|access[.]?key|jaas|keystore[.]key",
}

# The watermark is part of the code that Spark generates, so some of it is recompiled for every micro-batch: with few
# records that takes longer than interpreting the expressions.
_INTERPRETED: Final = {"spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.codegen.wholeStage": "false"}
# A submit's own options stay, but for these: results, books and secrets depend on them.
_PINNED: Final = (
    *MEANING, *PINNED, "spark.sql.streaming.noDataMicroBatches.enabled", "spark.sql.adaptive.enabled",
    "spark.redaction.regex",
)  # fmt: skip
_OF_EXECUTORS: Final = "spark.executor.extraJavaOptions"


def session_options(config: Config) -> dict[str, str]:
    """Return the options of the stream itself, which hold under spark-submit, too."""
    options = {**MEANING, **_STREAMING, **state_store_options(config)}
    if config.has_small_batches:
        options |= _INTERPRETED
    return options


def spark_options(config: Config, *, records: int | None = None, has_collector: bool = False) -> dict[str, str]:
    """Return every option of a session in a JVM of our own; `records` and `has_collector` as in `jvm.java_options`."""
    jars = [str(jar) for jar in jvm.connector_jars(config)]
    options = {**session_options(config), "spark.app.name": "sf-police"}
    options["spark.driver.memory"] = config.spark_driver_memory
    options |= {"spark.ui.enabled": "false", **_ui_options(config), "spark.ui.showConsoleProgress": "false"}
    # What a task of a micro-batch may hand over at once: as its default is of the default memory. One setting for both.
    options["spark.driver.maxResultSize"] = f"{_megabytes(config.spark_driver_memory) // 2}m"
    if config.is_local_master and config.local_checkpoint:
        # HADOOP_CONF_DIR may name a cluster, to which every path without a scheme would belong.
        options["spark.hadoop.fs.defaultFS"] = "file:///"
    if config.has_loopback_master:
        # With only one of them, Spark looks up the machine's name, which many laptops cannot resolve.
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    if config.is_local_master:
        options["spark.driver.extraClassPath"] = os.pathsep.join(jars)
        options["spark.driver.extraJavaOptions"] = jvm.java_options(
            config, records=records, has_collector=has_collector
        )
    else:
        options["spark.jars"] = ",".join(jars)
        if config.log_format == "json":
            options["spark.driver.extraJavaOptions"] = " ".join(jvm.log_options(config))
    return options


def _ui_options(config: Config) -> dict[str, str]:
    return {"spark.ui.enabled": "true", "spark.ui.port": str(config.spark_ui_port)} if config.spark_ui_port else {}


def _megabytes(memory: str) -> int:
    return int(memory[:-1]) * (1024 if memory[-1] in "gG" else 1)


def create_session(
    config: Config,
    *,
    records: int | None = None,
    more_java_options: str = "",
    java_properties: Mapping[str, str] | None = None,
    user_options: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start the JVM and the session; their output goes to STATE_DIR/spark.log.

    Under spark-submit the JVM runs already, with the submit's own master, memory and jars.

    Args:
        config: the settings.
        records: how many the run will read; None if it has no end.
        more_java_options: extra options for a local master's JVM.
        java_properties: system properties of the driver's JVM, and of the executors'.
        user_options: Spark's options by name; they win over ours.

    Raises:
        UsageError: there are `user_options`, but spark-submit has options of its own.
        SfPoliceError: Java or the jars are missing, the user has no name, or Spark cannot start.
    """
    # What `cli.py` has settled already holds for a session without it, too.
    environ = environment.inherited(os.environ, python=sys.executable, encoding=locale.getencoding())
    if environment.is_submitted(environ):
        if user_options:
            raise UsageError("SPARK_CONF does not count under spark-submit", remedy="give its options to spark-submit")
        if more_java_options:
            raise SfPoliceError("spark-submit's JVM takes no more options", remedy="run this without spark-submit")
        return _submitted_session(config, java_properties)
    java = jvm.java_program(config)
    jvm.ensure_user_name()
    given = user_options or {}
    has_collector = environment.chooses_collector(environ, java_options_of_driver(given))
    options = merged(spark_options(config, records=records, has_collector=has_collector), given)
    if more_java_options:
        options["spark.driver.extraJavaOptions"] += f" {more_java_options}"
    if not config.is_local_master:
        options |= _executor_options(java_properties, before=given.get(_OF_EXECUTORS))
    conf = _conf(options).setMaster(config.spark_master)
    environ = environment.for_spark(
        environ,
        spark_home=str(pyspark.__path__[0]),
        java_home=str(config.java_home) if config.java_home else None,
        is_loopback=config.has_loopback_master,
    )
    with SparkLog(config.state_dir).opened() as output:
        session = _started_session(config, conf, java, environ, output)
        _insist_on_log_level(session, given.get("spark.log.level"))
        return _with_properties(session, java_properties)


def _insist_on_log_level(session: SparkSession, level: str | None) -> None:
    # A PySpark shell, which our JVM is to Spark, shows no INFO until its level was changed, and it is at INFO already.
    if level:
        for each in ("ERROR", level):
            session.sparkContext.setLogLevel(each)


def _submitted_session(config: Config, java_properties: Mapping[str, str] | None) -> SparkSession:
    options = {**session_options(config), **_ui_options(config)}
    options |= _executor_options(java_properties, before=submitted.option(_OF_EXECUTORS))
    with _own_handlers():
        session = submitted.start_session(config, options, pinned=(*_PINNED, _OF_EXECUTORS))
    return _with_properties(session, java_properties)


def _executor_options(properties: Mapping[str, str] | None, *, before: str | None = None) -> dict[str, str]:
    if not properties:
        return {}
    options = [jvm.quoted(f"-D{name}={value}") for name, value in properties.items()]
    return {_OF_EXECUTORS: " ".join([*filter(None, [before]), *options])}


def _with_properties(session: SparkSession, properties: Mapping[str, str] | None) -> SparkSession:
    java: Any = session._jvm
    for name, value in (properties or {}).items():
        # One that is there already is the user's own, as by JAVA_TOOL_OPTIONS.
        if java.java.lang.System.getProperty(name) is None:
            java.java.lang.System.setProperty(name, value)
    return session


def _conf(options: dict[str, str]) -> SparkConf:
    return SparkConf(loadDefaults=False).setAll(list(options.items()))


def _started_session(
    config: Config, conf: SparkConf, java: Path, environ: dict[str, str], output: IO[bytes]
) -> SparkSession:
    start = output.tell()
    running: Any = None
    try:
        with _own_handlers():
            running = gateway.start_gateway(conf, java=java, environ=environ, output=output)
            return SparkSession(SparkContext(conf=conf, gateway=running))
    except BaseException as error:
        try:
            if isinstance(error, Exception):
                raise _told(error, config, start) from error
            raise
        finally:
            if running is not None:
                gateway.end(running.proc)
                _forget_gateway()


def _told(error: Exception, config: Config, start: int) -> SfPoliceError:
    # While the JVM still runs, as the exception's text is there.
    log = SparkLog(config.state_dir)
    raised = None if isinstance(error, gateway.JvmEndedError) else error
    return start_failure(log.since(start), raised, master=config.spark_master, log_file=log.path)


@contextmanager
def _own_handlers() -> Iterator[None]:
    # A SparkContext replaces the handler of Ctrl-C.
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def stop_session(session: SparkSession) -> None:
    """Stop the session and its JVM, which would otherwise keep running until Python exits; not spark-submit's."""
    running: Any = session.sparkContext._gateway
    try:
        with suppress(Py4JError, OSError):  # the JVM may have ended already
            session.stop()
        gateway.stop_gateway(running)
    finally:
        if running.proc is not None:
            gateway.end(running.proc)
        _forget_gateway()


def _forget_gateway() -> None:
    # Lets a later session in this process start a JVM of its own.
    SparkContext._gateway = SparkContext._jvm = None
