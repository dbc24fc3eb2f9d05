"""The words of `--help`: groups of commands and of settings, examples, and what a typed value has to be."""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import Field
from datetime import date
from typing import Any, Final

from sf_police import config
from sf_police.question import Question

# Only for a question that takes a city's feed.
FEEDS: Final = ("fetch", "follow")
# The commands by what they are for, in the order in which a newcomer meets them.
COMMANDS: Final = {
    "to begin": ("install", "doctor", "live", "drill"),
    "the job": ("generate", "create-topic", "produce", "stream", "answer", "reset"),
    "today": FEEDS,
    "to look": ("dashboard", "report", "film", "inspect", "rejected", "late", "trace", "verify"),
    "rarely": ("completion", "init-store", "make-archive", "make-page"),
}

_EXAMPLES: Final = {
    "live": ("live", "live --speed 6000", "live --new"),
    "drill": ("drill", "drill --kills 5 --seed 1"),
    "film": ("film", "film --partitions 3 --max-offsets-per-trigger 200"),
    "generate": ("generate", "generate --data {data} --seed 7"),
    "create-topic": ("create-topic --partitions 8",),
    "produce": ("produce", "produce {data}.bz2", "produce --speed 600"),
    "fetch": ("fetch --from 2018-10-02 --to 2018-12-31", "fetch --feed seattle --from 2026-01-01 --to 2026-01-31"),
    "follow": ("follow --kafka-topic sf-today", "follow --once", "follow --feed seattle --kafka-topic seattle"),
    "stream": (
        "stream",
        "stream --until-end",
        "stream --dry-run",
        "stream --max-offsets-per-trigger 2000 --trigger '1 second'",
    ),
    "inspect": ("inspect", "inspect --follow"),
    "completion": ("completion bash",),
    "trace": ("trace {id}", "trace --partition 0 --offset 6333", "trace {id} --format json"),
    "verify": ("verify", "verify --data {data}.bz2"),
    "answer": ("answer", "answer --format csv --limit 100", "answer --window '{hour}:00'"),
}

_GROUPS: Final = {
    "brokers and topic": (
        "kafka_bootstrap_servers", "kafka_topic", "kafka_port", "kafka_brokers", "kafka_client_properties",
        "kafka_home", "partitions",
    ),
    "files": ("data", "state_dir", "store", "store_schema", "store_retry", "retention", "checkpoint"),
    "the stream": (
        "window", "watermark", "max_ahead", "trigger", "max_offsets_per_trigger", "starting_offsets", "until_end",
        "state_partitions", "state_store", "metrics_port", "metrics_host",
    ),
    "the feed": ("feed", "feed_host", "feed_token", "feed_every", "open_after"),
    "the page": ("dashboard_host", "dashboard_port"),
    "messages": ("log_format",),
    "Spark and Java": (
        "spark_master", "spark_driver_memory", "spark_ui_port", "spark_conf", "jars_dir", "java_home", "maven_repo",
    ),
}  # fmt: skip

_METAVARS: Final = {
    "kafka_bootstrap_servers": "HOST:PORT[,...]",
    "kafka_topic": "NAME",
    "kafka_port": "PORT",
    "kafka_client_properties": "FILE",
    "kafka_home": "FOLDER",
    "data": "FILE",
    "state_dir": "FOLDER",
    "store": "URL",
    "store_schema": "NAME",
    "store_retry": "LENGTH",
    "checkpoint": "FOLDER",
    "retention": "LENGTH",
    "dashboard_host": "ADDRESS",
    "dashboard_port": "PORT",
    "window": "LENGTH",
    "feed": "NAME",
    "feed_host": "HOST",
    "feed_token": "TOKEN",
    "feed_every": "LENGTH",
    "open_after": "LENGTH",
    "watermark": "LENGTH",
    "max_ahead": "LENGTH",
    "trigger": "LENGTH",
    "starting_offsets": "WHERE",
    "state_store": "WHERE",
    "spark_master": "URL",
    "spark_driver_memory": "SIZE",
    "spark_ui_port": "PORT",
    "spark_conf": "OPTIONS",
    "metrics_port": "PORT",
    "metrics_host": "ADDRESS",
    "log_format": "FORM",
    "jars_dir": "FOLDER",
    "java_home": "FOLDER",
    "maven_repo": "URL",
}
_WIDEST: Final = 100
_NARROWEST: Final = 20
_NAME_COLUMN: Final = 26
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Form(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, up to a width that is read easily."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=_NAME_COLUMN, width=_width())


def _width() -> int:
    # Every command builds its help, so no width may break it.
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST) - 2


def overview(question: Question, helps: Mapping[str, str]) -> str:
    """Return what stands between the usage and the options: the title, and the commands by group.

    Args:
        question: whose title it is.
        helps: one line about each command.
    """
    if not question.feed:  # they are refused, and say why
        helps = {name: text for name, text in helps.items() if name not in FEEDS}
    lines = textwrap.wrap(question.title, _width())
    named = {name for names in COMMANDS.values() for name in names}
    more = {"more": tuple(name for name in helps if name not in named)}
    for group, names in {**COMMANDS, **more}.items():
        rows = [f"  {name:13} {helps[name]}" for name in names if name in helps]
        lines += ["", f"{group}:", *rows] if rows else []
    return "\n".join(lines)


def epilog(prog: str) -> str:
    """Return what stands at the end of the overview."""
    return (
        f"examples:\n  {prog} live                 watch the windows fill\n"
        f"  {prog} COMMAND --help       the options of a command, with examples"
    )


def examples(prog: str, command: str, question: Question) -> str | None:
    """Return a command's examples, on the question's own file, id and times; None if it has none."""
    own = {"data": question.defaults.data, "id": question.id.upper(), "hour": question.time_form[:13].replace("T", " ")}
    lines = [f"  {prog} {line.format(**own)}" for line in _EXAMPLES.get(command, ())]
    return "\n".join(["examples:", *lines]) if lines else None


def group_of(setting: Field[Any]) -> str:
    """Return the heading under which a setting's flag stands."""
    return next((group for group, names in _GROUPS.items() if setting.name in names), "more settings")


def metavar(setting: Field[Any]) -> str:
    """Return what stands for a setting's value."""
    return _METAVARS.get(setting.name, "N")


def setting_help(setting: Field[Any], question: Question, *, variable: str, own: str | None = None) -> str:
    """Return the help of a setting's flag, with the environment variable that is the same.

    Args:
        setting: a field of `Config`.
        question: whose defaults hold.
        variable: its name.
        own: a command's own default.
    """
    text: str = setting.metadata["help"]
    default = own or config.default_of(setting, question.defaults)
    if setting.name == "until_end":
        text, default = text.removeprefix("1: "), None
    return f"{text} [env: {variable}" + (f", default: {default}]" if default else "]")


def factor(text: str) -> float:
    """Parse a number above 0."""
    try:
        factor = float(text)
    except ValueError:
        factor = 0
    if not 0 < factor < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return factor


def day(text: str) -> date:
    """Parse a day."""
    try:
        if not _DAY.fullmatch(text):  # Python reads other forms, too
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: expected a day such as 2018-10-02") from None


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of at least 1")
    return int(text)
