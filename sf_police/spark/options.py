"""A session's options: what the pipeline relies on, what makes small micro-batches cheap, and where the jars are.

The JVM's own options are in `jvm.py`, the Kafka source's in `stream/source.py`.
"""

from __future__ import annotations

import os
from typing import Final

from sf_police.config import Config
from sf_police.spark import jvm, state_store

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
PINNED: Final = (
    *MEANING, *state_store.PINNED, "spark.sql.streaming.noDataMicroBatches.enabled", "spark.sql.adaptive.enabled",
    "spark.redaction.regex",
)  # fmt: skip


def session_options(config: Config) -> dict[str, str]:
    """Return the options of the stream itself, which hold under spark-submit, too."""
    options = {**MEANING, **_STREAMING, **state_store.state_store_options(config)}
    if config.has_small_batches:
        options |= _INTERPRETED
    return options


def spark_options(config: Config, *, records: int | None = None, has_collector: bool = False) -> dict[str, str]:
    """Return every option of a session in a JVM of our own; `records` and `has_collector` as in `jvm.java_options`."""
    jars = [str(jar) for jar in jvm.connector_jars(config)]
    # By Spark's own class loader: on the class path they would make the archive of Spark's classes useless.
    loaded = [str(jar) for jar in jvm.checkpoint_jars(config)]
    options = {**session_options(config), "spark.app.name": "sf-police"}
    options["spark.driver.memory"] = config.spark_driver_memory
    options |= {"spark.ui.enabled": "false", **ui_options(config), "spark.ui.showConsoleProgress": "false"}
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
        loaded = [*jars, *loaded]
        if config.log_format == "json":
            options["spark.driver.extraJavaOptions"] = " ".join(jvm.log_options(config))
    if loaded:
        options["spark.jars"] = ",".join(loaded)
    return options


def ui_options(config: Config) -> dict[str, str]:
    """Return the options of Spark's UI, if it is wanted."""
    return {"spark.ui.enabled": "true", "spark.ui.port": str(config.spark_ui_port)} if config.spark_ui_port else {}


def _megabytes(memory: str) -> int:
    return int(memory[:-1]) * (1024 if memory[-1] in "gG" else 1)
