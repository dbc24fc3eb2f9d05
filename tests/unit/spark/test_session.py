"""The session's options, without a session."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pyspark
import pytest
from pyspark.sql import SparkSession

from sf_police.errors import SfPoliceError, UsageError
from sf_police.spark.jvm import s3_folder
from sf_police.spark.options import spark_options
from sf_police.spark.session import _executor_options, _with_properties, create_session
from tests.support.question import resolve


@pytest.fixture
def jars_dir(tmp_path: Path) -> str:
    jar = tmp_path / f"connector-{pyspark.__version__}" / "connector.jar"
    jar.parent.mkdir()
    jar.touch()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("max_offsets", "is_compiled"), [(None, True), ("200", False), ("5000", False), ("5001", True)]
)
def test_code_is_compiled_for_micro_batches_that_are_worth_it(
    jars_dir: str, max_offsets: str | None, is_compiled: bool
) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, "max_offsets_per_trigger": max_offsets}))
    assert options.get("spark.sql.codegen.factoryMode", "FALLBACK") == ("FALLBACK" if is_compiled else "NO_CODEGEN")
    assert options.get("spark.sql.codegen.wholeStage", "true") == ("true" if is_compiled else "false")


@pytest.mark.parametrize(("memory", "half"), [("2g", "1024m"), ("1G", "512m"), ("700m", "350m"), ("15M", "7m")])
def test_a_micro_batchs_counts_may_take_half_of_the_drivers_memory(jars_dir: str, memory: str, half: str) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, "spark_driver_memory": memory}))

    assert options["spark.driver.maxResultSize"] == half


@pytest.mark.parametrize("master", ["local[2]", "spark://localhost:7077"])
@pytest.mark.parametrize(("form", "is_json"), [("text", False), ("json", True)])
def test_sparks_log_has_the_form_of_messages(jars_dir: str, master: str, form: str, is_json: bool) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, "spark_master": master, "log_format": form}))

    given = options.get("spark.driver.extraJavaOptions", "")
    assert ("-Dlog4j2.configurationFile=classpath:org/apache/spark/log4j2-json-layout.properties" in given) is is_json


@pytest.mark.parametrize(("records", "is_short"), [(0, True), (1_000_000, True), (1_000_001, False), (None, False)])
def test_a_long_run_starts_with_all_of_its_heap(jars_dir: str, records: int | None, is_short: bool) -> None:
    config = resolve({"jars_dir": jars_dir, "spark_driver_memory": "3g"})
    java_options = spark_options(config, records=records)["spark.driver.extraJavaOptions"].split()
    assert ("-Xms3g" in java_options) != is_short
    assert ("-XX:TieredStopAtLevel=1" in java_options) == is_short


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "file:///"),
        ({"checkpoint": "hdfs://namenode/checkpoint"}, None),
        ({"spark_master": "yarn"}, None),
    ],
    ids=["all on this machine", "a checkpoint elsewhere", "a cluster"],
)
def test_hadoops_default_is_this_machine_where_all_runs_here(
    jars_dir: str, settings: dict[str, str], expected: str | None
) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, **settings}))

    assert options.get("spark.hadoop.fs.defaultFS") == expected


@pytest.mark.parametrize(
    ("checkpoint", "are_loaded"), [("s3a://bucket/checkpoint", True), ("hdfs://namenode/checkpoint", False)]
)
def test_the_jars_for_s3a_are_loaded_for_a_checkpoint_there(checkpoint: str, are_loaded: bool, jars_dir: str) -> None:
    jar = Path(jars_dir) / s3_folder() / "hadoop-aws.jar"
    jar.parent.mkdir()
    jar.touch()
    config = resolve({"jars_dir": jars_dir, "checkpoint": checkpoint})

    options = spark_options(config)

    assert options.get("spark.jars") == (str(jar) if are_loaded else None)
    assert str(jar) not in options["spark.driver.extraClassPath"]  # else the archive of classes would not fit
    assert (str(jar) in spark_options(replace(config, spark_master="yarn"))["spark.jars"]) == are_loaded


@pytest.mark.parametrize(
    ("master", "is_loopback"),
    [
        ("local[2]", True), ("spark://localhost:7077", True), ("spark://127.0.0.1:7077", True),
        ("spark://[::1]:7077", True), ("spark://127.0.0.1.example:7077", False),
        ("spark://localhost:7077,other:7077", False), ("spark://10.0.0.1:7077", False), ("yarn", False),
        ("local", True), ("local-cluster[2,1,1024]", True), ("localhost", False),
    ],
)  # fmt: skip
def test_with_a_master_on_loopback_so_is_the_driver(jars_dir: str, master: str, is_loopback: bool) -> None:
    config = resolve({"jars_dir": jars_dir, "spark_master": master})
    options = spark_options(config)

    assert config.has_loopback_master is is_loopback
    assert [options.get(f"spark.driver.{name}") for name in ("host", "bindAddress")] == (
        ["127.0.0.1"] * 2 if is_loopback else [None] * 2
    )


def test_a_user_without_a_name_is_refused_before_a_jvm_is_started(
    jars_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getpwuid(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", getpwuid)
    with pytest.raises(
        SfPoliceError, match=r"^the user id \d+ has no name, and Hadoop needs one: add it to /etc/passwd"
    ):
        create_session(resolve({"jars_dir": jars_dir, "state_dir": str(tmp_path / "state")}))
    assert not (tmp_path / "state").exists()


def test_system_properties_are_set_in_the_driver_unless_the_user_has() -> None:
    properties = {"set.by.the.user": "theirs"}
    system = SimpleNamespace(getProperty=properties.get, setProperty=properties.__setitem__)
    session = SimpleNamespace(_jvm=SimpleNamespace(java=SimpleNamespace(lang=SimpleNamespace(System=system))))

    _with_properties(cast(SparkSession, session), {"set.by.the.user": "ours", "allowed.urls": "https://x.example/"})

    assert properties == {"set.by.the.user": "theirs", "allowed.urls": "https://x.example/"}


def test_executors_get_system_properties() -> None:
    name = "spark.executor.extraJavaOptions"

    assert _executor_options({}) == _executor_options(None, before="-Xss2m") == {}
    assert _executor_options({"url": "file:///a b"}) == {name: '"-Durl=file:///a b"'}
    assert _executor_options({"url": "x"}, before="-Xss2m") == {name: "-Xss2m -Durl=x"}


@pytest.mark.parametrize("master", ["local-cluster[2,1,1024]", "spark://127.0.0.1:7077", "yarn"])
def test_executors_of_another_process_are_sent_the_jars(jars_dir: str, master: str) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, "spark_master": master}))

    assert options["spark.jars"].endswith("/connector.jar")
    assert "spark.driver.extraClassPath" not in options


def test_spark_submit_has_options_of_its_own(jars_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    config = resolve({"jars_dir": jars_dir, "state_dir": str(tmp_path)})

    with pytest.raises(UsageError, match="^SPARK_CONF does not count under spark-submit: give its options to spark-su"):
        create_session(config, user_options={"spark.executor.memory": "2g"})


@pytest.mark.parametrize(
    ("settings", "file_system"),
    [({}, "RawLocalFileSystem"), ({"state_store": "rocksdb"}, None), ({"checkpoint": "hdfs://n/c"}, None)],
    ids=["memory", "rocksdb", "a checkpoint elsewhere"],
)
def test_hadoops_local_file_system_is_replaced_for_a_state_in_memory_alone(
    jars_dir: str, settings: dict[str, str], file_system: str | None
) -> None:
    options = spark_options(resolve({"jars_dir": jars_dir, **settings}))

    provider = options["spark.sql.streaming.stateStore.providerClass"].rpartition(".")[2]
    assert provider == ("RocksDBStateStoreProvider" if "state_store" in settings else "HDFSBackedStateStoreProvider")
    found = options.get("spark.hadoop.fs.file.impl")
    assert (found and found.rpartition(".")[2]) == file_system
    assert ("spark.sql.streaming.checkpointFileManagerClass" in options) == (file_system is not None)
