"""This program once more, as a process of its own, so that it can be killed. Nothing else is ever signalled."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sf_police.config import Config, flag_of
from sf_police.environment import with_temporary_folder
from sf_police.how_to import program_command
from sf_police.stop import held

# A stream ends in order within a few seconds; a JVM that does not is not waited for any longer.
_END_S: Final = 60
# The settings that make a stream what it is, as flags of the command `stream`.
OF_THE_STREAM: Final = (
    "kafka_bootstrap_servers", "kafka_topic", "kafka_client_properties", "state_dir", "store", "checkpoint", "window",
    "watermark", "max_ahead", "trigger", "max_offsets_per_trigger", "starting_offsets", "until_end", "state_store",
    "spark_master", "spark_driver_memory", "spark_ui_port", "spark_conf", "jars_dir", "java_home", "log_format",
)  # fmt: skip


class Child:
    """A running process, and all that it starts: a session of its own, so that Ctrl-C is ours to pass on."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, seconds: float) -> int | None:
        """Wait for its end; return the exit code, or None if it still runs after these seconds."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def kill(self) -> bool:
        """Kill it with -9, and what it has started, as when a machine fails; return False if it has ended before."""
        # As long as its end is not taken note of, its number is nobody else's.
        if self._process.poll() is not None:
            return False
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return True

    def end(self) -> None:
        """Let it end in order, as by Ctrl-C; kill it if it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            if self.wait(_END_S) is None:
                self.kill()


@contextmanager
def running(arguments: Sequence[str], temporary: Path, *, output: int | None = None) -> Iterator[Child]:
    """Run this program with these arguments, on our own input and output; in the end nothing of it is left.

    Args:
        arguments: of the command line.
        temporary: the folder of its temporary files, which outlive a kill.
        output: where its standard output goes, as `Popen` takes it; None: to ours.
    """
    variables = with_temporary_folder(os.environ, str(temporary.absolute()))
    child: Child | None = None
    try:
        # Between the start of a process and the moment when it is known here, nothing may interrupt.
        with held():
            command = [*program_command(), *arguments]
            child = Child(subprocess.Popen(command, env=variables, stdout=output, start_new_session=True))  # noqa: S603
        yield child
    finally:
        if child:
            child.end()


def flags(config: Config, settings: Sequence[str]) -> list[str]:
    """Return the settings as a command line, which overrides whatever the environment says."""
    found: list[str] = []
    for name in settings:
        value = getattr(config, name)
        if isinstance(value, bool):
            found += [flag_of(name)] if value else []
        elif value not in (None, ""):
            found += [flag_of(name), str(value)]
    return found
