"""The machines that others start from: a public forge's CI and a container to develop in. Neither is run here."""

from __future__ import annotations

import configparser
import json
import re
from typing import Any

import yaml

from sf_police import config
from sf_police.calls import QUESTION
from sf_police.doctor import JAVA_VERSIONS
from tests.support.environment import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
DEV = ROOT / ".devcontainer"
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def oldest_python() -> tuple[int, ...]:
    parsed = configparser.ConfigParser()
    parsed.read(ROOT / "setup.cfg")
    return tuple(map(int, parsed["options"]["python_requires"].removeprefix(">=").split(".")))


def test_every_command_of_the_workflow_is_a_target() -> None:
    [job] = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert commands[:3] == ["make install", "make lint", "make test"]
    assert [command for command in commands if command.removeprefix("make ") not in TARGETS] == []


def test_the_workflow_runs_on_each_python_and_java() -> None:
    [job] = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    matrix = job["strategy"]["matrix"]
    steps = {step["uses"].partition("@")[0]: step.get("with", {}) for step in job["steps"] if "uses" in step}

    assert tuple(map(int, matrix["java"])) == JAVA_VERSIONS
    assert tuple(map(int, matrix["python"][0].split("."))) == oldest_python()
    assert len(matrix["python"]) == 3
    assert steps["actions/setup-java"]["java-version"] == "${{ matrix.java }}"
    assert steps["actions/setup-python"]["python-version"] == "${{ matrix.python }}"
    [hashed] = re.findall(r"hashFiles\('([^']+)'\)", steps["actions/cache"]["key"])
    assert (ROOT / hashed).is_file()


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    used = re.findall(r"uses: *(.+)$", WORKFLOW.read_text(), re.MULTILINE)

    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_the_dev_container_is_of_the_oldest_python_and_java_that_we_support() -> None:
    build = (DEV / "Dockerfile").read_text()
    [base] = re.findall(r"^FROM (\S+)$", build, re.MULTILINE)

    assert base == re.findall(r"^ARG BASE=(\S+)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)[0]
    assert tuple(map(int, re.findall(r"^python:(\d+)\.(\d+)\.\d+-", base)[0])) == oldest_python()
    assert re.findall(r"openjdk-(\d+)-jre", build) == [str(JAVA_VERSIONS[0])]


def test_the_dev_container_is_valid_and_its_commands_exist() -> None:
    found: dict[str, Any] = json.loads((DEV / "devcontainer.json").read_text())
    [port] = [each for each in config.settings() if each.name == "dashboard_port"]

    assert (DEV / found["build"]["dockerfile"]).is_file()
    assert f"useradd --create-home --shell /bin/bash {found['remoteUser']}\n" in (DEV / "Dockerfile").read_text()
    assert found["postCreateCommand"].removeprefix("make ") in TARGETS
    assert found["forwardPorts"] == [int(config.default_of(port, QUESTION.defaults) or 0)]
    assert set(found["portsAttributes"]) == {str(each) for each in found["forwardPorts"]}
    assert found["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith(".venv/bin/python")
