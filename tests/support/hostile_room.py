"""A clone of this project where nothing is as usual: its path, its user's settings, other programs' variables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.support.brokers import free_ports
from tests.support.environment import ROOT

NOT_CLONED = (
    ".git",
    ".venv*",
    ".run",
    ".ci-state",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "build",
    "dist",
    "*.egg-info",
)
# Gives the process a host name that nothing resolves, then runs the command.
_WITHOUT_NAME = "import os, socket, sys; socket.sethostname('no-such-host'); os.execvp(sys.argv[1], sys.argv[1:])"


class Room:
    """The clone, with a home, a state folder, a venv and variables of its own; and Make in it."""

    def __init__(self, folder: Path) -> None:
        self.marker = uuid.uuid4().hex  # in the environment of all that is started here
        self.folder = folder
        self.clone = folder / "é & %20 ü room" / "clone"
        self.state = folder / "é & %20 ü state"
        self.port = free_ports()
        shutil.copytree(ROOT, self.clone, ignore=shutil.ignore_patterns(*NOT_CLONED), symlinks=True)
        (self.clone / "kafka.py").write_text("raise RuntimeError('the kafka.py in the folder')\n")
        self._make_venv()
        self.env = self._variables()
        self.before: set[Path] = set()
        self.prefix: Sequence[str] = ()
        nameless = ["unshare", "--uts", sys.executable, "-c", _WITHOUT_NAME]
        if shutil.which("unshare") and subprocess.run([*nameless, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            self.prefix = nameless

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        settings = [f"KAFKA_PORT={self.port}", f"STATE_DIR={self.state}", "DATA=fixtures/calls.json"]
        return self.run("make", "-s", *arguments, *settings)

    def script(self, name: str, *, descriptors: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        settings = (f"SF_POLICE_KAFKA_PORT={self.port}", f"STATE_DIR={self.state}")
        return self.run("env", *settings, f"scripts/{name}.sh", descriptors=descriptors)

    def run(self, *command: str, descriptors: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *command], env=self.env, cwd=self.clone, umask=0o077, text=True, capture_output=True,
            timeout=240, pass_fds=descriptors,
        )  # fmt: skip

    def files(self) -> set[Path]:
        """All that is here, but for what may be written: the state, the venv, and Python's compiled modules."""
        found = {path for path in self.folder.rglob("*") if not path.is_dir()}
        written = (self.state, self.clone / ".venv")
        return {
            path for path in found if "__pycache__" not in path.parts and not any(map(path.is_relative_to, written))
        }

    def processes(self) -> list[str]:
        """The command lines of what runs with the room's environment, of which only Linux's /proc tells."""
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.marker.encode() in environ.read_bytes():
                    found.append((environ.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has ended, or is another user's
        return found

    def _make_venv(self) -> None:
        # As `make install` leaves it, but quickly and without a network: it borrows the packages of the running one.
        venv = self.clone / ".venv"
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
        [packages] = venv.glob("lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        archives = Path("share", "sf-police")
        if (Path(sys.prefix) / archives).exists():
            shutil.copytree(Path(sys.prefix) / archives, venv / archives, copy_function=os.link)
        sums = f'source "{self.clone}/scripts/lib.sh"; source "$ROOT/scripts/lib-venv.sh"; mark; registration'
        done = subprocess.run(["bash", "-c", sums], check=True, capture_output=True, text=True)
        for name, text in zip((".installed", ".registered"), done.stdout.splitlines(), strict=True):
            (venv / name).write_text(text + "\n")

    def _variables(self) -> dict[str, str]:
        theirs = self.folder / "theirs"
        for name, text in {
            "hadoop/core-site.xml": "<configuration><property><name>fs.defaultFS</name>"
            "<value>hdfs://namenode.invalid:8020</value></property></configuration>",
            "spark/bin/spark-submit": "#!/bin/sh\necho the other spark >&2\nexit 1\n",
            "spark/conf/spark-defaults.conf": "spark.master yarn\nspark.sql.session.timeZone Asia/Kolkata\n",
            "python/pyspark/__init__.py": "raise RuntimeError('the pyspark of PYTHONPATH')\n",
            "cdpath/scripts/nothing": "",
            "home/.config/pip/pip.conf": "[global]\nuser = true\n",
            "tmp/nothing": "",
        }.items():
            (theirs / name).parent.mkdir(parents=True, exist_ok=True)
            (theirs / name).write_text(text)
        (theirs / "spark/bin/spark-submit").chmod(0o755)
        kept = ("PATH", "JAVA_HOME", "KAFKA_HOME", "SF_POLICE_JAVA_HOME", "SF_POLICE_KAFKA_HOME")
        jars = os.environ.get("SF_POLICE_JARS_DIR", str(Path.home() / ".cache" / "sf-police" / "jars"))
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "ROOM": self.marker, "HOME": f"{theirs}/home", "SF_POLICE_JARS_DIR": jars, "TMPDIR": f"{theirs}/tmp",
            "LANG": "C", "TZ": "Asia/Kolkata", "HADOOP_CONF_DIR": f"{theirs}/hadoop", "SPARK_HOME": f"{theirs}/spark",
            "SPARK_CONF_DIR": f"{theirs}/spark/conf", "PYTHONPATH": f"{theirs}/python",
            "PYSPARK_SUBMIT_ARGS": "--master local[1]", "JAVA_TOOL_OPTIONS": "-Dharmless=yes",
            "CDPATH": f"{theirs}/cdpath", "MAKEFLAGS": "-j4", "PIP_USER": "1", "PIP_REQUIRE_HASHES": "1",
            "WINDOW": "0", "KAFKA_PORT": "tcp://10.0.0.1:9092", "TRIGGER": "deploy", "STORE": "s3", "QUESTION": "why",
            "SPARK_REMOTE": "sc://nowhere.invalid",
        }  # fmt: skip
