"""Settings: defaults, checks, and what depends on what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from sf_police.config import local_path
from sf_police.errors import UsageError
from tests.support.question import resolve


def test_defaults() -> None:
    config = resolve({})

    assert config.kafka_bootstrap_servers == "localhost:9092"
    assert config.kafka_topic == "udacity_projects.sf_crime_rate.pd_calls_for_service"
    assert (config.partitions, config.window, config.watermark) == (3, "30 minutes", "10 minutes")
    assert config.data == Path(".run/calls.json")
    assert config.store == f"sqlite:///{Path('.run/answers.db').absolute()}"
    assert config.checkpoint == ".run/checkpoint"
    assert config.until_end is False
    assert config.max_offsets_per_trigger is None


def test_what_is_not_given_follows_what_is() -> None:
    config = resolve({"kafka_port": "19092", "state_dir": "/var/sf"})

    assert config.kafka_bootstrap_servers == "localhost:19092"
    assert config.data == Path("/var/sf/calls.json")
    assert config.store == "sqlite:////var/sf/answers.db"
    assert config.checkpoint == "/var/sf/checkpoint"


def test_a_retention_is_a_length_of_time_that_dates_can_express() -> None:
    assert resolve({}).retained is None
    assert resolve({"retention": "30 days"}).retained == timedelta(days=30)
    with pytest.raises(UsageError, match="RETENTION=5201 weeks: expected at most 5,200 weeks; leave it out to keep"):
        resolve({"retention": "5201 weeks"})


def test_blank_is_not_given() -> None:
    assert resolve({"kafka_topic": "", "state_partitions": " ", "window": None}) == resolve({})


@pytest.mark.parametrize(
    "window", ["1 minute", "10 minutes", "15 minutes", "30 minutes", "1 hour", "90 seconds", "24 hours", "1 day"]
)
def test_windows_that_divide_an_hour_or_are_whole_hours(window: str) -> None:
    assert resolve({"window": window}).window == window


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("window", "0 minutes"),
        ("window", "7 minutes"),
        ("window", "5201 weeks"),
        ("window", "90 minutes"),
        ("window", "30"),
        ("window", "half an hour"),
        ("watermark", "-1 minutes"),
        ("watermark", "1 month"),
        ("trigger", "fast"),
        ("kafka_port", "0"),
        ("kafka_port", "70000"),
        ("kafka_brokers", "10"),
        ("partitions", "0"),
        ("partitions", "three"),
        ("partitions", "1e3"),
        ("state_partitions", "-2"),
        ("max_offsets_per_trigger", "0"),
        ("kafka_bootstrap_servers", "localhost"),
        ("kafka_bootstrap_servers", "localhost:99999"),
        ("kafka_bootstrap_servers", "a:1,,b:2"),
        ("kafka_topic", "no spaces"),
        ("kafka_topic", ".."),
        ("starting_offsets", "middle"),
        ("state_store", "RocksDB"),
        ("store_schema", "Police"),
        ("store_schema", "pg_police"),
        ("store_schema", 'a"b'),
        ("until_end", "yes"),
        ("spark_driver_memory", "much"),
        ("spark_ui_port", "x"),
        ("metrics_port", "65536"),
        ("metrics_host", "not a host"),
        ("log_format", "xml"),
        ("max_ahead", "tomorrow"),
        ("max_ahead", "5201 weeks"),
    ],
)
def test_a_value_that_cannot_be_is_a_usage_error_that_names_it(name: str, text: str) -> None:
    with pytest.raises(UsageError) as error:
        resolve({name: text})
    assert error.value.exit_code == 2
    assert str(error.value).startswith(f"{name.upper()}={text}: expected ")


def test_a_trigger_does_not_go_with_until_end() -> None:
    with pytest.raises(UsageError, match="TRIGGER=5 seconds cannot be combined with UNTIL_END=1"):
        resolve({"trigger": "5 seconds", "until_end": "1"})


@pytest.mark.parametrize(
    ("max_offsets", "are_small"), [(None, False), ("1", True), ("5000", True), ("5001", False), ("690000", False)]
)
def test_micro_batches_are_small_only_when_a_cap_makes_them_so(max_offsets: str | None, are_small: bool) -> None:
    assert resolve({"max_offsets_per_trigger": max_offsets}).has_small_batches == are_small


@pytest.mark.parametrize(
    ("checkpoint", "path"),
    [
        ("/data/check point", "/data/check point"),
        ("a/folder", "a/folder"),
        ("/data/a#b?c", "/data/a#b?c"),
        ("file:/data/checkpoint", "/data/checkpoint"),
        ("file:///data/a%20b", "/data/a%20b"),
        ("file:///data/a#b", "/data/a#b"),
        ("file:///data/a?b", "/data/a?b"),
        ("file://localhost/data", "/data"),
        ("a/b:c", "a/b:c"),
    ],
)
def test_a_checkpoint_on_this_machine_is_the_folder_that_spark_takes(checkpoint: str, path: str) -> None:
    assert local_path(checkpoint) == Path(path)
    assert resolve({"checkpoint": checkpoint}).local_checkpoint == Path(path)


@pytest.mark.parametrize("checkpoint", ["hdfs://namenode/checkpoint", "hdfs:/checkpoint", "s3a://bucket/checkpoint"])
def test_a_checkpoint_of_another_file_system_is_not_on_this_machine(checkpoint: str) -> None:
    assert local_path(checkpoint) is None
    assert resolve({"checkpoint": checkpoint}).local_checkpoint is None


@pytest.mark.parametrize("name", ["state_dir", "checkpoint", "data", "jars_dir"])
def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert str(getattr(resolve({name: "~/x"}), name)) == "/home/me/x"


def test_a_tilde_without_a_home_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda text: text)

    with pytest.raises(UsageError, match=r"^STATE_DIR=~/x: expected a path without ~, as HOME is not set$"):
        resolve({"state_dir": "~/x"})
    assert resolve({}).jars_dir == Path("~/.cache/sf-police/jars")


@pytest.mark.parametrize("name", ["a b", "é & %20 ü", "100%", "why?", "a#b", "%25", "x=1&y"])
def test_the_default_store_is_in_the_state_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    store = resolve({"state_dir": str(tmp_path / name)}).store

    assert make_url(store).database == str(tmp_path / name / "answers.db")
    assert make_url(store).query == {}


@pytest.mark.parametrize("name", ["state_dir", "checkpoint", "store", "jars_dir", "java_home", "spark_master"])
def test_what_java_and_databases_must_read_is_utf_8(name: str) -> None:
    text = b"/tmp/\xff\xfe".decode("utf-8", "surrogateescape")

    with pytest.raises(UsageError, match=f"^{name.upper()}=.*: expected UTF-8 text$") as error:
        resolve({name: f"sqlite:///{text}" if name == "store" else text})
    str(error.value).encode()


def test_a_file_that_only_python_reads_may_have_any_name() -> None:
    text = b"/tmp/\xff\xfe".decode("utf-8", "surrogateescape")

    assert resolve({"data": text}).data == Path(text)
