"""Asks the Docker engine what it can do, and cleans up after what it could not."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

from tests.support.environment import ROOT

COMPOSE_FILE = ROOT / "tests" / "integration" / "docker-compose.yml"
PROJECT = "sf-police-it"
_DEFAULT_IMAGE = "apache/kafka:4.4.0"
_PULL_S = 180


def image() -> str:
    return os.environ.get("KAFKA_IMAGE", _DEFAULT_IMAGE)


def can_compose() -> bool:
    """Whether an engine answers, and compose is there."""
    if not shutil.which("docker") or not succeeds("docker", "info", timeout=20):
        return False
    return succeeds("docker", "compose", "version") or bool(shutil.which("docker-compose"))


def can_run_image() -> bool:
    """Whether an engine answers, compose is there, and the image is here or can be had."""
    if not can_compose():
        return False
    return succeeds("docker", "image", "inspect", image()) or succeeds("docker", "pull", "-q", image(), timeout=_PULL_S)


def compose_command() -> str:
    return "docker compose" if succeeds("docker", "compose", "version") else "docker-compose"


def down() -> None:
    run(*compose(), "down", "-v")


def logs() -> str:
    return run(*compose(), "logs", "--tail", "40").stdout


def compose() -> list[str]:
    return [*shlex.split(compose_command()), "-f", str(COMPOSE_FILE), "-p", PROJECT]


def succeeds(*command: str, timeout: float = 60) -> bool:
    try:
        return run(*command, timeout=timeout).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def run(*command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
