"""The real command `dashboard` as a process on a free port, and requests to it by plain HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.support.brokers import free_ports
from tests.support.environment import ROOT, clean_environment
from tests.support.waiting import eventually, wait_for_line


class Dashboard:
    """A dashboard on a store; it can be ended, and started again on the same port."""

    def __init__(self, store: str, program: str = "sf_police", **settings: str) -> None:
        self.port = free_ports()
        self.address = f"http://127.0.0.1:{self.port}/"
        self._env = clean_environment(STORE=store, DASHBOARD_PORT=str(self.port), **settings)
        self._program = program
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Dashboard:
        command = [sys.executable, "-m", self._program, "dashboard"]
        self._process = subprocess.Popen(command, env=self._env, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        line = wait_for_line(self._process, "dashboard: ")
        assert line == f"dashboard: {self.address} (Ctrl-C ends it)\n"
        eventually(self._ensure_open, AssertionError)
        return self

    def _ensure_open(self) -> None:
        state = self.state()
        assert state["state"] != "opening"
        assert state["is_whole"] or state["batch"] is None

    def stop(self) -> None:
        """End it as Ctrl-C does; fails if it has said anything else than its address."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, "")

    def get(self, path: str, **headers: str) -> tuple[HTTPResponse, str]:
        """Ask for a path; return the response and its text, if it has an end."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            is_endless = (response.getheader("content-type") or "").startswith("text/event-stream")
            return response, "" if is_endless else response.read().decode()
        finally:
            connection.close()

    def state(self) -> dict[str, Any]:
        """The state of things as the page gets it."""
        found: dict[str, Any] = json.loads(self.get("/data/state.json")[1])
        return found

    def version_with(self, batch: int | None = None) -> int:
        """The version of the store that the dashboard has, once it has that micro-batch."""

        def version() -> int:
            state = self.state()
            assert batch is None or state["batch"]["batch"] >= batch
            return int(state["version"])

        return eventually(version, AssertionError, seconds=20)

    def rows(self, panel: str, query: str = "") -> list[dict[str, Any]]:
        """A panel's rows."""
        response, text = self.get(f"/data/{panel}.json{query}")
        assert response.status == 200, text
        found: list[dict[str, Any]] = json.loads(text)["rows"]
        return found
