"""spark.log: bounded, whatever Java prints, and nothing of it lost by that."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

from sf_police.spark.log import SparkLog
from tests.support.environment import ROOT, clean_environment


def a_log(folder: Path) -> SparkLog:
    return SparkLog(folder, most_bytes=100, kept=2)


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def lines(letter: str) -> str:
    return f"{letter * 49}\n" * 3


def test_up_to_its_bound_it_stays_as_it_is(tmp_path: Path) -> None:
    with a_log(tmp_path).opened() as file:
        file.write(b"x" * 100)
    a_log(tmp_path).trim()

    assert held(tmp_path) == {"spark.log": "x" * 100}


def test_beyond_it_moves_on_and_the_oldest_goes(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with log.opened() as file:  # as Java keeps it open
        for letter in "abcd":
            file.write(lines(letter).encode())
            file.flush()
            log.trim()
        file.write(b"e\n")

    assert held(tmp_path) == {"spark.log": "e\n", "spark.log.1": lines("d"), "spark.log.2": lines("c")}


def test_a_start_looks_first_and_appends(tmp_path: Path) -> None:
    (tmp_path / "spark.log").write_text(lines("a"))
    for text in (b"b\n", b"c\n"):
        with a_log(tmp_path).opened() as file:
            file.write(text)

    assert held(tmp_path) == {"spark.log": "b\nc\n", "spark.log.1": lines("a")}


def test_of_a_file_that_grew_for_long_the_end_is_kept(tmp_path: Path) -> None:
    (tmp_path / "spark.log").write_text("a" * 1_000 + "\n" + "b" * 49 + "\n" + "c" * 49 + "\n")
    a_log(tmp_path).trim()

    assert held(tmp_path) == {"spark.log": "", "spark.log.1": "b" * 49 + "\n" + "c" * 49 + "\n"}


def test_what_was_written_since_a_place_is_found_also_if_it_was_emptied_since(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with log.opened() as file:
        file.write(b"before\n")
        file.flush()
        start = file.tell()
        file.write(b"since\n")
        file.flush()
        assert log.since(start) == "since\n"
        os.truncate(log.path, 0)
        file.write(b"new\n")
    assert log.since(start) == "new\n"


def test_one_process_at_a_time_moves_it(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.path.write_text(lines("a"))
    with log.path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        log.trim()
        assert held(tmp_path) == {"spark.log": lines("a")}
    log.trim()
    assert held(tmp_path) == {"spark.log": "", "spark.log.1": lines("a")}


def test_without_a_log_there_is_nothing_to_do(tmp_path: Path) -> None:
    a_log(tmp_path).trim()

    assert held(tmp_path) == {}


def test_where_it_cannot_be_moved_it_stays(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.path.write_text(lines("a"))
    (tmp_path / "spark.log.part").mkdir()
    log.trim()

    assert log.path.read_text() == lines("a")


# In a process of its own, as this one's Spark is shared by all tests.
A_SESSION_THAT_PRINTS = """
import sys
from pathlib import Path
from typing import Any

from sf_police.spark.log import SparkLog
from sf_police.spark.session import create_session, stop_session
from tests.support.question import resolve

state_dir, jars_dir = sys.argv[1:]
given = {"state_dir": state_dir, "spark_master": "local[1]", "log_format": "json"}
session = create_session(resolve({**given, "jars_dir": jars_dir} if jars_dir else given))
try:
    java: Any = session._jvm
    java.java.lang.System.err.println(f"{'x' * 99}\\n" * 150)
    SparkLog(Path(state_dir), most_bytes=10_000, kept=2).trim()
    java.java.lang.System.err.println("last words")
    java.org.slf4j.LoggerFactory.getLogger("ours").warn("a warning of Spark's log")
finally:
    stop_session(session)
"""


def test_javas_own_output_is_in_it_and_goes_on_behind_its_start(tmp_path: Path) -> None:
    command = [sys.executable, "-c", A_SESSION_THAT_PRINTS, str(tmp_path), os.environ.get("SF_POLICE_JARS_DIR", "")]
    subprocess.run(command, check=True, cwd=ROOT, env=clean_environment())

    assert f"{'x' * 99}\n" * 150 in (tmp_path / "spark.log.1").read_text()
    words, *lines = (tmp_path / "spark.log").read_text().splitlines()
    assert words == "last words"
    assert "a warning of Spark's log" in [json.loads(line)["msg"] for line in lines]
