"""Reads the command line and the environment, and is the only file to do so. The commands are in `commands.py`."""

from __future__ import annotations

import argparse
import locale
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sf_police import __version__, commands, config, environment, install, live
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UsageError
from sf_police.how_to import in_reach
from sf_police.output import drop_output, settle_streams
from sf_police.question import Question
from sf_police.stop import Stop
from sf_police.store.views import kinds
from sf_police.view.help import Form, epilog, examples, factor, group_of, metavar, overview, positive, setting_help

# The settings that commands use: each accepts them as flags, and checks no others.
_KAFKA: Final = ("kafka_bootstrap_servers", "kafka_topic", "kafka_port", "kafka_client_properties")
_FILES: Final = ("state_dir", "store", "store_schema")
_SPARK: Final = ("spark_master", "spark_driver_memory", "spark_ui_port", "jars_dir", "java_home")
_STREAM: Final = (
    "checkpoint", "window", "watermark", "trigger", "max_offsets_per_trigger", "starting_offsets", "until_end",
    "state_partitions", *_SPARK,
)  # fmt: skip
_LIVE: Final = (
    "partitions", "data", "state_dir", "window", "watermark", "trigger", "max_offsets_per_trigger", *_SPARK,
)  # fmt: skip


def main(argv: Sequence[str] | None = None, *, question: Question = QUESTION, prog: str = "sf-police") -> int:
    """Run a command on a question's topic; return the exit code: 0 done, 1 failed, 2 usage, 130 or 143 interrupted.

    Without `argv` it is this process's own command line, and the process is settled for it.
    """
    stop = Stop()
    stop.listen()
    try:
        if argv is None:
            _settle_process()
            stop.insist()
        try:
            parser = _parser(question, prog)
            parsed = parser.parse_args(argv)
            if "run" not in parsed:
                parser.print_help()
                return 0
            return _run(parsed, question, stop)
        finally:
            sys.stdout.flush()  # what fails here is said below, and not by Python as it ends
    except SfPoliceError as error:
        if logging.root.isEnabledFor(logging.INFO):
            traceback.print_exc()
        print(f"error: {in_reach(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has closed the pipe. Python would complain again when it closes standard output.
        drop_output()
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return stop.exit_code


def _settle_process() -> None:
    # Applied to this process, as Spark's, Kafka's and PostgreSQL's clients read the variables themselves.
    settle_streams()
    try:
        folder = os.getcwd()
    except OSError:
        raise SfPoliceError("the current folder is gone", remedy="change to one that exists") from None
    sys.path[:] = environment.own_packages_first(sys.path, os.environ, folder=folder)
    variables = environment.inherited(os.environ, python=sys.executable, encoding=locale.getencoding())
    os.environ.clear()
    os.environ.update(variables)
    if sys.warnoptions:
        warnings.simplefilter("ignore")  # PYTHONWARNINGS=error would make errors of other packages' warnings


def _run(parsed: argparse.Namespace, question: Question, stop: Stop) -> int:
    arguments = vars(parsed)
    is_verbose, run, uses = arguments.pop("verbose"), arguments.pop("run"), arguments.pop("uses")
    # Failures in the client libraries are reported in one line of our own; -v shows theirs, too.
    logging.basicConfig(level=logging.INFO if is_verbose else logging.CRITICAL, stream=sys.stderr)
    flags = {name: arguments.pop(name, None) for name in uses}
    given = environment.given_settings(os.environ, [field.name for field in config.settings()])
    for name in (name for name in given.ignored if name in uses and not flags[name]):
        if config.is_valid(name, given.ignored[name]) or is_verbose or run is commands.doctor:
            print(_ignored_line(name, given.ignored[name]), file=sys.stderr)
    settings = {name: flags[name] or given.settings.get(name) for name in uses}
    try:
        resolved = config.resolve(settings, question.defaults)
    except UsageError as error:
        raise UsageError(_as_typed(error.what, flags), remedy=error.remedy) from error
    return int(run(commands.Run(resolved, question, stop), **arguments))


def _as_typed(text: str, flags: Mapping[str, str | None]) -> str:
    # Checks know settings; who typed a flag looks for the flag.
    for name, value in flags.items():
        if value is not None:
            text = text.replace(f"{name.upper()}={value}", f"{_flag(name)} {value}")
    return text


def _ignored_line(name: str, text: str) -> str:
    shown = name.upper() if name == "store" else f"{name.upper()}={text}"  # a store's URL may have a password
    return f"note: {shown} in the environment is ignored: set {environment.variable_of(name)}"


def _parser(question: Question, prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, usage=f"{prog} COMMAND [OPTION...]", formatter_class=Form)
    parser.add_argument("--version", action="version", version=f"sf-police {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", help=argparse.SUPPRESS)

    rows = question.rows
    helps: dict[str, str] = {}

    def command(
        name: str, run: Callable[..., int], help: str, settings: Sequence[str], no_flags: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        helps[name] = help
        form: dict[str, Any] = {"formatter_class": Form, "epilog": examples(prog, name)}
        form["usage"] = f"{prog} {name} [OPTION...]" + (" [FILE]" if name in ("live", "produce") else "")
        sub = subparsers.add_parser(name, description=f"{help[0].upper()}{help[1:]}.", allow_abbrev=False, **form)
        sub.set_defaults(run=run, uses=(*settings, *no_flags))
        sub.add_argument("-v", "--verbose", action="store_true", help="show details and tracebacks on standard error")
        groups: dict[str, Any] = {}
        for field in config.settings():
            if field.name in settings:
                group = groups.get(group_of(field)) or sub.add_argument_group(group_of(field))
                groups[group_of(field)] = group
                _add_setting(group, field, question)
        return sub

    command(
        "install",
        install.install,
        "download Spark's Kafka connector, and make Spark start fast",
        ("state_dir", "jars_dir", "java_home", "maven_repo"),
    )

    sub = command("live", live.live, f"watch a stream: send {rows} at a pace, and count them", (*_KAFKA, *_LIVE))
    sub.add_argument("file", nargs="?", metavar="FILE", help=f"file of {rows} (default: DATA, generated if missing)")
    sub.add_argument("--speed", type=factor, metavar="N", help="N times as fast as the events (default: 600)")
    sub.add_argument("--rate", type=factor, metavar="N", help="N records a second instead")
    sub.add_argument("--new", action="store_true", help="start over, with a new topic (default: resume)")

    sub = command("generate", commands.generate_file, f"write a file of synthetic {rows}", ("data", "state_dir"))
    sub.add_argument(
        f"--{rows.replace('_', '-')}",
        dest="count",
        type=positive,
        default=question.generated,
        metavar="N",
        help=f"number of {rows} (default: %(default)s)",
    )
    sub.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=question.seed,
        help=f"random seed; another one yields other {rows} (default: %(default)s)",
    )
    sub.add_argument("--if-missing", action="store_true", help="do nothing if the file already exists")

    command("create-topic", commands.create_topic, "create the topic", (*_KAFKA, "partitions"))

    sub = command("produce", commands.produce, f"send a file of {rows} to the topic", (*_KAFKA, "state_dir"), ("data",))
    sub.add_argument(
        "file", nargs="?", metavar="FILE", help="JSON array or NDJSON, also gzip, bzip2, xz, zip (default: DATA)"
    )

    sub.add_argument(
        "--order", choices=("event", "file"), default="event", help="send by event time, or as in the file"
    )
    sub.add_argument("--rate", type=factor, metavar="N", help="send N records a second (default: as fast as possible)")
    sub.add_argument(
        "--speed", type=factor, metavar="N", help=f"send at the pace of the {rows}' event times, N times as fast"
    )
    sub.add_argument(
        "--again",
        action="store_true",
        help="send the whole file, whatever the topic already holds; duplicates are counted once",
    )

    command("stream", commands.stream, f"count the {rows} of the topic into the store", (*_KAFKA, *_FILES, *_STREAM))

    sub = command("inspect", commands.inspect, "show the topic: partitions, offsets, first and last records", _KAFKA)
    sub.add_argument("--follow", action="store_true", help="then show new records, one a line, until Ctrl-C")
    sub.add_argument("--pretty", action="store_true", help="show each field of a record in a line of its own")

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
    sub.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="rows per answer, of windows the newest (default: in a table what fits the screen, up to 10; else all)",
    )
    sub.add_argument("--rejected", action="store_true", help="print the rejected records, as `rejected` does")

    _add_rejected_arguments(
        command("rejected", commands.rejected, "show why records were rejected, with samples", _FILES)
    )

    command(
        "make-archive",
        install.make_archive,
        "create the class archive that makes Spark start faster",
        ("state_dir", "jars_dir", "java_home"),
    )

    command("doctor", commands.doctor, "check everything that a run needs", (*_KAFKA, *_FILES, *_STREAM, "kafka_home"))

    command("reset", commands.reset, "delete the checkpoint and the store, and nothing else", (*_FILES, "checkpoint"))
    parser.description, parser.epilog = overview(question, helps), epilog(prog)
    return parser


def _add_rejected_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--format", choices=("table", "json", "csv"), default="table", help="form (default: %(default)s)")
    sub.add_argument("--reason", default="", metavar="TEXT", help="only reasons that contain TEXT, in any case")
    sub.add_argument(
        "--limit", type=positive, default=1, metavar="N", help="samples for each reason (default: %(default)s)"
    )
    sub.add_argument(
        "--raw", dest="format", action="store_const", const="raw", help="write only the first sample's value, as it is"
    )


def _add_setting(parser: Any, field: Any, question: Question) -> None:
    variable = field.name.upper() if field.name in environment.SHARED else environment.variable_of(field.name)
    flag, text = _flag(field.name), setting_help(field, question, variable=variable).replace("%", "%%")
    if field.name == "until_end":
        parser.add_argument(flag, action="store_const", const="1", help=text)
    else:
        parser.add_argument(flag, metavar=metavar(field), help=text)


def _flag(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


if __name__ == "__main__":
    raise SystemExit(main())
