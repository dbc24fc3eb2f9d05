"""SPARK_CONF: the options of Spark's that a user gives, and those that the stream cannot do with another value.

A file, in the syntax of Spark's own spark-defaults.conf, or the options themselves: `name=value`, separated by spaces,
with quotes as in a shell around a value that has some. Messages name an option, never its value, which may be a secret.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sf_police.checks import path
from sf_police.config import Config
from sf_police.errors import UsageError
from sf_police.topic.java_properties import decode_properties, parse_properties

_PREFIX: Final = "spark."
# A path would have a slash before its first equals sign. So has the name of an option for a link of viewfs.
_INLINE: Final = re.compile(r"\s*(spark\.[^\s=]+|[^\s/=]+)=")
_COMMA: Final = re.compile(r",\s*spark\.[\w.]+=")
_JAVA_OPTIONS: Final = re.compile(r"spark\.(driver|executor)\.(extra|default)JavaOptions")

# What a setting of ours decides.
_SETTINGS: Final = {
    "spark.master": "SPARK_MASTER",
    "spark.driver.memory": "SPARK_DRIVER_MEMORY",
    "spark.ui.enabled": "SPARK_UI_PORT",
    "spark.ui.port": "SPARK_UI_PORT",
    "spark.sql.shuffle.partitions": "STATE_PARTITIONS",
    "spark.sql.streaming.checkpointLocation": "CHECKPOINT",
    "spark.sql.streaming.stateStore.providerClass": "STATE_STORE",
}
# What the stream relies on, and why no other value will do. The whole name is compared.
_RELIED_ON: Final = {
    # Columns, casts and comparisons are written for Spark's defaults, in UTC.
    r"spark\.sql\.(session|variant|ansi|legacy|parser|collation|icu|decimalOperations)\..+"
    r"|spark\.sql\.(caseSensitive|timestampType|retainGroupColumns|storeAssignmentPolicy|mapKeyDedupPolicy)": (
        "would change what is counted"
    ),
    r"spark\.sql\.execution\.arrow\.useLargeVarTypes|spark\.sql\.execution\.pandas\..+": (
        "would change what a micro-batch's counts arrive as"
    ),
    # `executed_plan.py` finds its operators in the plan that was run, each task's records once.
    r"spark\.speculation": "would run tasks twice, and records would be twice in the books",
    r"spark\.sql\.adaptive\..+|spark\.sql\.streaming\.disabledV2MicroBatchReaders": (
        "would hide the metrics that the books are made of"
    ),
    r"spark\.sql\.streaming\.noDataMicroBatches\.enabled": "would run micro-batches without records",
    # `checkpoint.py` and `deletion.py` know these files, and who writes them.
    r"spark\.sql\.streaming\.(checkpoint\w*|offsetLog|commitLog)(\..+)?"
    r"|spark\.hadoop\.fs\.(AbstractFileSystem\.)?file\.impl": "would write the checkpoint in another way",
    r"spark\.submit\.deployMode": "is `client`, as the driver runs here",
    r"spark\.app\.id": "is Spark's to choose",
    r"spark\.(remote|local\.connect|api\.mode|connect\..+)": "would be another Spark than the one started here",
}
# Options of a JVM that Spark refuses, or whose value the stream relies on.
_JAVA_RELIED_ON: Final = {
    r"-Xmx": "set SPARK_DRIVER_MEMORY, or spark.executor.memory in SPARK_CONF",
    r"-Dspark\.": "name it in SPARK_CONF as an option of its own",
    r"-Duser\.timezone=": "leave it out: event times are wall clock, and Spark runs in UTC",
}


def user_options(config: Config) -> dict[str, str]:
    """Return the options of SPARK_CONF by name.

    Raises:
        UsageError: it cannot be read, or an option in it would break the stream.
    """
    if not config.spark_conf:
        return {}
    where, options = _given(config.spark_conf)
    for name, value in options.items():
        _ensure_option(where, name, value)
        if not _is_as_set(name, value, config):
            _ensure_allowed(where, name, value)
    return options


def without_effect(options: Mapping[str, str], config: Config) -> str | None:
    """Return a line on options that do nothing with this master; None if there are none."""
    names = [name for name in options if name.startswith("spark.executor.")] if config.is_local_master else []
    if not names:
        return None
    is_one = len(names) == 1
    return (
        f"SPARK_CONF: {', '.join(names)} {'has' if is_one else 'have'} no effect with "
        f"SPARK_MASTER={config.spark_master}, where the driver is the only executor"
    )


def _given(text: str) -> tuple[str, dict[str, str]]:
    if _INLINE.match(text):
        return "SPARK_CONF", _inline(text)
    where = f"SPARK_CONF={text}"
    try:
        file = path(text)
        content = decode_properties(Path(file).read_bytes())
        # Spark trims what follows the name, too.
        return where, {name: value.strip() for name, value in parse_properties(content).items()}
    except OSError as error:
        raise UsageError(
            f"{where} cannot be read ({error.strerror})",
            remedy="name a file as Spark's spark-defaults.conf, or options: `spark.executor.memory=2g …`",
        ) from error
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def _inline(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"SPARK_CONF: {error}", remedy="close the quotes") from error
    options = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"SPARK_CONF: {_shown(name)} has no value", remedy="say `name=value`, in quotes if it has spaces"
            )
        if _COMMA.search(value):
            raise UsageError(
                f"SPARK_CONF: the value of {name} has another option in it", remedy="separate options by spaces"
            )
        options[name] = value
    return options


def _shown(word: str) -> str:
    # A word that is no name may be a part of a secret value.
    return word if word.startswith(_PREFIX) else "a word"


def _ensure_option(where: str, name: str, value: str) -> None:
    if not name.startswith(_PREFIX) or name == _PREFIX:
        raise UsageError(f"{where}: {name} is no option of Spark", remedy=f"its options begin with `{_PREFIX}`")
    if not value:
        raise UsageError(f"{where}: {name} has no value", remedy="give it one, or leave it out")


def _is_as_set(name: str, value: str, config: Config) -> bool:
    # A file that is shared with other programs may say what holds anyway.
    same = {
        "spark.master": config.spark_master,
        "spark.driver.memory": config.spark_driver_memory,
        "spark.ui.enabled": "true" if config.spark_ui_port else "false",
        "spark.ui.port": str(config.spark_ui_port),
        "spark.sql.shuffle.partitions": str(config.state_partitions),
        "spark.sql.session.timeZone": "UTC",
        "spark.speculation": "false",
        "spark.submit.deployMode": "client",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
        "spark.sql.variant.allowDuplicateKeys": "true",
    }
    return same.get(name) == value


def _ensure_allowed(where: str, name: str, value: str) -> None:
    setting = _SETTINGS.get(name)
    if setting:
        raise UsageError(f"{where}: {name} is a setting of its own", remedy=f"set {setting}")
    for pattern, why in _RELIED_ON.items():
        if re.fullmatch(pattern, name):
            raise UsageError(f"{where}: {name} {why}", remedy="leave it out")
    if _JAVA_OPTIONS.fullmatch(name):
        for pattern, remedy in _JAVA_RELIED_ON.items():
            if re.search(rf"(?:^|[\s\"']){pattern}", value):
                raise UsageError(f"{where}: {name} must not have {pattern.replace(chr(92), '')}", remedy=remedy)
