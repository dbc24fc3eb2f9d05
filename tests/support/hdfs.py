"""An HDFS of one name node and one data node on loopback: Hadoop's own, of the version that Spark has."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from sf_police.spark import jars, jvm
from tests.support.brokers import free_ports
from tests.support.question import resolve

SUMS = Path(__file__).parent / "hdfs.sha256"


class Hdfs:
    """A file system that can be killed and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_ports(1)
        self.uri = f"hdfs://127.0.0.1:{self.port}"
        config = resolve({"jars_dir": os.environ.get("SF_POLICE_JARS_DIR")})
        lines = SUMS.read_text().splitlines()
        wanted = jars.Jars(
            "the jars of an HDFS for tests", "hdfs", f"hdfs-{jvm.hadoop_version()}", {n[66:]: n[:64] for n in lines}
        )
        jars.install(wanted, config, say=print)
        own = f"{config.jars_dir / wanted.folder}/*"
        self._command = [
            str(jvm.java_program(config)), "-Xmx400m", "-cp", f"{own}:{pyspark.__path__[0]}/jars/*",
            str(Path(__file__).parent / "MiniHdfs.java"), str(folder / "data"), str(self.port),
        ]  # fmt: skip

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder
            )
        self._expect("ready")

    def tell(self, command: str) -> None:
        """Give it a command that MiniHdfs.java knows, and wait until it is done."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        self._expect(command)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _expect(self, line: str) -> None:
        assert self._process.stdout
        for said in self._process.stdout:
            if said.strip() == line:
                return
        raise AssertionError(f"HDFS ended: {(self.folder / 'log').read_text()[-2000:]}")


@contextmanager
def hdfs(folder: Path) -> Iterator[Hdfs]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Hdfs(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
