"""Starts and ends the JVM that Spark runs in, a process of ours from its first moment, so that none is left behind.

PySpark's own `launch_gateway` goes through shell scripts, which read other people's files and settings, and it loses
the JVM when it is interrupted: that one then waits for ever for a folder that is gone. So this does what the scripts
do, which is to ask Spark's launcher for the command and to run it; only the connection is PySpark's.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway
from pyspark.serializers import UTF8Deserializer, read_int

from sf_police.stop import held

_POLL_S: Final = 0.02
_ASCII: Final = 128
END_S: Final = 60.0
_running: Final[set[subprocess.Popen[bytes]]] = set()


class JvmEndedError(Exception):
    """The JVM ended before Python could connect to it."""


def start_gateway(conf: SparkConf, *, java: Path, environ: Mapping[str, str], output: IO[bytes]) -> Any:
    """Start Spark's JVM, and connect to it.

    Args:
        conf: Spark's options.
        java: the program.
        environ: all variables of the JVM; SPARK_HOME is our pyspark.
        output: where its output goes.

    Raises:
        JvmEndedError: it did not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Not on the command line, which everybody on this machine can read: an option may be a secret.
        options = Path(folder) / "options"
        options.write_text(_properties(conf.getAll()), "ascii")
        command = _spark_command(options, java, environ, output)
        address = Path(folder) / "address"
        given = {**environ, "_PYSPARK_DRIVER_CONN_INFO_PATH": str(address), "SPARK_CONNECT_MODE": "0"}
        process = _started(command, environ=given, stdin=subprocess.PIPE, stdout=output, stderr=output)
        try:
            while not address.exists():
                if process.poll() is not None:
                    raise JvmEndedError
                time.sleep(_POLL_S)
            gateway = _connected(address)
            gateway.proc = process
        except BaseException:
            end(process)
            raise
        return gateway


def _properties(options: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{_escaped(name)}={_escaped(value)}\n" for name, value in options)


def _escaped(text: str) -> str:
    # As java.util.Properties reads it: characters of 16 bits.
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(chr(unit) if chr(unit).isalnum() and unit < _ASCII else f"\\u{unit:04x}" for unit in units)


def _spark_command(options: Path, java: Path, environ: Mapping[str, str], output: IO[bytes]) -> list[str]:
    launcher = [str(java), "-cp", f"{environ['SPARK_HOME']}/jars/*", "org.apache.spark.launcher.Main"]
    process = _started(
        [*launcher, "org.apache.spark.deploy.SparkSubmit", "--properties-file", str(options), "pyspark-shell"],
        environ=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output,
    )  # fmt: skip
    try:
        printed = process.communicate()[0]
    finally:
        end(process)
    # Java's own remarks, a line with NUL, and then each argument with a NUL behind it.
    remarks, _, arguments = printed.partition(b"\0\n")
    if process.returncode or not arguments:
        output.write(remarks)
        output.flush()
        raise JvmEndedError
    return [os.fsdecode(argument) for argument in arguments.split(b"\0")[:-1]]


def _started(command: Sequence[str], *, environ: Mapping[str, str], **streams: Any) -> subprocess.Popen[bytes]:
    # Between the start of a process and the moment when it is known here, nothing may interrupt.
    with held():
        process = subprocess.Popen(command, env=environ, preexec_fn=_ignore_ctrl_c, **streams)  # noqa: S603, PLW1509
        _running.add(process)
    return process


def _ignore_ctrl_c() -> None:
    # A terminal sends it to the whole group of processes; the stream ends in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _connected(address: Path) -> Any:
    with address.open("rb") as file:
        port, secret = read_int(file), UTF8Deserializer().loads(file)  # type: ignore[no-untyped-call]
    names = {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
    try:
        os.environ.update(names)  # the only way to tell PySpark
        return launch_gateway()  # type: ignore[no-untyped-call]
    finally:
        for name in names:
            os.environ.pop(name, None)


def stop_gateway(gateway: Any, *, seconds: float = END_S) -> None:
    """Disconnect, and let the JVM end by itself; after `seconds`, or at a second interrupt, it is killed.

    spark-submit's JVM is left alone: it waits for this process, and ends with its exit code.
    """
    process = gateway.proc
    if process is None:
        return
    try:
        gateway.shutdown()
        # The JVM exits when its standard input is closed.
        with suppress(OSError):
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process at once, unless it has ended."""
    with held():
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()
        _running.discard(process)


@atexit.register
def _end_all() -> None:
    if _running:
        # Python is ending, and there is nothing left to interrupt.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for process in list(_running):
        end(process)
