"""Reads the command line and the environment, and is the only file to do so. The commands are in `commands.py`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

from sf_police import __version__, commands, config
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.question import Question
from sf_police.stop import Stop
from sf_police.store.views import kinds

# The settings that commands accept as flags; every command reads all settings from the environment.
_KAFKA: Final = ("kafka_bootstrap_servers", "kafka_topic", "kafka_port", "kafka_client_properties")
_FILES: Final = ("state_dir", "store")
_STREAM: Final = (
    "checkpoint", "window", "watermark", "trigger", "max_offsets_per_trigger", "starting_offsets", "until_end",
    "spark_master", "spark_driver_memory", "spark_ui_port", "state_partitions", "jars_dir", "java_home",
)  # fmt: skip


def main(argv: Sequence[str] | None = None, *, question: Question = QUESTION, prog: str = "sf-police") -> int:
    """Run a command on a question's topic; return the exit code: 0 done, 1 failed, 2 usage, 130 or 143 interrupted."""
    arguments = vars(_parser(question, prog).parse_args(argv))
    is_verbose, run = arguments.pop("verbose"), arguments.pop("run")
    # Failures in the client libraries are reported in one line of our own; -v shows theirs, too.
    logging.basicConfig(level=logging.INFO if is_verbose else logging.CRITICAL, stream=sys.stderr)
    stop = Stop()
    stop.listen()
    try:
        settings = {
            field.name: arguments.pop(field.name, None) or os.environ.get(field.name.upper())
            for field in config.settings()
        }
        resolved = config.resolve(settings, question.defaults)
        code: int = run(commands.Run(resolved, question, stop), **arguments)
        sys.stdout.flush()
        return code
    except SfPoliceError as error:
        if is_verbose:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has closed the pipe. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return stop.exit_code


def _parser(question: Question, prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=question.title)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    rows = question.rows

    def command(name: str, run: Callable[..., int], help: str, settings: Sequence[str]) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.set_defaults(run=run)
        sub.add_argument("-v", "--verbose", action="store_true", help="show details and tracebacks on standard error")
        for field in config.settings():
            if field.name in settings:
                _add_setting(sub, field, question)
        return sub

    sub = command("generate", commands.generate_file, f"write a file of synthetic {rows}", ("data", "state_dir"))
    sub.add_argument(
        f"--{rows.replace('_', '-')}",
        dest="count",
        type=_positive,
        default=question.generated,
        metavar="N",
        help=f"number of {rows} (default: %(default)s)",
    )
    sub.add_argument(
        "--seed",
        type=int,
        default=question.seed,
        help=f"random seed; another one yields other {rows} (default: %(default)s)",
    )
    sub.add_argument("--if-missing", action="store_true", help="do nothing if the file already exists")

    command("create-topic", commands.create_topic, "create the topic", (*_KAFKA, "partitions"))

    sub = command("produce", commands.produce, f"send a file of {rows} to the topic", (*_KAFKA, "state_dir"))
    sub.add_argument("file", nargs="?", metavar="FILE", help="JSON array or NDJSON, also .gz .bz2 .xz (default: DATA)")

    sub.add_argument(
        "--order", choices=("event", "file"), default="event", help="send by event time, or as in the file"
    )
    sub.add_argument("--rate", type=_factor, metavar="N", help="send N records a second (default: as fast as possible)")
    sub.add_argument(
        "--speed", type=_factor, metavar="N", help=f"send at the pace of the {rows}' event times, N times as fast"
    )
    sub.add_argument(
        "--again",
        action="store_true",
        help="send the whole file, whatever the topic already holds; duplicates are counted once",
    )

    command("stream", commands.stream, f"count the {rows} of the topic into the store", (*_KAFKA, *_FILES, *_STREAM))

    sub = command("inspect", commands.inspect, "show the topic: partitions, offsets, first and last records", _KAFKA)
    sub.add_argument("--follow", action="store_true", help="then show new records as they arrive, until Ctrl-C")

    sub = command("answer", commands.answer, "print the answer from the store", _FILES)
    sub.add_argument("--format", choices=("table", "json", "csv"), default="table", help="form (default: %(default)s)")
    sub.add_argument(
        "--by", choices=tuple(kinds(question.answers)), help="print only this answer (default for csv: window)"
    )
    sub.add_argument(
        "--window",
        dest="window_start",
        type=commands.window_start,
        metavar="START",
        help="print only the window that starts at START, with its counts",
    )
    sub.add_argument("--limit", type=_positive, metavar="N", help="rows per answer (default: 10 in a table, else all)")

    command(
        "make-archive",
        commands.make_archive,
        "create the class archive that makes Spark start faster",
        ("state_dir", "jars_dir", "java_home"),
    )

    command("doctor", commands.doctor, "check everything that a run needs", (*_KAFKA, *_FILES, *_STREAM, "kafka_home"))

    command("reset", commands.reset, "delete the checkpoint and the store, and nothing else", (*_FILES, "checkpoint"))
    return parser


def _add_setting(parser: argparse.ArgumentParser, field: Any, question: Question) -> None:
    default = config.default_of(field, question.defaults)
    text = f"{field.metadata['help']} [env: {field.name.upper()}" + (f", default: {default}]" if default else "]")
    flag = f"--{field.name.replace('_', '-')}"
    if field.name == "until_end":
        parser.add_argument(flag, action="store_const", const="1", help=text)
    else:
        parser.add_argument(flag, metavar=field.name.rpartition("_")[2].upper(), help=text.replace("%", "%%"))


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0
    if not 0 < factor < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return factor


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
