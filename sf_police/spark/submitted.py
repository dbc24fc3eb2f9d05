"""A run that spark-submit has started: its JVM is there already, with the submit's own master, memory and jars.

They are asked of that JVM, as the submit may have them from its command line, from spark-defaults.conf or from a
cluster's own files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pyspark
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from sf_police import environment
from sf_police.config import Config
from sf_police.errors import SfPoliceError, UsageError
from sf_police.spark.failures import start_failure

# A class of each jar that the connector consists of: `--jars` may name some of them only.
_CONNECTOR: Final = (
    "org.apache.spark.sql.kafka010.KafkaSourceProvider",
    "org.apache.spark.kafka010.KafkaTokenUtil",
    "org.apache.kafka.clients.consumer.KafkaConsumer",
    "org.apache.commons.pool2.impl.GenericKeyedObjectPool",
)
# Settings that the submit decides, and how it is told.
DECIDED: Final = {
    "spark_driver_memory": "give spark-submit --driver-memory",
    "jars_dir": "give spark-submit --packages or --jars",
    "java_home": "set JAVA_HOME for spark-submit",
}


def is_submitted() -> bool:
    """Whether spark-submit has started this process."""
    return environment.is_submitted(os.environ)


@cache
def gateway() -> Any:
    """Connect to the submit's JVM, once."""
    return launch_gateway()  # type: ignore[no-untyped-call]


def option(name: str) -> str | None:
    """Return one of the submit's own options of Spark; None if it has none of this name."""
    text = gateway().jvm.java.lang.System.getProperty(name)
    return None if text is None else str(text)


def settled(config: Config, *, given: Collection[str], say: Callable[[str], None]) -> Config:
    """Return the settings with the master and the memory that the submit has.

    Args:
        config: the settings.
        given: the names of those that the user has set.
        say: is told which of them do not count.

    Raises:
        UsageError: SPARK_MASTER is set, and is not the submit's master.
        SfPoliceError: the submit is of another Spark.
    """
    ensure_version(pyspark.__version__)
    master = option("spark.master") or config.spark_master
    if "spark_master" in given and config.spark_master != master:
        raise UsageError(
            f"SPARK_MASTER={config.spark_master} is not spark-submit's master, {master}",
            remedy="name it by spark-submit's --master alone",
        )
    for name, instead in DECIDED.items():
        if name in given:
            say(f"note: {name.upper()} does not count under spark-submit: {instead}")
    return replace(config, spark_master=master, spark_driver_memory=option("spark.driver.memory") or "1g")


def ensure_version(version: str) -> None:
    """Raise SfPoliceError if this is not the Spark whose plans and connector we know; its patches may differ."""
    from sf_police.spark import jars  # with what downloads need, which no other start of a session waits for

    connector = next(iter(jars.checksums(broker=False))).partition("/")[0]
    wanted = connector.removeprefix("connector-").rpartition(".")[0]
    if version.rpartition(".")[0] != wanted:
        raise SfPoliceError(
            f"this spark-submit is of Spark {version}, not {wanted}", remedy=f"use the one of Spark {wanted}"
        )


def ensure_connector() -> None:
    """Raise SfPoliceError if Spark's Kafka connector is not on the submit's class path, or only a part of it."""
    loader = gateway().jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for name in _CONNECTOR:
        try:
            loader.loadClass(name)
        except Py4JJavaError:
            raise SfPoliceError(
                f"spark-submit has no Kafka connector (no class {name})",
                remedy=f"add `--packages {coordinates()}`, or its jars by --jars",
            ) from None


def coordinates() -> str:
    """Return the connector of this Spark as `--packages` names it."""
    return f"org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark.__version__}"


def start_session(config: Config, options: Mapping[str, str], *, pinned: Collection[str]) -> SparkSession:
    """Start the session in the submit's JVM.

    Args:
        config: the settings, for messages.
        options: ours.
        pinned: those of them that results depend on, or the books; any other one is the submit's, if it has it.

    Raises:
        SfPoliceError: there is no connector, or Spark does not start.
    """
    ensure_connector()
    own = {name: text for name, text in options.items() if name in pinned or option(name) is None}
    conf = SparkConf(loadDefaults=False).setAll(list(own.items()))
    try:
        return SparkSession(SparkContext(conf=conf, gateway=gateway()))
    except Exception as error:
        where = "what spark-submit wrote"
        raise start_failure("", error, master=config.spark_master, log_file=where) from error
