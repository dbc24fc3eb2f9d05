"""The services of deploy/docker-compose.yml as a project of the tests' own, and what they say of themselves."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from tests.support import docker
from tests.support.environment import ROOT
from tests.support.waiting import eventually

PROJECT = "sf-police-deploy"
IMAGE = os.environ.get("IMAGE", "sf-police")


def engine(*arguments: str, check: bool = True, timeout: float = 480) -> subprocess.CompletedProcess[str]:
    done = docker.run("docker", *arguments, timeout=timeout)
    assert not check or done.returncode == 0, f"docker {arguments}:\n{done.stdout}\n{done.stderr}"
    return done


def is_ready() -> bool:
    """Whether an engine answers that has our image, and compose is there."""
    return docker.can_compose() and docker.succeeds("docker", "image", "inspect", IMAGE)


class Stack:
    """The services; `port` is where the dashboard is published."""

    def __init__(self, secrets: Path, port: int) -> None:
        files = [ROOT / "deploy" / "docker-compose.yml", ROOT / "tests" / "deploy" / "small.yml"]
        chosen = [part for path in files for part in ("-f", str(path))]
        self.port = port
        self._command = [*docker.compose_command().split(), *chosen, "-p", PROJECT]
        self._environ = {**os.environ, "SECRETS_DIR": str(secrets), "SF_POLICE_DASHBOARD_PORT": str(port)}

    def compose(self, *arguments: str, check: bool = True, timeout: float = 480) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done

    def id_of(self, service: str) -> str:
        [found] = self.compose("ps", "-a", "-q", service).stdout.split()
        return found

    def inspect(self, service: str) -> dict[str, Any]:
        [found] = json.loads(engine("inspect", self.id_of(service)).stdout)
        return dict(found)

    def run(self, *command: str, timeout: float = 480) -> str:
        """Run a command in a container of the service `produce`, which has the calls; return what it printed."""
        return self.compose("run", "--rm", "-T", "produce", *command, timeout=timeout).stdout

    def inside(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", service, *command, check=check)

    def await_healthy(self, service: str, seconds: float = 300) -> None:
        def is_healthy() -> None:
            state = self.inspect(service)["State"]
            assert state["Health"]["Status"] == "healthy", state

        eventually(is_healthy, AssertionError, seconds=seconds)

    def asked(self, path: str) -> Any:
        """What the dashboard answers at its published port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.load(answer)
