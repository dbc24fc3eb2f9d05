"""The SparkSession: what the pipeline relies on, what makes small micro-batches cheap, and where the jars are."""

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

# What the pipeline's meaning rests on; its tests set the same.
MEANING: Final = {
    # Event times are wall clock. Any other zone would shift them, or lose the hour in which its clocks change.
    "spark.sql.session.timeZone": "UTC",
    # A name that stands twice is for the parser to judge: only the required fields must be there once.
    "spark.sql.variant.allowDuplicateKeys": "true",
}

_STREAMING: Final = {
    # In update mode a batch without data changes no count; it would cost as much as one with data.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.adaptive.enabled": "false",
    # PySpark's own WARN is a filter before the console: every INFO message would be made, and then thrown away.
    "spark.log.level": "WARN",
    # A task leaves what it fetched beyond its records to the one that goes on there: at once or never. Spark keeps it
    # for five minutes, which in a stream at full speed is more than its heap.
    "spark.kafka.consumer.fetchedData.cache.timeout": "10s",
    "spark.kafka.consumer.fetchedData.cache.evictorThreadRunInterval": "5s",
    # What is secret in a client.properties file stays out of the UI and the logs.
    "spark.redaction.regex": "(?i)secret|password|passphrase|token|access[.]?key|jaas",
}

# The watermark stands in the code that Spark generates, so parts of it are compiled anew for each micro-batch: with few
# records that takes longer than to interpret the expressions.
_INTERPRETED: Final = {"spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.codegen.wholeStage": "false"}

# Spark's default goes through Hadoop's FileContext, which forks a process for each file where Hadoop's native library
# is missing: half of a small micro-batch's time.
_LOCAL_CHECKPOINT: Final = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}


def spark_options(config: Config, *, records: int | None = None) -> dict[str, str]:
    """Every option that the session is made with; `records` as in `jvm.java_options`."""
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
        # Both, or Spark looks up the machine's name, which many laptops cannot resolve.
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        options["spark.driver.extraClassPath"] = os.pathsep.join(jars)
        options["spark.driver.extraJavaOptions"] = jvm.java_options(config, records=records)
    else:
        options["spark.jars"] = ",".join(jars)
    return options


def create_session(config: Config, *, records: int | None = None, more_java_options: str = "") -> SparkSession:
    """Start the JVM and the session. What they print goes to STATE_DIR/spark.log.

    Args:
        config: the settings.
        records: how many the run is going to read; None when it goes on and on.
        more_java_options: of a local master's JVM.

    Raises:
        SfPoliceError: Java or the jars are missing, or Spark does not start.
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
            raise SfPoliceError(f"Spark does not start: {said}; see {log}, or try `make doctor`") from error
        except Exception as error:
            said = (str(error).splitlines() or [repr(error)])[-1].strip()
            raise SfPoliceError(f"Spark does not start with {config.spark_master}: {said}; see {log}") from error
    return SparkSession(context)


def stop_session(session: SparkSession) -> None:
    """Stop the session, and its JVM, which would otherwise outlive it until Python exits."""
    gateway: Any = session.sparkContext._gateway
    with suppress(Py4JError, OSError):  # the JVM may have ended already
        session.stop()
    gateway.shutdown()
    # The JVM ends when its standard input does.
    gateway.proc.stdin.close()
    gateway.proc.wait(_JVM_END_S)
    # A later session of this process gets a JVM of its own.
    SparkContext._gateway = SparkContext._jvm = None


def _last_words(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else "no word from Java"
