"""SPARK_CONF: how it is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sf_police.config import Config
from sf_police.errors import UsageError
from sf_police.stream.user_options import user_options, without_effect
from tests.support.question import resolve

SECRET = "c4nary-s3cret"


def given(text: str | Path, **settings: str) -> Config:
    return resolve({"spark_conf": str(text), **settings})


A_LINK = "spark.hadoop.fs.viewfs.mounttable.a.link./b"


def test_without_it_there_are_none() -> None:
    assert user_options(resolve({})) == {}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("spark.executor.memory=2g", {"spark.executor.memory": "2g"}),
        (" spark.a=1  spark.b=x=y\n", {"spark.a": "1", "spark.b": "x=y"}),
        ("spark.jars.packages=a:b:1,c:d:2", {"spark.jars.packages": "a:b:1,c:d:2"}),
        (
            "spark.executor.extraJavaOptions='-Xss2m -Da=\"b c\"' spark.b=1",
            {"spark.executor.extraJavaOptions": '-Xss2m -Da="b c"', "spark.b": "1"},
        ),
        ("spark.a=1 spark.a=2", {"spark.a": "2"}),
        (f"{A_LINK}=file:///c", {A_LINK: "file:///c"}),
    ],
)
def test_options_in_place_are_words_as_in_a_shell(text: str, options: dict[str, str]) -> None:
    assert user_options(given(text)) == options


def test_a_file_is_read_as_spark_reads_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a=b é.conf"
    path.write_text(
        "# a comment\n\nspark.executor.memory   2g\nspark.a=1  \nspark.b: x \\\n  y\n"
        "spark.executor.extraJavaOptions  -Xss2m -Da=b\nspark.c \\u00e9\n",
        "utf-8",
    )

    assert user_options(given(path)) == {
        "spark.executor.memory": "2g",
        "spark.a": "1",
        "spark.b": "x y",
        "spark.executor.extraJavaOptions": "-Xss2m -Da=b",
        "spark.c": "é",
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("spark.a=1,spark.b=2", "SPARK_CONF: the value of spark.a has another option in it: separate options by space"),
        ("spark.a=1 spark.b", "SPARK_CONF: spark.b has no value: say `name=value`"),
        (f"spark.a=x {SECRET}", "SPARK_CONF: a word has no value"),
        ("spark.a=", "SPARK_CONF: spark.a has no value: give it one"),
        ("executor.memory=2g", "SPARK_CONF: executor.memory is no option of Spark: its options begin with `spark.`"),
        ("spark.a='1", "SPARK_CONF: No closing quotation: close the quotes"),
        ("/no/such/file", r"SPARK_CONF=/no/such/file cannot be read \(No such file or directory\): name a file as"),
        ("spark.executor.memory", r"SPARK_CONF=spark.executor.memory cannot be read \(No such file or directory\)"),
    ],
)
def test_what_is_no_option_is_refused_in_one_line(text: str, error: str) -> None:
    with pytest.raises(UsageError, match=f"^{error}") as refused:
        user_options(given(text))
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("spark.executor.memory", "spark.executor.memory has no value"),
        ("export A=b", "export is no option of Spark"),
        ("spark.a \\u12", r"line 1 has a \\u without four hexadecimal digits"),
    ],
)
def test_a_line_that_is_no_option_is_refused(tmp_path: Path, line: str, error: str) -> None:
    path = tmp_path / "spark.conf"
    path.write_text(line)

    with pytest.raises(UsageError, match=f"^SPARK_CONF={path}: {error}"):
        user_options(given(path))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        user_options(given(tmp_path))


@pytest.mark.parametrize(
    ("option", "setting"),
    [
        ("spark.master=spark://x:7077", "SPARK_MASTER"),
        ("spark.driver.memory=4g", "SPARK_DRIVER_MEMORY"),
        ("spark.ui.port=4040", "SPARK_UI_PORT"),
        ("spark.sql.shuffle.partitions=200", "STATE_PARTITIONS"),
        ("spark.sql.streaming.checkpointLocation=/x", "CHECKPOINT"),
        ("spark.sql.streaming.stateStore.providerClass=x.RocksDB", "STATE_STORE"),
    ],
)
def test_what_is_a_setting_is_to_be_set_as_such(option: str, setting: str) -> None:
    name = option.partition("=")[0]
    with pytest.raises(UsageError, match=f"^SPARK_CONF: {name} is a setting of its own: set {setting}$"):
        user_options(given(option))


@pytest.mark.parametrize(
    "option",
    [
        "spark.sql.session.timeZone=America/Los_Angeles", "spark.sql.variant.allowDuplicateKeys=false",
        "spark.sql.ansi.enabled=false", "spark.sql.caseSensitive=true", "spark.sql.legacy.timeParserPolicy=LEGACY",
        "spark.sql.retainGroupColumns=false", "spark.sql.timestampType=TIMESTAMP_NTZ",
        "spark.sql.execution.arrow.useLargeVarTypes=true", "spark.speculation=true", "spark.sql.adaptive.enabled=true",
        "spark.sql.streaming.disabledV2MicroBatchReaders=x", "spark.sql.streaming.noDataMicroBatches.enabled=true",
        "spark.sql.streaming.checkpointFileManagerClass=x.Y",
        "spark.sql.streaming.checkpoint.fileChecksum.enabled=true",
        "spark.sql.streaming.offsetLog.formatVersion=2", "spark.hadoop.fs.file.impl=x.Y",
        "spark.hadoop.fs.AbstractFileSystem.file.impl=x.Y", "spark.submit.deployMode=cluster", "spark.app.id=x",
        "spark.remote=sc://x", "spark.api.mode=connect",
    ],
)  # fmt: skip
def test_what_the_stream_relies_on_is_refused(option: str) -> None:
    name = option.partition("=")[0]
    with pytest.raises(UsageError, match=f"^SPARK_CONF: {name} .*: leave it out$"):
        user_options(given(option))


@pytest.mark.parametrize("whose", ["driver.extra", "driver.default", "executor.extra", "executor.default"])
@pytest.mark.parametrize(
    ("java", "error"),
    [
        ("-Xss2m -Xmx4g", "-Xmx: set SPARK_DRIVER_MEMORY, or spark.executor.memory in SPARK_CONF"),
        ("-Dspark.a=b", "-Dspark.: name it in SPARK_CONF"),
        ('"-Duser.timezone=Asia/Tokyo"', "-Duser.timezone=: leave it out"),
    ],
)
def test_what_spark_or_the_stream_decides_is_no_option_for_java(whose: str, java: str, error: str) -> None:
    with pytest.raises(UsageError, match=f"^SPARK_CONF: spark.{whose}JavaOptions must not have {error}"):
        user_options(given(f"spark.{whose}JavaOptions='{java}'"))


def test_what_holds_anyway_may_be_said() -> None:
    options = {
        "spark.master": "spark://127.0.0.1:7077",
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.speculation": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.submit.deployMode": "client",
    }
    text = " ".join(f"{name}={value}" for name, value in options.items())

    assert user_options(given(text, spark_master="spark://127.0.0.1:7077")) == options


@pytest.mark.parametrize(
    "option",
    [
        "spark.executor.memory=2g", "spark.executor.cores=2", "spark.cores.max=4", "spark.log.level=INFO",
        "spark.jars=/x.jar", "spark.driver.extraClassPath=/x.jar", "spark.executor.extraJavaOptions=-Xss2m",
        "spark.hadoop.fs.s3a.endpoint=http://127.0.0.1:9000", "spark.sql.streaming.numRecentProgressUpdates=10",
        "spark.sql.streaming.stateStore.maintenanceInterval=10s", "spark.sql.warehouse.dir=/x", "spark.app.name=x",
        "spark.driver.extraJavaOptions=-XX:+UseG1GC",
    ],
)  # fmt: skip
def test_any_other_option_is_passed_on(option: str) -> None:
    name, _, value = option.partition("=")

    assert user_options(given(option)) == {name: value}


def test_options_of_executors_are_said_to_do_nothing_where_there_are_none() -> None:
    options = {"spark.executor.memory": "2g", "spark.log.level": "INFO"}

    assert without_effect(options, resolve({})) == (
        "SPARK_CONF: spark.executor.memory has no effect with SPARK_MASTER=local[*], where the driver is the only "
        "executor"
    )
    assert without_effect(options, resolve({"spark_master": "yarn"})) is None
    assert without_effect({"spark.log.level": "INFO"}, resolve({})) is None
