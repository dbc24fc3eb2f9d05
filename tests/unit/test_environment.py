"""What a run inherits: each case of a hostile environment on its own, so that a red one names its cause."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sf_police import environment
from sf_police.config import settings
from sf_police.environment import Given, given_settings, own_packages_first, with_temporary_folder
from sf_police.errors import UsageError
from sf_police.spark.jvm import java_program
from tests.support.environment import ROOT
from tests.support.question import resolve

NAMES = [field.name for field in settings()]
UTF8 = {"python": "/venv/bin/python", "encoding": "UTF-8"}
OURS = {"PYSPARK_PYTHON": "/venv/bin/python"}


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_set_by_its_prefixed_name(name: str) -> None:
    assert given_settings({f"SF_POLICE_{name.upper()}": "x"}, NAMES) == Given({name: "x"}, {})


@pytest.mark.parametrize("name", sorted(environment.SHARED))
def test_a_name_that_is_everybodys_counts_bare_and_yields_to_the_prefixed_one(name: str) -> None:
    bare = {name.upper(): "theirs"}

    assert given_settings(bare, NAMES) == Given({name: "theirs"}, {})
    assert given_settings({**bare, f"SF_POLICE_{name.upper()}": "ours"}, NAMES) == Given({name: "ours"}, {})


@pytest.mark.parametrize("name", sorted(set(NAMES) - environment.SHARED))
def test_any_other_bare_name_is_told_apart_and_forgotten_once_the_prefixed_one_is_set(name: str) -> None:
    bare = {name.upper(): "theirs"}

    assert given_settings(bare, NAMES) == Given({}, {name: "theirs"})
    assert given_settings({**bare, f"SF_POLICE_{name.upper()}": "ours"}, NAMES) == Given({name: "ours"}, {})


@pytest.mark.parametrize("text", ["", " "])
@pytest.mark.parametrize("variable", ["STATE_DIR", "SF_POLICE_STATE_DIR", "WINDOW", "JAVA_HOME"])
def test_blank_is_as_unset(variable: str, text: str) -> None:
    assert given_settings({variable: text}, NAMES) == Given({}, {})


def test_a_blank_prefixed_name_leaves_the_bare_one() -> None:
    assert given_settings({"SF_POLICE_STATE_DIR": "", "STATE_DIR": "x"}, NAMES) == Given({"state_dir": "x"}, {})


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("SF_POLICE_WINDO", "did you mean SF_POLICE_WINDOW?"),
        ("SF_POLICE_KAFKA_BOOTSTRAP_SERVER", "did you mean SF_POLICE_KAFKA_BOOTSTRAP_SERVERS?"),
        ("SF_POLICE_ZZZ", "unset it; `sf-police COMMAND --help` lists them"),
        ("SF_POLICE_", "unset it; `sf-police COMMAND --help` lists them"),
    ],
)
def test_an_unknown_prefixed_name_is_an_error_that_names_the_nearest(variable: str, remedy: str) -> None:
    with pytest.raises(UsageError) as error:
        given_settings({variable: "1"}, NAMES)
    assert str(error.value) == f"{variable} is not a setting: {remedy}"


def test_names_of_scripts_and_tests_may_have_the_prefix() -> None:
    assert given_settings({"SF_POLICE_REAL_FILE": "x", "SF_POLICE_KAFKA_START_TIMEOUT": "9"}, NAMES) == Given({}, {})


@pytest.mark.parametrize(
    "variable",
    [
        "https_proxy", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_ACCESS_KEY_ID", "PGPASSWORD",
        "PGSERVICEFILE", "KRB5CCNAME", "HADOOP_USER_NAME", "HADOOP_CONF_DIR", "YARN_CONF_DIR", "LD_LIBRARY_PATH",
        "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS", "SPARK_LOCAL_DIRS", "SPARK_USER", "JAVA_HOME",
        "LANG", "TZ", "PATH", "HOME", "TMPDIR", "CDPATH", "MAKEFLAGS",
    ],
)  # fmt: skip
def test_what_is_other_peoples_stays(variable: str) -> None:
    assert environment.inherited({variable: "x"}, **UTF8) == {variable: "x", **OURS}


@pytest.mark.parametrize(
    "variable",
    [
        "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_ENV_LOADED", "SPARK_SCALA_VERSION", "SPARK_DIST_CLASSPATH",
        "SPARK_PREPEND_CLASSES", "SPARK_TESTING", "SPARK_SQL_TESTING", "SPARK_REMOTE", "SPARK_LOCAL_REMOTE",
        "SPARK_CONNECT_MODE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_API_MODE", "SPARK_LAUNCHER_OPTS", "MASTER",
        "PYSPARK_SUBMIT_ARGS", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "PYSPARK_DRIVER_PYTHON_OPTS",
        "PYSPARK_PIN_THREAD", "PYSPARK_UDS_MODE", "PYSPARK_GATEWAY_SECRET",
    ],
)  # fmt: skip
def test_what_would_replace_our_spark_is_shut_out(variable: str) -> None:
    assert environment.inherited({variable: "x"}, **UTF8) == OURS


def test_under_spark_submit_the_submits_own_holds() -> None:
    submit = {"PYSPARK_GATEWAY_PORT": "1", "SPARK_HOME": "/spark", "PYSPARK_PYTHON": "python3", "PYTHONPATH": "/spark"}

    assert environment.inherited(submit, python="/venv/bin/python", encoding="ascii") == submit
    assert own_packages_first(["", "/spark", "/lib"], submit, folder="/here") == ["", "/spark", "/lib"]


def test_a_blank_java_home_is_none() -> None:
    assert environment.inherited({"JAVA_HOME": " "}, **UTF8) == OURS


@pytest.mark.parametrize(
    ("encoding", "is_set"), [("ANSI_X3.4-1968", True), ("US-ASCII", True), ("UTF-8", False), ("ISO-8859-1", False)]
)
def test_java_gets_a_locale_in_which_it_can_open_every_file(encoding: str, is_set: bool) -> None:
    found = environment.inherited({"LC_ALL": "C"}, python="/venv/bin/python", encoding=encoding)

    assert found == {"LC_ALL": "C.UTF-8" if is_set else "C", **OURS}


LOCAL = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}


@pytest.mark.parametrize(
    ("is_loopback", "java_home", "expected"),
    [(True, None, LOCAL), (True, "/java", {**LOCAL, "JAVA_HOME": "/java"}), (False, None, {})],
)
def test_sparks_jvm_is_told_which_spark_which_java_and_which_address(
    is_loopback: bool, java_home: str | None, expected: dict[str, str]
) -> None:
    found = environment.for_spark({"PATH": "p"}, spark_home="/pyspark", java_home=java_home, is_loopback=is_loopback)

    assert found == {"PATH": "p", "SPARK_HOME": "/pyspark", "SPARK_SCALA_VERSION": "2.13", **expected}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"JAVA_TOOL_OPTIONS": "-Djavax.net.ssl.trustStore=/x"}, False),
        ({"JAVA_TOOL_OPTIONS": "-Da=b -XX:+UseG1GC"}, True),
        ({"_JAVA_OPTIONS": "-XX:+UseSerialGC"}, True),
        ({"JDK_JAVA_OPTIONS": "-XX:-UseParallelGC"}, False),
    ],
)
def test_a_collector_of_the_environments_is_seen(environ: dict[str, str], expected: bool) -> None:
    assert environment.chooses_collector(environ) is expected


def test_a_collector_of_the_users_options_is_seen() -> None:
    assert environment.chooses_collector({}, "-Xss2m -XX:+UseG1GC")
    assert not environment.chooses_collector({}, "-Xss2m")


def test_temporary_files_of_python_and_java_go_to_a_folder_whatever_its_name(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s a "folder" $HOME'
    folder.mkdir()
    environ = with_temporary_folder({**os.environ, "JDK_JAVA_OPTIONS": "-Dother=1"}, str(folder))

    java = [str(java_program(resolve({}))), "-XshowSettings:properties", "-version"]
    said = subprocess.run(java, env=environ, capture_output=True, text=True, check=True).stderr
    python = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
    printed = subprocess.run(python, env=environ, capture_output=True, text=True, check=True).stdout

    assert f"java.io.tmpdir = {folder}\n" in said
    assert "other = 1\n" in said
    assert printed == f"{folder}\n"


@pytest.mark.parametrize(
    ("path", "pythonpath", "expected"),
    [
        (["", "/lib"], "", ["/lib", ""]),
        (["/here", "/lib"], "", ["/lib", "/here"]),
        (["/bin", "/other", "/lib"], "/other", ["/bin", "/lib", "/other"]),
        (["/here", "/other", "/lib"], "/other:", ["/lib", "/other", "/here"]),
        (["/here", "/here/x", "/lib"], "x/", ["/lib", "/here/x", "/here"]),
    ],
)
def test_our_packages_come_before_pythonpath_and_the_folder(
    path: list[str], pythonpath: str, expected: list[str]
) -> None:
    assert own_packages_first(path, {"PYTHONPATH": pythonpath}, folder="/here") == expected


@pytest.mark.parametrize("where", ["folder", "PYTHONPATH"])
def test_a_foreign_kafka_in_the_folder_or_on_pythonpath_is_not_imported(tmp_path: Path, where: str) -> None:
    (tmp_path / "kafka.py").write_text("raise SystemExit('a foreign kafka.py was imported')\n")
    own = [str(ROOT)] if where == "folder" else [str(ROOT), str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", "sf_police", "inspect", "--kafka-bootstrap-servers", "127.0.0.1:1"],
        cwd=tmp_path if where == "folder" else "/", env={"PYTHONPATH": ":".join(own), "PYTHONWARNINGS": "error"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (1, "error: no broker at 127.0.0.1:1: run `make kafka-start`\n")
