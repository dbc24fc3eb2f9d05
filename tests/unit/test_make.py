"""What Make passes on to its recipes, and what it keeps out. No recipe of the Makefile is run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sf_police import config
from tests.support.environment import ROOT

PROBE = """include Makefile
.PHONY: first second
probe:
	@env -0
first:
	@sleep 0.1; echo first
second:
	@echo second
"""


def make(tmp_path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    probe = tmp_path / "probe.mk"
    probe.write_text(PROBE)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/me", **environ}
    command = ["make", "-s", "-C", str(ROOT), "-f", str(probe), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)


def passed_on(tmp_path: Path, *arguments: str, **environ: str) -> dict[str, str]:
    shown = make(tmp_path, "probe", *arguments, **environ).stdout
    return dict(entry.split("=", 1) for entry in shown.split("\0") if entry)


def test_every_setting_of_the_command_line_is_passed_on_by_its_full_name(tmp_path: Path) -> None:
    names = [field.name.upper() for field in config.settings()]

    variables = passed_on(tmp_path, *(f"{name}=a value of {name}" for name in names))

    assert {name: variables.get(f"SF_POLICE_{name}") for name in names} == {
        name: f"a value of {name}" for name in names
    }


@pytest.mark.parametrize("value", ["a#b", "50%", "a b  c", "'", '"', "a&b|c\\d", "é ü", "a=b"])
def test_a_value_is_passed_on_as_it_is(tmp_path: Path, value: str) -> None:
    assert passed_on(tmp_path, f"STORE={value}")["SF_POLICE_STORE"] == value


def test_what_the_environment_sets_stays_and_gets_no_other_name(tmp_path: Path) -> None:
    environ = {"WINDOW": "0", "KAFKA_PORT": "tcp://10.0.0.1:9092", "SF_POLICE_TRIGGER": "1 second"}

    variables = passed_on(tmp_path, **environ)

    assert {name: text for name, text in variables.items() if name.startswith("SF_POLICE_")} == {
        "SF_POLICE_TRIGGER": "1 second"
    }


def test_the_command_line_goes_before_the_environment(tmp_path: Path) -> None:
    variables = passed_on(tmp_path, "WINDOW=1 hour", SF_POLICE_WINDOW="2 hours", MAKEFLAGS="e")

    assert variables["SF_POLICE_WINDOW"] == "1 hour"


def test_an_exported_name_of_makes_own_does_not_count_and_is_said(tmp_path: Path) -> None:
    done = make(tmp_path, "probe", ARGS="--other", QUESTION="another.program", FOLLOW="1", N="3")

    said = done.stderr.splitlines()
    assert [line.partition(": ")[2] for line in said] == [
        f"{name} in the environment does not count: say `make TARGET {name}=...`"
        for name in ("ARGS", "FOLLOW", "N", "QUESTION")
    ]
    assert {"ARGS=", "QUESTION=sf_police"} <= set(done.stdout.split("\0"))


def test_what_changes_a_shell_or_a_python_is_kept_out(tmp_path: Path) -> None:
    hostile = {
        "CDPATH": "/", "BASH_ENV": "/none", "PYTHONPATH": "/none", "PYTHONHOME": "/none", "PYTHONINSPECT": "1",
        "PYTHONWARNINGS": "error", "PYTHONSAFEPATH": "1", "PYTHONOPTIMIZE": "2",
    }  # fmt: skip

    assert set(passed_on(tmp_path, **hostile)) & set(hostile) == set()


def test_proxies_certificates_and_java_stay(tmp_path: Path) -> None:
    kept = {"https_proxy": "http://proxy", "SSL_CERT_FILE": "/ca.pem", "JAVA_TOOL_OPTIONS": "-Dx=y", "PGPASSWORD": "x"}

    assert kept.items() <= passed_on(tmp_path, **kept).items()


def test_targets_run_in_the_order_that_they_are_named_in(tmp_path: Path) -> None:
    assert make(tmp_path, "first", "second", MAKEFLAGS="-j4").stdout == "first\nsecond\n"


@pytest.mark.parametrize("target", ["demo", "install", "answer", "clean", "kafka-clean", "test", "bench", "fuzz"])
def test_no_recipe_names_a_folder_outside(tmp_path: Path, target: str) -> None:
    shown = subprocess.run(["make", "-n", "-C", str(ROOT), target], capture_output=True, text=True, check=True).stdout

    assert str(ROOT.parent) + "/" not in shown.replace(f"directory '{ROOT}'", "")


def test_help_fits_a_screen_of_80_columns_and_24_rows() -> None:
    lines = subprocess.run(
        ["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert lines[0] == "Start here"
    assert len(lines) <= 23  # and the prompt
    assert [line for line in lines if len(line) > 80] == []


# Folders that take longer than a change can wait for, or a Docker engine.
OF_THEIR_OWN = ("cluster", "deploy", "shown")


def test_ci_runs_the_tests_of_every_folder_that_has_no_target_of_its_own() -> None:
    """Of `tests/faults` those with a mark; `make test-faults` has all, and takes longer than a change can wait for."""
    targets = re.findall(r"^  make ([\w-]+) ", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    shown = subprocess.run(["make", "-n", "-C", str(ROOT), *targets], capture_output=True, text=True, check=True).stdout
    folders = {path.relative_to(ROOT).parts[1] for path in (ROOT / "tests").rglob("test_*.py")}

    assert [name for name in sorted(folders) if not re.search(rf" tests/{name}\b", shown)] == list(OF_THEIR_OWN)
    scripts = (ROOT / "Makefile").read_text() + (ROOT / "scripts" / "test-docker.sh").read_text()
    assert [name for name in OF_THEIR_OWN if not re.search(rf" tests/{name}\b", scripts)] == []
