"""The machinery with the project's own question handed in: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from sf_police import config
from sf_police.calls import QUESTION
from sf_police.config import Config
from sf_police.produce import json_files, records
from sf_police.produce.records import Records
from sf_police.stream import pipeline


def resolve(values: Mapping[str, str | None]) -> Config:
    return config.resolve(values, QUESTION.defaults)


def read_calls(path: Path) -> Iterator[dict[str, Any]]:
    return json_files.read_records(path, required=QUESTION.required)


def event_records(calls: Iterable[dict[str, Any]], folder: Path | None = None, **more: int) -> Records:
    return records.event_records(calls, QUESTION, folder, **more)


def file_records(calls: Iterable[dict[str, Any]], folder: Path | None = None, **more: int) -> Records:
    return records.file_records(calls, QUESTION, folder, **more)


def validated_records(frame: DataFrame, **more: str) -> DataFrame:
    return pipeline.validated_records(frame, question=QUESTION, **more)


def rejected_records(frame: DataFrame) -> DataFrame:
    return pipeline.rejected_records(frame, question=QUESTION)


def call_counts(frame: DataFrame, *, window: str, watermark: str, in_one_task: bool = False) -> DataFrame:
    rows = pipeline.accepted_rows(frame, question=QUESTION, watermark=watermark, in_one_task=in_one_task)
    counts = pipeline.added_counts(rows, question=QUESTION, window=window)
    return counts.select(*QUESTION.stored_columns)
