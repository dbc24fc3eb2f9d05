"""The SparkSession: started and stopped, in a JVM of our own or in that of a spark-submit."""

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
from sf_police.spark.options import PINNED, session_options, spark_options, ui_options

_OF_EXECUTORS: Final = "spark.executor.extraJavaOptions"


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
    options = {**session_options(config), **ui_options(config)}
    options |= _executor_options(java_properties, before=submitted.option(_OF_EXECUTORS))
    with _own_handlers():
        session = submitted.start_session(config, options, pinned=(*PINNED, _OF_EXECUTORS))
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


def stop_session(session: SparkSession, *, seconds: float = gateway.END_S) -> None:
    """Stop the session and its JVM, which would otherwise keep running until Python exits; not spark-submit's.

    Args:
        session: which one.
        seconds: how long the JVM may take to end.
    """
    running: Any = session.sparkContext._gateway
    try:
        with suppress(Py4JError, OSError):  # the JVM may have ended already
            session.stop()
        gateway.stop_gateway(running, seconds=seconds)
    finally:
        if running.proc is not None:
            gateway.end(running.proc)
        _forget_gateway()


def _forget_gateway() -> None:
    # Lets a later session in this process start a JVM of its own.
    SparkContext._gateway = SparkContext._jvm = None
