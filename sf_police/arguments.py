"""The command line: which commands there are, and what each accepts. Reads nothing itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NoReturn

from sf_police import config, environment
from sf_police.commands import (
    completion,
    dashboard,
    drill,
    feed,
    files,
    flags,
    init_store,
    install,
    late,
    live,
    report,
    reset,
    show,
    stream,
)
from sf_police.commands.film import DEFAULTS, add_film_arguments, film
from sf_police.commands.trace import add_trace_arguments, trace
from sf_police.commands.verify import add_verify_arguments, verify
from sf_police.config import flag_of
from sf_police.output import JsonMessages, say
from sf_police.question import Question
from sf_police.store.views import kinds
from sf_police.view.help import FEEDS, Form, epilog, examples, group_of, metavar, overview, positive, setting_help

# The settings that commands use: each accepts them as flags, and checks no others.
_KAFKA: Final = ("kafka_bootstrap_servers", "kafka_topic", "kafka_port", "kafka_client_properties")
_FILES: Final = ("state_dir", "store", "store_schema")
_SPARK: Final = ("spark_master", "spark_driver_memory", "spark_ui_port", "spark_conf", "jars_dir", "java_home")
_STREAM: Final = (
    "store_retry", "retention", "checkpoint", "window", "watermark", "max_ahead", "trigger", "max_offsets_per_trigger",
    "starting_offsets", "until_end", "state_partitions", "state_store", "metrics_port", "metrics_host", *_SPARK,
)  # fmt: skip
_TO_STREAM: Final = (*_KAFKA, *_FILES, *_STREAM)
# What a checkpoint that is not on this machine takes.
_ELSEWHERE: Final = ("checkpoint", "jars_dir", "java_home", "spark_conf")
_LIVE: Final = (
    "partitions", "data", "state_dir", "window", "watermark", "max_ahead", "trigger", "max_offsets_per_trigger",
    "state_store", "metrics_port", "metrics_host", *_SPARK,
)  # fmt: skip
# Whatever a command says, it says in this form.
_EVERY: Final = ("log_format",)
_FEED: Final = ("feed", "feed_host", "feed_token")
_FOLLOW: Final = (*_FEED, "feed_every", "open_after", "max_ahead")
_DRILL: Final = tuple(name for name in _LIVE if name != "trigger")
_FILM: Final = tuple(name for name in _DRILL if name not in ("metrics_port", "metrics_host"))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with what is wrong with the command line; text has the usage before it."""
        if not isinstance(sys.stderr, JsonMessages):
            super().error(message)
        say(message, level="error", remedy=f"see `{self.prog} --help`", exit_code=2)
        sys.exit(2)


def parser_of(question: Question, prog: str) -> argparse.ArgumentParser:
    """Return the parser of a question's command line."""
    parser = _Parser(prog=prog, usage=f"{prog} COMMAND [OPTION...]", formatter_class=Form)
    parser.add_argument("--version", action="store_true", help="show the versions of this, Spark, its connector, Java")
    subparsers = parser.add_subparsers(prog=prog, metavar="COMMAND", help=argparse.SUPPRESS)

    rows = question.rows
    helps: dict[str, str] = {}

    def command(
        name: str, run: Callable[..., int], help: str, settings: Sequence[str], no_flags: Sequence[str] = (),
        *, defaults: Mapping[str, str] = MappingProxyType({}),
    ) -> argparse.ArgumentParser:  # fmt: skip
        helps[name], settings = help, (*settings, *_EVERY)
        form: dict[str, Any] = {"formatter_class": Form, "epilog": examples(prog, name, question)}
        given = {"trace": question.id.upper(), **dict.fromkeys(("live", "drill", "film", "produce"), "FILE")}.get(name)
        form["usage"] = f"{prog} {name} [OPTION...]" + (f" [{given}]" if given else "")
        sub = subparsers.add_parser(name, description=f"{help[0].upper()}{help[1:]}.", allow_abbrev=False, **form)
        sub.set_defaults(run=run, uses=(*settings, *no_flags), own=defaults)
        sub.add_argument("-v", "--verbose", action="store_true", help="show details and tracebacks on standard error")
        groups: dict[str, Any] = {}
        for field in config.settings():
            if field.name in settings and (question.feed or name in FEEDS or field.name not in _FEED):
                group = groups.get(group_of(field)) or sub.add_argument_group(group_of(field))
                groups[group_of(field)] = group
                _add_setting(group, field, question, defaults.get(field.name))
        return sub

    sub = command(
        "install",
        install.install,
        "download Spark's Kafka connector, and make Spark start fast",
        ("state_dir", "jars_dir", "java_home", "maven_repo"),
    )
    sub.add_argument("--s3", action="store_true", help="instead, download what a checkpoint on s3a:// needs")

    sub = command("live", live.live, f"watch a stream: send {rows} at a pace, and count them", (*_KAFKA, *_LIVE))
    flags.add_live_flags(sub, rows)

    flags.add_drill_flags(
        command("drill", drill.drill, "kill a stream at random, and see it recover", (*_KAFKA, *_DRILL)), rows
    )

    sub = command("generate", files.generate_file, f"write a file of synthetic {rows}", ("data", "state_dir"))
    _add_generate_arguments(sub, question)

    command("create-topic", files.create_topic, "create the topic", (*_KAFKA, "partitions"))

    sub = command(
        "produce", files.produce, f"send a file of {rows} to the topic", (*_KAFKA, "state_dir", "feed"), ("data",)
    )
    flags.add_produce_flags(sub, rows)

    _add_feed_commands(command, rows)

    sub = command("stream", stream.stream, f"count the {rows} of the topic into the store", _TO_STREAM)
    sub.add_argument("--dry-run", action="store_true", help="only check what a start checks; write nothing")

    flags.add_inspect_flags(
        command("inspect", show.inspect, "show the topic: partitions, offsets, first and last records", _KAFKA)
    )

    _add_answer_arguments(command("answer", show.answer, "print the answer from the store", _FILES), question)

    flags.add_rejected_flags(command("rejected", show.rejected, "show why records were rejected, with samples", _FILES))

    flags.add_late_flags(
        command("late", late.late, "show which records were late, and by how much", (*_KAFKA, *_FILES, *_SPARK))
    )

    _add_trace_and_verify(command, question)

    command(
        "dashboard",
        dashboard.dashboard,
        "serve a page on the store: charts, findings, the stream's health",
        (*_KAFKA, *_FILES, "data", "feed", "dashboard_host", "dashboard_port", "jars_dir"),
    )

    command("report", report.report, "write charts, answer and books into files", (*_FILES, "jars_dir")).add_argument(
        "--to", metavar="FOLDER", help="where to (default: report, in STATE_DIR)"
    )

    what = f"send the {rows} in three ways, and see in a film which are late"
    add_film_arguments(command("film", film, what, (*_KAFKA, *_FILM), defaults=DEFAULTS), rows)

    command("make-page", dashboard.make_page, "make the dashboard's charts", ("jars_dir",))

    command(
        "make-archive",
        install.make_archive,
        "create the class archive that makes Spark start faster",
        ("state_dir", "jars_dir", "java_home"),
    )

    command("init-store", init_store.init_store, "make the store's tables and views, as their owner", _FILES)

    command("doctor", show.doctor, "check everything that a run needs", (*_TO_STREAM, "kafka_home"))

    sub = command("completion", completion.completion, "print a script by which a shell completes commands", ())
    completion.add_completion_arguments(sub, parser)

    command("reset", reset.reset, "delete the checkpoint and the store, and nothing else", (*_FILES, *_ELSEWHERE))
    parser.description, parser.epilog = overview(question, helps), epilog(prog)
    return parser


def _add_feed_commands(command: Callable[..., argparse.ArgumentParser], rows: str) -> None:
    fetched, followed = ("data", "state_dir", *_FEED), (*_KAFKA, "partitions", "state_dir", *_FOLLOW)
    flags.add_fetch_flags(command("fetch", feed.fetch, f"download a city's {rows} of some days into a file", fetched))
    flags.add_follow_flags(command("follow", feed.follow, f"send a city's {rows} of today to the topic", followed))


def _add_generate_arguments(sub: argparse.ArgumentParser, question: Question) -> None:
    rows = question.rows
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
    sub.add_argument("--force", action="store_true", help="overwrite a file that DATA names")


def _add_answer_arguments(sub: argparse.ArgumentParser, question: Question) -> None:
    sub.add_argument("--format", choices=("table", "json", "csv"), default="table", help="form (default: %(default)s)")
    sub.add_argument(
        "--by", choices=tuple(kinds(question.answers)), help="print only this answer (default for csv: window)"
    )
    sub.add_argument(
        "--window",
        dest="window_start",
        type=show.window_start,
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


def _add_trace_and_verify(command: Callable[..., argparse.ArgumentParser], question: Question) -> None:
    settings = (*_KAFKA, *_FILES, "data", "feed")
    sub = command("trace", trace, "follow one record from the file to the store", settings)
    add_trace_arguments(sub, question)
    what = "compare file, topic, state and store, to the record"
    add_verify_arguments(command("verify", verify, what, (*settings, "checkpoint", *_SPARK)))


def _add_setting(parser: Any, field: Any, question: Question, own: str | None) -> None:
    variable = field.name.upper() if field.name in environment.SHARED else environment.variable_of(field.name)
    flag, text = flag_of(field.name), setting_help(field, question, variable=variable, own=own).replace("%", "%%")
    if field.name == "until_end":
        parser.add_argument(flag, action="store_const", const="1", help=text)
    else:
        parser.add_argument(flag, metavar=metavar(field), help=text)
