"""The image by itself: what is in it, and as whom it runs."""

from __future__ import annotations

import json
import re

import pytest

from tests.deploy.stack import IMAGE, engine

pytestmark = pytest.mark.usefixtures("image")
SAFE = ("--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL")


def run(*command: str, options: tuple[str, ...] = (), check: bool = True) -> str:
    done = engine("run", *SAFE, *options, IMAGE, *command, check=check)
    return done.stdout + done.stderr


def test_it_runs_as_a_user_of_its_own_with_a_name() -> None:
    assert run("id").startswith("uid=10001(sf-police) gid=0(root)")
    assert run("sh", "-c", "touch /state/new && stat -c %u:%g /state/new").strip() == "10001:0"


def test_doctor_misses_nothing_but_servers_and_a_first_run() -> None:
    lines = run("sf-police", "doctor", check=False).splitlines()

    assert [line for line in lines if line.startswith("wrong")] == []
    to_do = {line.split()[2].rstrip(":") for line in lines if line.startswith("to do")}
    assert to_do == {"broker", "topic", "store", "checkpoint"}


def test_a_user_id_without_a_name_gets_one() -> None:
    assert "ok     user: user id 12345 has a name" in run(
        "sf-police", "doctor", options=("--user", "12345"), check=False
    )
    assert run("sh", "-c", "touch /state/new && echo done", options=("--user", "12345")).strip() == "done"


def test_where_nothing_can_be_written_that_user_is_refused_in_one_line() -> None:
    said = engine("run", "--rm", "--read-only", "--user", "12345", IMAGE, "sf-police", "doctor", check=False)

    assert said.returncode == 1
    assert said.stderr.startswith("error: the user id 12345 has no name, and /tmp takes no file")
    assert said.stderr.count("\n") == 1


def test_what_is_made_once_is_in_it() -> None:
    found = run("sh", "-c", "ls /opt/sf-police/share/sf-police /opt/sf-police/jars")

    assert re.search(r"^spark-[0-9a-f]{16}\.jsa$", found, re.MULTILINE)
    assert re.search(r"^connector-[\d.]+$", found, re.MULTILINE)
    assert re.search(r"^page-[0-9a-f]{16}$", found, re.MULTILINE)


def test_nothing_is_in_it_that_only_builds_or_tests_need() -> None:
    packages = run("sh", "-c", "ls /opt/sf-police/lib/python3*/site-packages").split()

    assert {"pyspark", "sf_police", "psycopg", "uvicorn"} <= set(packages)
    assert {"pip", "setuptools", "pytest", "mypy", "ruff", "hypothesis"} & set(packages) == set()
    assert run("sh", "-c", "ls -A /build 2>&1 || true").startswith("ls: cannot access")


def test_its_layers_hold_no_password() -> None:
    [found] = json.loads(engine("image", "inspect", IMAGE).stdout)
    history = engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE).stdout

    assert not re.search("password|secret|token", history + json.dumps(found["Config"]), re.IGNORECASE)


def test_java_takes_sparks_classes_from_the_archive() -> None:
    script = """
from sf_police.calls import QUESTION
from sf_police.config import resolve
from sf_police.spark.session import create_session, stop_session

stop_session(create_session(resolve({"state_dir": "/tmp/state", "jars_dir": "/opt/sf-police/jars"}, QUESTION.defaults)))
print(open("/tmp/classes.log").read().count("shared objects file (top)"))
"""
    options = ("-e", "JDK_JAVA_OPTIONS=-Xlog:class+load:file=/tmp/classes.log")

    assert int(run("python", "-c", script, options=options).split()[-1]) > 1_000
