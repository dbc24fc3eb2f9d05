"""What deploy/ says agrees with the code, and asks for no needless rights. tests/deploy runs the containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from sf_police import config
from sf_police.cli import main
from sf_police.environment import PREFIX
from sf_police.spark.jvm import OLDEST_JAVA
from tests.support.environment import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if name not in ("kafka", "postgres")}
FILES = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
MANIFESTS: list[dict[str, Any]] = [each for path in FILES for each in yaml.safe_load_all(path.read_text())]
PODS = {
    each["metadata"]["name"]: each["spec"]["template"]["spec"]
    for each in MANIFESTS
    if "template" in each.get("spec", {})
}
NAMES = {field.name for field in config.settings()}


def containers() -> Iterator[dict[str, Any]]:
    for pod in PODS.values():
        yield from (*pod.get("initContainers", []), *pod["containers"])


def pairs(entries: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


def settings_given() -> Iterator[tuple[str, str]]:
    """Every variable that a file of deploy/ sets, with its value."""
    stated = re.findall(r"\b([A-Z_]+)=(\S+)", re.sub(r"^#.*$", "", DOCKERFILE.partition("ENV ")[2], flags=re.MULTILINE))
    yield from stated
    yield from pairs((DEPLOY / "settings.env").read_text().splitlines()).items()
    for service in OURS.values():
        yield from service["environment"].items()
    for manifest in MANIFESTS:
        if manifest["kind"] == "ConfigMap":
            yield from manifest["data"].items()
    for container in containers():
        yield from ((each["name"], each["value"]) for each in container.get("env", []))


def test_every_setting_exists_and_has_a_value_that_is_accepted() -> None:
    given = {
        (name.removeprefix(PREFIX).lower(), str(value)) for name, value in settings_given() if name.startswith(PREFIX)
    }

    assert {name for name, _ in given} - NAMES == set()
    assert [(name, value) for name, value in given if not config.is_valid(name, value)] == []


def commands_run() -> Iterator[str]:
    lines = [" ".join(service["command"]) for service in OURS.values()]
    lines += [" ".join(container["args"]) for container in containers()]
    lines += [(DEPLOY / "install.sh").read_text(), (ROOT / "docs" / "deploy.md").read_text(), DOCKERFILE]
    for line in lines:
        yield from re.findall(r"""(?<!-n )sf-police"?,? "?(?!sf-police)([a-z]+(?:-[a-z]+)*)\b(?=["; \n`]|$)""", line)


@pytest.mark.parametrize("command", sorted({*commands_run()} - {"project"}))
def test_every_command_exists(command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0


def test_the_broker_is_the_kafka_that_is_used_here() -> None:
    used = re.findall(r" kafka_2\.13-([\d.]+)/", (ROOT / "sf_police" / "spark" / "jars.sha256").read_text())[0]
    files = [
        DEPLOY / "docker-compose.yml", ROOT / "tests" / "integration" / "docker-compose.yml",
        ROOT / "tests" / "support" / "docker.py",
    ]  # fmt: skip
    named = {version for path in files for version in re.findall(r"apache/kafka:([\d.]+)", path.read_text())}

    assert named == {used}


def test_the_connector_of_the_offline_build_is_that_of_the_lock() -> None:
    [pyspark] = re.findall(r"^pyspark==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)

    assert f"connector-{pyspark} " in (DEPLOY / "offline" / "README.md").read_text()


def test_every_image_is_pinned_to_a_release() -> None:
    images = [service["image"] for service in SERVICES.values() if service not in OURS.values()]
    images += re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    tags = [re.sub(r"^\$\{[A-Z_]+:-(.+)\}$", r"\1", image).partition(":")[2] for image in images]

    assert len(tags) == 3
    assert [tag for tag in tags if not re.match(r"\d+\.\d+", tag)] == []


def test_the_base_has_a_python_and_a_java_that_the_project_takes() -> None:
    [python] = re.findall(r"^ARG BASE=python:3\.(\d+)\.\d+-slim", DOCKERFILE, re.MULTILINE)
    [java] = re.findall(r"openjdk-(\d+)-jre-headless", DOCKERFILE)

    assert f"python_requires = >=3.{python}" in (ROOT / "setup.cfg").read_text()
    assert int(java) == OLDEST_JAVA


def test_the_image_has_every_extra_but_those_of_tests() -> None:
    extras = set(
        re.findall(
            r"^([a-z0-9]+) =$",
            (ROOT / "setup.cfg").read_text().partition("[options.extras_require]")[2].partition("\n[")[0],
            re.MULTILINE,
        )
    )
    [installed] = re.findall(r"^readonly EXTRAS=(\S+)$", (DEPLOY / "install.sh").read_text(), re.MULTILINE)

    assert extras - set(installed.split(",")) == {"browser", "completion", "dev", "fuzz", "s3"}


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def test_the_image_runs_as_a_user_whose_number_kubernetes_can_check() -> None:
    [user] = [rest for word, rest in instructions() if word == "USER"]

    assert int(user) >= 10_000
    assert f"useradd --uid {user} --gid 0" in DOCKERFILE
    assert {pod["securityContext"]["runAsUser"] for pod in PODS.values()} == {int(user)}


def test_the_image_is_built_from_what_docker_may_see_and_nothing_secret_is_in_it() -> None:
    seen = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        name
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from=")
        for name in rest.split()[:-1]
    ]

    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert [name for name in copied if not any(name == each or name.startswith(f"{each}/") for each in seen)] == []
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {word for word, _ in instructions()} <= {
        "ARG", "FROM", "RUN", "WORKDIR", "COPY", "LABEL", "ENV", "VOLUME", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert [rest for word, rest in instructions() if word == "ARG"] == ["BASE=python:3.11.14-slim-bookworm"]


@pytest.mark.parametrize("path", ["deploy/secrets/postgres_password", "deploy/secrets/pg_service.conf"])
def test_secrets_go_neither_to_git_nor_to_docker(path: str) -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()

    assert subprocess.run(["git", "-C", str(ROOT), "check-ignore", "-q", path]).returncode == 0
    assert not any(rule.startswith("!") and fnmatch(path, f"{rule[1:]}*") for rule in rules)


def test_secrets_are_files_and_in_no_environment() -> None:
    assert set(COMPOSE["secrets"]) == {"pg_service.conf", "postgres_password"}
    assert all("file" in secret for secret in COMPOSE["secrets"].values())
    assert [(name, value) for name, value in settings_given() if re.search("PASSWORD|TOKEN|SECRET", name)] == []
    assert [value for _, value in settings_given() if re.search(r"://[^/\s]*:[^/\s]*@", str(value))] == []


def test_only_loopback_is_published() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports == ["127.0.0.1:${SF_POLICE_DASHBOARD_PORT:-8050}:8050"]


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_change_nothing_but_its_state(name: str) -> None:
    service = OURS[name]

    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp:exec"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {volume.partition(":")[2] for volume in service.get("volumes", [])} <= {"/state"}


def test_what_runs_on_is_started_again_and_what_runs_once_is_not() -> None:
    restarted = {name for name, service in SERVICES.items() if service.get("restart") == "unless-stopped"}

    assert set(SERVICES) - restarted == {"init", "produce"}
    for name in ("stream", "dashboard", "produce"):
        assert SERVICES[name]["depends_on"] == {
            "kafka": {"condition": "service_healthy"},
            "postgres": {"condition": "service_healthy"},
            "init": {"condition": "service_completed_successfully"},
        }


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_a_manifest_is_what_kubernetes_takes(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_kustomize_takes_every_manifest_but_the_example_of_a_secret() -> None:
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]

    assert sorted(listed) == [path.name for path in FILES if path.name != "secret.example.yaml"]
    assert {each["metadata"].get("namespace", "sf-police") for each in MANIFESTS} == {"sf-police"}


def test_there_is_exactly_one_stream() -> None:
    [stream] = [
        each["spec"] for each in MANIFESTS if each["kind"] == "Deployment" and each["metadata"]["name"] == "stream"
    ]

    assert stream["replicas"] == 1
    assert stream["strategy"] == {"type": "Recreate"}
    assert f"{stream['template']['spec']['terminationGracePeriodSeconds']}s" == SERVICES["stream"]["stop_grace_period"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights(name: str) -> None:
    pod = PODS[name]

    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("sf-police", False)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
            "/tmp",
            "/state",
            "/run/secrets/sf-police",
        }


@pytest.mark.parametrize("name", PODS)
def test_no_service_of_kubernetes_sets_a_setting(name: str) -> None:
    # A service named sf-police-dashboard would be SF_POLICE_DASHBOARD_PORT=tcp://10.0.0.1:8050.
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["stream", "dashboard"])
def test_a_probe_asks_where_the_server_listens(name: str) -> None:
    [container] = PODS[name]["containers"]
    [port] = container["ports"]
    probes = {key: value["httpGet"] for key, value in container.items() if key.endswith("Probe")}
    setting = {"stream": "METRICS", "dashboard": "DASHBOARD"}[name]
    [data] = [each["data"] for each in MANIFESTS if each["kind"] == "ConfigMap"]

    assert probes.pop("readinessProbe")["path"] == "/readyz"
    assert {probe["path"] for probe in probes.values()} == {"/healthz"}
    assert {each["httpGet"]["port"] for each in container.values() if isinstance(each, dict) and "httpGet" in each} == {
        port["name"]
    }
    assert {"name": f"{PREFIX}{setting}_PORT", "value": str(port["containerPort"])} in container["env"]
    assert data[f"{PREFIX}{setting}_HOST"] == "0.0.0.0"


def run_script(folder: Path, name: str = "make-secrets.sh") -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "SECRETS_DIR": str(folder)}
    return subprocess.run([str(DEPLOY / name)], env=environ, capture_output=True, text=True, timeout=30)


def test_a_password_is_made_once_and_is_the_same_in_both_files(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    assert run_script(folder).returncode == 0
    password = (folder / "postgres_password").read_text().strip()
    again = run_script(folder)

    assert re.fullmatch(r"[a-zA-Z0-9]{32}", password)
    assert f"\npassword={password}\n" in (folder / "pg_service.conf").read_text()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert again.returncode == 0
    assert (folder / "postgres_password").read_text().strip() == password
    assert password not in again.stderr


def test_half_of_the_secrets_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "postgres_password").write_text("mine")

    done = run_script(tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path} has one of ")
    assert (tmp_path / "postgres_password").read_text() == "mine"
    assert not (tmp_path / "pg_service.conf").exists()


class Health(BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]]

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path, (404, b"not found"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    handler = type("Handler", (Health,), {"answers": {"/healthz": (status, body)}})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def health(port: int) -> tuple[int, str]:
    command = [sys.executable, "-I", str(DEPLOY / "healthy.py")]
    environ = {f"{PREFIX}METRICS_PORT": str(port)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    with_port = subprocess.run([*command, str(port)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (with_port.returncode, with_port.stderr)
    return done.returncode, done.stderr


def test_the_health_check_says_yes_only_where_the_server_does() -> None:
    with answering(200, b"ok\n") as port:
        assert health(port) == (0, "")
    with answering(503, b"the query has ended\n") as port:
        assert health(port) == (1, "503: the query has ended\n")
    code, said = health(port)
    assert code == 1
    assert said.startswith(f"port {port} does not answer: ")
    assert said.count("\n") == 1
