"""Creates the class archive that `spark/jvm.py` describes and uses.

Runs the pipeline once, and has the JVM archive the classes that it loaded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from pyspark.sql import DataFrame

from sf_police.config import Config
from sf_police.errors import SfPoliceError
from sf_police.lock import locked
from sf_police.question import Question
from sf_police.spark import jvm
from sf_police.spark.session import create_session, stop_session
from sf_police.stream.pipeline import accepted_rows, added_counts

# The JVM writes the archive as it ends: seconds, but minutes where many others share the processor.
_LONGEST_WRITE_S: Final = 900.0
_RECORD_SCHEMA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"


def create_archive(config: Config, question: Question, *, say: Callable[[str], None]) -> None:
    """Create the archive unless it already exists. Spark works without one, so not being able to is no error.

    Args:
        config: where Java and the jars are.
        question: whose pipeline is run.
        say: shows a line to the user.
    """
    path = jvm.archive_path(config)
    if path.exists():
        return
    with ExitStack() as held:
        try:
            # Three `make` at once would each take the time, on as many cores.
            held.enter_context(locked(path.parent / "lock", "another process is creating it", remedy=""))
        except SfPoliceError as error:
            say(f"no archive of Spark's classes yet: {error.what}; Spark starts more slowly, but works the same")
            return
        if path.exists():
            return
        say("creating the archive of Spark's classes, which halves Spark's start (once; about a minute)")
        if not _create(path, config, question):
            say("this Java cannot create a class archive: Spark starts more slowly, but works the same")


def _create(path: Path, config: Config, question: Question) -> bool:
    for part in path.parent.glob("*.part"):  # of a process that was killed
        part.unlink()
    part = path.with_suffix(".part")
    with tempfile.TemporaryDirectory() as folder:
        _rehearse(config, question, Path(folder), jvm.quoted(f"-XX:ArchiveClassesAtExit={part}"))
    if not part.exists():
        return False
    for outdated in outdated_archives(path.parent):
        outdated.unlink()
        outdated.with_suffix(".json").unlink()
    made_for = {"java": str(jvm.java_program(config)), "jars": [str(jar) for jar in jvm.connector_jars(config)]}
    path.with_suffix(".json").write_text(json.dumps(made_for), "utf-8")
    part.replace(path)
    return True


def outdated_archives(folder: Path) -> list[Path]:
    """Return the archives whose Java or jars are no more. Those of another JARS_DIR or JAVA_HOME are in use there."""
    found = []
    for archive in sorted(folder.glob("spark-*.jsa")):
        record = archive.with_suffix(".json")
        # One without a record is of an older version, and may be in use; it goes with the venv.
        if record.exists() and not _is_current(archive.stem, json.loads(record.read_text("utf-8"))):
            found.append(archive)
    return found


def _is_current(name: str, made_for: dict[str, Any]) -> bool:
    try:
        return jvm.archive_name(Path(made_for["java"]), [Path(jar) for jar in made_for["jars"]]) == name
    except OSError:
        return False


def _rehearse(config: Config, question: Question, folder: Path, java_option: str) -> None:
    # The real stream, but from a file, so that no broker is needed. The Kafka client's classes are loaded by a consumer
    # that never connects.
    session = create_session(config, records=0, more_java_options=java_option)
    try:
        records = session.sql(
            "SELECT CAST('{}' AS BINARY) AS value, 't' AS topic, 0 AS partition, 0L AS offset, now() AS timestamp"
        )
        records.write.parquet(str(folder / "records"))
        stream = session.readStream.schema(_RECORD_SCHEMA).parquet(str(folder / "records"))
        rows = accepted_rows(stream, question=question, watermark=config.watermark)
        writer = rows.writeStream.option("checkpointLocation", str(folder / "checkpoint"))

        def count(frame: DataFrame, _: int) -> None:
            added_counts(frame, question=question, window=config.window).toArrow()

        writer.foreachBatch(count).trigger(availableNow=True).start().awaitTermination()
        session.readStream.format("kafka").options(
            **{"kafka.bootstrap.servers": "localhost:1", "subscribe": "t"}
        ).load()
        java: Any = session._jvm
        settings = java.java.util.Properties()
        settings.put("bootstrap.servers", "localhost:1")
        for name in ("key", "value"):
            settings.put(f"{name}.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer")
        java.org.apache.kafka.clients.consumer.KafkaConsumer(settings).close()
    finally:
        stop_session(session, seconds=_LONGEST_WRITE_S)
