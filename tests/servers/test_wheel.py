"""The package without its clone: a wheel, put into a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import clean_environment
from tests.support.wheel import PIP, built_wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel was installed into."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = built_wheel(folder)
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True, timeout=60)
    return folder / "site"


def run(installed: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    # -P: the folder of the test is not searched, so the package is the installed one.
    command = [sys.executable, "-P", str(installed / "bin" / "sf-police"), *arguments]
    environment = clean_environment(PYTHONPATH=str(installed), **extra)
    return subprocess.run(
        command, cwd=installed, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_it_names_itself_and_its_commands(installed: Path) -> None:
    assert run(installed, "--version").stdout.startswith("sf-police ")
    assert "\n  install " in run(installed).stdout


def test_its_doctor_says_what_to_type(installed: Path, tmp_path: Path) -> None:
    port = "9"  # discard: nobody listens
    done = run(
        installed,
        "doctor",
        JARS_DIR=str(tmp_path),
        STATE_DIR=str(tmp_path),
        KAFKA_BOOTSTRAP_SERVERS=f"localhost:{port}",
    )

    lines = {line.split()[1 + line.startswith("to do")].rstrip(":"): line for line in done.stdout.splitlines()}
    assert lines["jars"].endswith(f"4 of 4 jars are missing from {tmp_path} -> run `sf-police install`")
    assert lines["broker"].endswith("-> start a broker, or name one with KAFKA_BOOTSTRAP_SERVERS")
    assert lines["store"].endswith("-> run `sf-police stream`")
    assert "make " not in done.stdout


def test_its_errors_say_what_to_type(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "answer", STATE_DIR=str(tmp_path))

    assert done.stderr == f"error: no store at sqlite:///{tmp_path}/answers.db: run `sf-police stream`\n"


def test_it_installs_the_jars_that_are_there_already(installed: Path) -> None:
    done = run(installed, "install")

    assert done.returncode == 0, done.stderr
    assert "the jars of Spark's Kafka connector are already in " in done.stderr
