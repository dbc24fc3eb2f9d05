"""The scripts' shared functions, and what they refuse, delete and leave: by bash alone, without Java and brokers."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.clone import copy_scripts
from tests.support.environment import ROOT

BASE = {"PATH": os.environ["PATH"], "HOME": "/home/me"}


def run(*command: object, **environ: str | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in {**BASE, **environ}.items() if value is not None}
    return subprocess.run([*map(str, command)], env=env, capture_output=True, text=True, timeout=60, cwd="/")


def bash(script: str, *arguments: str, **environ: str | None) -> subprocess.CompletedProcess[str]:
    sources = "".join(f'source "{ROOT}/scripts/{name}.sh"\n' for name in ("lib", "lib-java", "lib-kafka", "lib-venv"))
    return run("bash", "-euo", "pipefail", "-c", sources + script, "bash", *arguments, **environ)


def shown(script: str, *arguments: str, **environ: str | None) -> str:
    done = bash(script, *arguments, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def unescaped(text: str) -> str:
    """A value of a .properties file as java.util.Properties reads it."""
    units = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16")


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize(
    "value", ["/plain/a.b_c-9", "/é & %20 ü|#!:=\\\\t/x", " spaces ", "日本語 😀", "`$(id)`\"'", "a\tb", "~{}"]
)
def test_a_value_of_a_properties_file_is_what_java_reads(value: str, locale: str) -> None:
    written = shown('properties_value "$1"', value, LC_ALL=locale)

    assert re.fullmatch(r"(?:[\w./-]|\\u[0-9a-f]{4})*", written, re.ASCII)
    assert unescaped(written) == value


def test_no_local_broker_is_started_where_a_setting_names_brokers(tmp_path: Path) -> None:
    naming, securing = tmp_path / "naming.properties", tmp_path / "securing.properties"
    naming.write_text("security.protocol=SSL\n bootstrap.servers = one:9093\n")
    securing.write_text("security.protocol=SSL\n#bootstrap.servers=one:9093\n")
    script = "if is_broker_local; then echo local; else echo named; fi"

    assert shown(script) == "local\n"
    assert shown(script, KAFKA_BOOTSTRAP_SERVERS="one:9092") == "named\n"
    assert shown(script, KAFKA_CLIENT_PROPERTIES=str(naming)) == "named\n"
    assert shown(script, KAFKA_CLIENT_PROPERTIES=str(securing)) == "local\n"


@pytest.mark.parametrize("value", [b"\xff", b"a\xc3", b"\xe4\xb8x", b"\x80"])
def test_a_name_that_is_not_utf8_cannot_be_written(value: bytes) -> None:
    script = (
        f'source "{ROOT}/scripts/lib.sh"; source "{ROOT}/scripts/lib-kafka.sh"; set -o pipefail; properties_value "$1"'
    )

    assert subprocess.run([b"bash", b"-c", script.encode(), b"bash", value], stdout=subprocess.DEVNULL).returncode == 1


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "9092"),
        ({"SF_POLICE_KAFKA_PORT": "9192"}, "9192"),
        ({"SF_POLICE_KAFKA_PORT": " "}, "9092"),
        ({"KAFKA_PORT": "tcp://10.0.0.1:9092"}, "9092"),
        ({"KAFKA_PORT": "9292", "SF_POLICE_KAFKA_PORT": "9192"}, "9192"),
    ],
)
def test_a_setting_counts_by_its_full_name(environ: dict[str, str], expected: str) -> None:
    assert shown('printf %s "${PORT}"', **environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, f"{ROOT}/.run"),
        ({"STATE_DIR": ""}, f"{ROOT}/.run"),
        ({"STATE_DIR": "  "}, f"{ROOT}/.run"),
        ({"STATE_DIR": "/x y"}, "/x y"),
        ({"STATE_DIR": "/x", "SF_POLICE_STATE_DIR": "/y"}, "/y"),
        ({"STATE_DIR": "~/x y"}, "/home/me/x y"),
        ({"STATE_DIR": "~"}, "/home/me"),
        ({"STATE_DIR": "~root/x"}, f"{os.path.expanduser('~root')}/x"),
        ({"STATE_DIR": "~nobody-of-this-name/x"}, f"{ROOT}/~nobody-of-this-name/x"),
        ({"STATE_DIR": "~$(touch /tmp/pwned)/x"}, f"{ROOT}/~$(touch /tmp/pwned)/x"),
        ({"STATE_DIR": "a/~"}, f"{ROOT}/a/~"),
    ],
)
def test_the_state_folder_is_as_python_reads_it(environ: dict[str, str], expected: str) -> None:
    assert shown('printf %s "${STATE_DIR}"', **environ) == expected


def test_without_home_the_users_own_is_looked_up() -> None:
    script, own = 'printf "%s\\n" "${JARS}"', pwd.getpwuid(os.getuid()).pw_dir

    assert shown(script, HOME=None) == shown(script, HOME="") == f"{own}/.cache/sf-police/jars\n"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"KAFKA_PORT": "9192"}, "KAFKA_PORT=9192 in the environment does not count: set SF_POLICE_KAFKA_PORT"),
        ({"KAFKA_BROKERS": "3"}, "KAFKA_BROKERS=3 in the environment does not count: set SF_POLICE_KAFKA_BROKERS"),
        ({"KAFKA_PORT": "tcp://10.0.0.1:9092"}, ""),
        ({"KAFKA_PORT": "9192", "SF_POLICE_KAFKA_PORT": "9292"}, ""),
    ],
)
def test_a_bare_name_is_said_where_it_would_have_been_valid(environ: dict[str, str], said: str) -> None:
    lines = bash("check_settings", **environ).stderr.splitlines()

    assert [line.partition(", or say")[0] for line in lines] == ([f"==> {said}"] if said else [])


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ["http.nonProxyHosts=localhost|127.*|[::1]"]),
        (
            {"https_proxy": "http://proxy.corp:3128/", "HTTP_PROXY": "other"},
            ["http.proxyHost=other", "http.proxyPort=80", "https.proxyHost=proxy.corp", "https.proxyPort=3128",
             "http.nonProxyHosts=localhost|127.*|[::1]"],
        ),
        (
            {"https_proxy": "http://me:p%40ss@[::1]:1"},
            ["https.proxyHost=[::1]", "https.proxyPort=1", "http.proxyUser=me",
             "jdk.http.auth.tunneling.disabledSchemes=", "http.proxyPassword=p@ss",
             "http.nonProxyHosts=localhost|127.*|[::1]"],
        ),
        (
            {"no_proxy": ".corp, a.b:80 10.0.0.1,*"},
            ["http.nonProxyHosts=localhost|127.*|[::1]|corp|*.corp|a.b|*.a.b|10.0.0.1|*"],
        ),
        ({"https_proxy": "http://proxy:1", "JAVA_TOOL_OPTIONS": "-Dhttps.proxyHost=own"}, []),
        ({"all_proxy": "socks5://proxy:1"}, ["http.nonProxyHosts=localhost|127.*|[::1]"]),
    ],
)  # fmt: skip
def test_a_proxy_is_said_to_java_in_its_own_words(environ: dict[str, str], expected: list[str]) -> None:
    assert shown("java_proxy_options", **environ).splitlines() == [f"-D{option}" for option in expected]


def make_java(folder: Path, script: str) -> str:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "java").chmod(0o755)
    return str(folder)


def test_a_java_that_does_not_start_is_shown_by_its_own_first_line(tmp_path: Path) -> None:
    says = ("Picked up JAVA_TOOL_OPTIONS: -javaagent:/none.jar", "Error opening zip file: /none.jar", "and more")
    home = make_java(tmp_path, "".join(f"echo '{line}' >&2\n" for line in says) + "exit 1")

    done = bash("find_java", JAVA_HOME=home, JAVA_TOOL_OPTIONS="-javaagent:/none.jar")

    assert done.stderr == (
        f"error: '{home}/bin/java' does not start: Error opening zip file: /none.jar: "
        "check JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS\n"
    )


def test_what_java_picks_up_is_not_taken_for_its_version(tmp_path: Path) -> None:
    says = "echo 'Picked up JAVA_TOOL_OPTIONS: -Dx= version \"8\"' >&2; echo 'openjdk version \"21.0.2\" 2024' >&2"

    assert shown("find_java", JAVA_HOME=make_java(tmp_path, says)) == f"{tmp_path}/bin/java\n"


def test_a_background_process_gets_none_of_the_callers_descriptors(tmp_path: Path) -> None:
    text = (ROOT / "scripts" / "lib-process.sh").read_text()
    [function] = re.findall(r"^close_descriptors\(\) \{\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    opened = "exec 3>/dev/null 8>/dev/null 77>/dev/null 200>/dev/null\n"

    left = shown(f"{opened}{function}(close_descriptors; exec bash -c 'for f in 0 1 2 3 8 77 200; do "
                 f'{{ true >&"$f"; }} 2>/dev/null && printf "%s " "$f"; done; true\')')  # fmt: skip

    assert left.split() == ["0", "1", "2"]


@pytest.mark.parametrize(
    "script", ["kafka-start", "kafka-stop", "kafka-status", "kafka-clean", "spark-start", "spark-stop"]
)
def test_without_ps_nothing_is_started_or_deleted(tmp_path: Path, script: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "dirname", "sed", "head", "grep", "tr", "cut", "sha256sum", "env"):
        (tools / name).symlink_to(shutil.which(name) or "")

    done = run(ROOT / "scripts" / f"{script}.sh", PATH=str(tools), STATE_DIR=str(tmp_path / "state"))

    assert done.returncode == 1
    assert done.stderr.startswith("error: no `ps` that shows a process by its id: install procps")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("verb", ["kafka-stop", "kafka-status", "kafka-clean", "spark-stop"])
@pytest.mark.parametrize(
    "hostile",
    [
        {"CDPATH": "/:/usr"}, {"HOME": None}, {"SHELLOPTS": "noclobber"}, {"POSIXLY_CORRECT": "1"},
        {"BASH_FUNC_cd%%": "() { echo surprise; }"}, {"GREP_OPTIONS": "--color=always"}, {"IFS": "x"},
    ],
    ids=lambda hostile: next(iter(hostile)),
)  # fmt: skip
def test_what_a_shell_inherits_changes_nothing(tmp_path: Path, verb: str, hostile: dict[str, str | None]) -> None:
    script = ROOT / "scripts" / f"{verb}.sh"

    done = run(script, **{"STATE_DIR": str(tmp_path), **hostile})
    plain = run(script, STATE_DIR=str(tmp_path))

    assert (done.returncode, done.stdout, done.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def make_data(state: Path, cluster: str = "l-jJQqegjlw-QQw0P73dA0") -> Path:
    """What a stopped broker leaves."""
    kafka = state / "kafka"
    data = kafka / "broker-0" / "data"
    (data / "topic-0").mkdir(parents=True)
    (data / "topic-0" / "00000000000000000000.log").write_text("records")
    (data / "meta.properties").write_text(f"#\ncluster.id={cluster}\nversion=1\n")
    for name in ("bootstrap.checkpoint", "recovery-point-offset-checkpoint", ".lock"):
        (data / name).touch()
    for name in ("server.properties", "kafka.log", "log4j2.properties"):
        (kafka / "broker-0" / name).touch()
    (kafka / "cluster.id").write_text("l-jJQqegjlw-QQw0P73dA0\n")
    (kafka / "brokers").write_text("1@localhost:9093\n")
    return kafka


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def clean(state: Path) -> subprocess.CompletedProcess[str]:
    return run(ROOT / "scripts" / "kafka-clean.sh", STATE_DIR=str(state))


def test_clean_deletes_a_brokers_data(tmp_path: Path) -> None:
    state = tmp_path / "é & %20 ü"
    make_data(state)

    done = clean(state)

    assert (done.returncode, done.stderr) == (0, "==> deleted the brokers' data\n")
    assert list(state.iterdir()) == []


def test_clean_leaves_what_kafka_did_not_write_and_says_so(tmp_path: Path) -> None:
    kafka = make_data(tmp_path)
    mine = [kafka / "notes.txt", kafka / "broker-0" / "data" / "mine.txt", kafka / "broker-0" / "photos" / "a.jpg"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.touch()

    done = clean(tmp_path)

    assert done.returncode == 0
    assert files(kafka) == sorted(str(path.relative_to(kafka)) for path in mine)
    left = re.findall(r"^==> left '(.*)', which has more than what Kafka wrote: (.*) $", done.stderr, re.MULTILINE)
    not_empty = (kafka / "broker-0" / "data", kafka / "broker-0", kafka)
    assert {folder: set(names.split()) for folder, names in left} == {
        str(folder): {str(path) for path in folder.iterdir()} for folder in not_empty
    }


@pytest.mark.parametrize("damage", ["other cluster", "no cluster id"])
def test_clean_refuses_the_data_of_another_cluster(tmp_path: Path, damage: str) -> None:
    kafka = make_data(tmp_path, "another-cluster-000000")
    if damage == "no cluster id":
        (kafka / "cluster.id").unlink()
    before = files(kafka)

    done = clean(tmp_path)

    assert done.returncode == 1
    assert re.fullmatch(
        r"error: '.*' is (of another cluster than|not provably ours, as there is no) .*: nothing was deleted\n",
        done.stderr,
    )
    assert files(kafka) == before


def test_clean_of_a_folder_that_no_broker_was_in_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "kafka" / "bin").mkdir(parents=True)
    (tmp_path / "kafka" / "bin" / "kafka-topics.sh").touch()

    assert clean(tmp_path).returncode == 0
    assert files(tmp_path) == ["kafka/bin/kafka-topics.sh"]


def make_clone(folder: Path) -> Path:
    """A clone as far as clean.sh and venv-install.sh need it, so that they cannot touch this one."""
    copy_scripts(folder)
    for name in ("requirements.lock", "pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize("mark", [None, "", "other project\n"])
@pytest.mark.parametrize("script", ["clean.sh", "venv-install.sh"])
def test_a_folder_that_is_not_our_venv_is_left_alone(tmp_path: Path, script: str, mark: str | None) -> None:
    clone = make_clone(tmp_path / "a clone")
    theirs = tmp_path / "their venv"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "pyvenv.cfg").touch()
    if mark is not None:
        (theirs / ".installed").write_text(mark)
    before = files(theirs)

    done = run(clone / "scripts" / script, VENV=str(theirs))

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: '{theirs}' was not made by `make install`, and is left as it is")
    assert files(theirs) == before


def test_what_drives_a_browser_is_not_installed_where_there_is_none(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "clone")
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith(("chrom", "google-chrome")):
            (programs / program.name).symlink_to(program)

    done = run(clone / "scripts" / "venv-install.sh", "--browser", PATH=str(programs), VENV=str(tmp_path / "venv"))

    assert (done.returncode, done.stderr) == (
        0, "==> there is no Chromium, so what drives one is not installed (Debian: apt-get install chromium)\n"
    )  # fmt: skip
    assert not (tmp_path / "venv").exists()


def test_clean_deletes_our_venv_and_nothing_else(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "a é & %20 clone")
    for name in (".venv/pyvenv.cfg", ".run/answers.db", "notes.txt", ".mypy_cache/x"):
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).touch()
    (clone / ".venv" / ".installed").write_text("sf-police 0123\n")
    kept = [name for name in files(clone) if not name.startswith((".venv", ".mypy_cache"))]

    assert run(clone / "scripts" / "clean.sh").returncode == 0
    assert files(clone) == kept


def test_kafkas_tools_find_their_jars_whatever_cdpath_is(tmp_path: Path) -> None:
    (tmp_path / "kafka" / "bin").mkdir(parents=True)
    (tmp_path / "kafka" / "libs").mkdir()
    shutil.copy(ROOT / "scripts" / "kafka-tool.sh", tmp_path / "kafka" / "bin" / "kafka-topics.sh")
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)

    done = subprocess.run(
        [Path("kafka", "bin", "kafka-topics.sh"), "--list"], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "JAVA_HOME": str(tmp_path / "java"), "CDPATH": str(tmp_path)},
    )  # fmt: skip

    assert done.stdout.splitlines()[2:] == [
        "-cp", f"{tmp_path}/kafka/libs/*", "org.apache.kafka.tools.TopicCommand", "--list"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--workers", "0"), "--workers 0: expected a number from 1 to 9"),
        (("--workers", "many"), "--workers many: expected a number from 1 to 9"),
        (("--cores", "0"), "--cores 0: expected a number from 1 to 1000"),
        (("--memory", "1"), "--memory 1: expected a whole number followed by m or g, such as 1g"),
        (("--port", "70000"), "--port 70000: expected a port from 1 to 65000"),
        (("--port",), "spark-start.sh --port: expected a value behind it"),
        (("3", "4"), "spark-start.sh 3: expected --workers N, --cores N, --memory SIZE or --port PORT"),
    ],
)
def test_an_option_of_a_cluster_that_cannot_be_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], error: str
) -> None:
    done = run(ROOT / "scripts" / "spark-start.sh", *arguments, STATE_DIR=str(tmp_path / "state"))

    assert (done.returncode, done.stderr) == (2, f"error: {error}\n")
    assert not (tmp_path / "state").exists()


def test_without_java_or_pyspark_no_cluster_is_started(tmp_path: Path) -> None:
    start, state = ROOT / "scripts" / "spark-start.sh", tmp_path / "state"

    no_java = run(start, STATE_DIR=str(state), JAVA_HOME=str(tmp_path))
    no_spark = run(start, STATE_DIR=str(state), PYTHON=str(tmp_path / "python"))

    assert (no_java.returncode, no_java.stderr) == (
        1, f"error: no Java at '{tmp_path}/bin/java': install Java 17 or 21, or set JAVA_HOME to one\n"
    )  # fmt: skip
    assert (no_spark.returncode, no_spark.stderr) == (
        1, f"error: no Python at '{tmp_path}/python': run `make install`\n"
    )  # fmt: skip
    assert not state.exists()


def test_a_pid_of_another_program_is_no_server_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "spark" / "worker-1"
    folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as other:
        (folder / "spark.pid").write_text(str(other.pid))

        done = run(ROOT / "scripts" / "spark-stop.sh", STATE_DIR=str(tmp_path))

        assert (done.returncode, done.stderr) == (0, "==> no Spark master or worker is running\n")
        assert other.poll() is None
        assert files(tmp_path) == []
        other.kill()
