"""The SparkSession: what the pipeline relies on, what makes small micro-batches cheap, and where the jars are.

The JVM's own options are in `jvm.py`, the Kafka source's in `stream/source.py`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.spark import jvm

_JVM_END_S: Final = 60

# Options that the pipeline's results depend on; its tests set the same.
MEANING: Final = {
    # Event times are wall clock. Any other zone would shift them, or lose the hour in which its clocks change.
    "spark.sql.session.timeZone": "UTC",
    # A name that appears twice is left to the parser, as only the required fields must be unique.
    "spark.sql.variant.allowDuplicateKeys": "true",
}

_STREAMING: Final = {
    # In update mode a batch without data changes no count, but costs as much as one with data.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.adaptive.enabled": "false",
    # PySpark's own WARN only filters the console: every INFO message would still be built, then discarded.
    "spark.log.level": "WARN",
    # What a task fetched beyond its own records is kept for the task that continues there, which comes at once or
    # never. Spark's five minutes of it would fill the heap of a stream at full speed.
    "spark.kafka.consumer.fetchedData.cache.timeout": "10s",
    "spark.kafka.consumer.fetchedData.cache.evictorThreadRunInterval": "5s",
    # Keeps the secrets of a client.properties file out of the UI and the logs.
    "spark.redaction.regex": "(?i)secret|password|passphrase|token|access[.]?key|jaas",
}

# The watermark is part of the code that Spark generates, so some of it is recompiled for every micro-batch: with few
# records that takes longer than interpreting the expressions.
_INTERPRETED: Final = {"spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.codegen.wholeStage": "false"}

# Spark's default goes through Hadoop's FileContext, which, without Hadoop's native library, forks a process for each
# file: half of a small micro-batch's time.
_LOCAL_CHECKPOINT: Final = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}


def spark_options(config: Config, *, records: int | None = None) -> dict[str, str]:
    """Return every option of the session; `records` as in `jvm.java_options`."""
    jars = [str(jar) for jar in jvm.connector_jars(config)]
    options = {**MEANING, **_STREAMING, "spark.driver.memory": config.spark_driver_memory}
    options["spark.ui.enabled"] = "true" if config.spark_ui_port else "false"
    options["spark.ui.showConsoleProgress"] = "false"
    if config.spark_ui_port:
        options["spark.ui.port"] = str(config.spark_ui_port)
    if config.local_checkpoint:
        options |= _LOCAL_CHECKPOINT
    if config.has_small_batches:
        options |= _INTERPRETED
    if config.is_local_master:
        # With only one of them, Spark looks up the machine's name, which many laptops cannot resolve.
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        options["spark.driver.extraClassPath"] = os.pathsep.join(jars)
        options["spark.driver.extraJavaOptions"] = jvm.java_options(config, records=records)
    else:
        options["spark.jars"] = ",".join(jars)
    return options


def create_session(config: Config, *, records: int | None = None, more_java_options: str = "") -> SparkSession:
    """Start the JVM and the session; their output goes to STATE_DIR/spark.log.

    Args:
        config: the settings.
        records: how many the run will read; None if it has no end.
        more_java_options: extra options for a local master's JVM.

    Raises:
        SfPoliceError: Java or the jars are missing, or Spark cannot start.
    """
    jvm.java_program(config)
    conf = SparkConf(loadDefaults=False).setMaster(config.spark_master).setAppName("sf-police")
    for name, value in spark_options(config, records=records).items():
        conf.set(name, f"{value} {more_java_options}".strip() if name == "spark.driver.extraJavaOptions" else value)
    log = config.state_dir / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        start = output.tell()
        try:
            gateway = launch_gateway(conf, {"stdout": output, "stderr": output})  # type: ignore[no-untyped-call]
            context = SparkContext(conf=conf, gateway=gateway)
        except (PySparkRuntimeError, OSError) as error:
            said = _last_words(log, start)
            raise SfPoliceError(f"Spark did not start: {said}", remedy=f"see {log}, or run `make doctor`") from error
        except Exception as error:
            said = (str(error).splitlines() or [repr(error)])[-1].strip()
            raise SfPoliceError(
                f"Spark did not start with SPARK_MASTER={config.spark_master}: {said}", remedy=f"see {log}"
            ) from error
    return SparkSession(context)


def stop_session(session: SparkSession) -> None:
    """Stop the session and its JVM, which would otherwise keep running until Python exits."""
    gateway: Any = session.sparkContext._gateway
    with suppress(Py4JError, OSError):  # the JVM may have ended already
        session.stop()
    gateway.shutdown()
    # The JVM exits when its standard input is closed.
    gateway.proc.stdin.close()
    gateway.proc.wait(_JVM_END_S)
    # Lets a later session in this process start a JVM of its own.
    SparkContext._gateway = SparkContext._jvm = None


def _last_words(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "Java printed nothing"
