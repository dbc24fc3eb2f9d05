"""Creates the class archive that `spark/jvm.py` describes and uses.

Runs the pipeline once, and has the JVM archive the classes that it loaded.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from sf_police.config import Config
from sf_police.question import Question
from sf_police.spark import jvm
from sf_police.spark.session import create_session, stop_session
from sf_police.stream.pipeline import window_counts

_RECORD_SCHEMA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"


def create_archive(config: Config, question: Question) -> Path | None:
    """Create the archive unless it already exists; return its path, or None if this JVM cannot create one."""
    path = jvm.archive_path(config)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    for outdated in path.parent.glob("*.jsa"):
        outdated.unlink()
    part = path.with_suffix(".part")
    with tempfile.TemporaryDirectory() as folder:
        _rehearse(config, question, Path(folder), jvm.quoted(f"-XX:ArchiveClassesAtExit={part}"))
    if not part.exists():
        return None
    part.replace(path)
    return path


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
        counts = window_counts(stream, question=question, window=config.window, watermark=config.watermark)
        writer = counts.writeStream.outputMode("update").option("checkpointLocation", str(folder / "checkpoint"))
        writer.foreachBatch(lambda frame, _: frame.toArrow()).trigger(availableNow=True).start().awaitTermination()
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
        stop_session(session)
