"""Decides what a run inherits from its environment: which variables set a setting, and what its processes are given.

Pure functions of the environment, which `cli.py` passes in. What other programs have set changes nothing of what a run
means: we win by naming our own values, not by dropping other people's, so proxies, certificates, credentials and
JAVA_TOOL_OPTIONS stay. Only what would replace our Spark or our Python packages is shut out.
"""

from __future__ import annotations

import codecs
import difflib
import os
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sf_police.errors import UsageError

PREFIX: Final = "SF_POLICE_"
# Settings that other programs know by the same name and mean the same by: they need no prefix.
SHARED: Final = frozenset(
    {"kafka_bootstrap_servers", "kafka_topic", "kafka_client_properties", "kafka_home", "state_dir", "java_home"}
)
# Names with our prefix that no command has as a setting: those of the scripts, of Make and of the tests.
_OTHERS: Final = frozenset(
    {
        "kafka_start_timeout", "kafka_stop_timeout", "kafka_heap_opts", "real_file",
        "args", "bootstrap_python", "follow", "fuzz_seconds", "python", "question", "venv",
    }
)  # fmt: skip
# What says which Spark runs, and how it is started. (SPARK_LOCAL_DIRS, SPARK_USER and others of the user's stay.)
_OTHER_SPARK: Final = re.compile(
    r"PYSPARK_.*|SPARK_(HOME|CONF_DIR|ENV_LOADED|SCALA_VERSION|DIST_CLASSPATH|PREPEND_CLASSES|(SQL_)?TESTING"
    r"|REMOTE|LOCAL_REMOTE|CONNECT_MODE|CONNECT_MODE_ENABLED|API_MODE|LAUNCHER_OPTS)|MASTER"
)
# Collectors that a JAVA_TOOL_OPTIONS may have chosen: Java refuses to start with two.
_COLLECTORS: Final = re.compile(r"-XX:\+Use(?:G1|Serial|Parallel|Z|Shenandoah|Epsilon)GC\b")
_JAVA_VARIABLES: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS", "_JAVA_OPTIONS")


@dataclass(frozen=True)
class Given:
    """What the environment sets: text by setting, and text of settings whose variable lacks the prefix."""

    settings: Mapping[str, str]
    ignored: Mapping[str, str]


def given_settings(environ: Mapping[str, str], names: Collection[str]) -> Given:
    """Return what the environment sets, of the settings with these names.

    Raises:
        UsageError: a variable has our prefix, but the name of no setting.
    """
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name not in names and name not in _OTHERS:
            raise UsageError(f"{variable} is not a setting", remedy=_nearest(name, names))
    settings: dict[str, str] = {}
    ignored: dict[str, str] = {}
    for name in names:
        text, bare = environ.get(variable_of(name), ""), environ.get(name.upper(), "")
        if text.strip():
            settings[name] = text
        elif bare.strip():
            (settings if name in SHARED else ignored)[name] = bare
    return Given(settings, ignored)


def variable_of(name: str) -> str:
    """Return the variable that sets a setting, whatever else is in the environment."""
    return f"{PREFIX}{name.upper()}"


def _nearest(name: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean {variable_of(found[0])}?" if found else "unset it; `sf-police COMMAND --help` lists them"


def is_submitted(environ: Mapping[str, str]) -> bool:
    """Whether spark-submit has started this process: its JVM runs already, with the submit's own options."""
    return "PYSPARK_GATEWAY_PORT" in environ


def inherited(environ: Mapping[str, str], *, python: str, encoding: str) -> dict[str, str]:
    """Return the variables that this process and all that it starts shall have.

    Args:
        environ: the variables that it was started with.
        python: the interpreter that runs it.
        encoding: the locale's, as the C library names it.
    """
    if is_submitted(environ):
        return dict(environ)
    kept = {name: text for name, text in environ.items() if not _OTHER_SPARK.fullmatch(name)}
    kept["PYSPARK_PYTHON"] = python
    if not kept.get("JAVA_HOME", "").strip():
        kept.pop("JAVA_HOME", None)
    if codecs.lookup(encoding).name == "ascii":
        # Python takes file names for UTF-8 all the same, but Java cannot open one with an accent.
        kept["LC_ALL"] = "C.UTF-8"
    return kept


def for_spark(
    environ: Mapping[str, str], *, spark_home: str, java_home: str | None, is_loopback: bool
) -> dict[str, str]:
    """Return the variables of Spark's JVM, from those that are `inherited`.

    Args:
        environ: what was inherited.
        spark_home: the folder of our pyspark.
        java_home: the Java to run; None for the one on the PATH.
        is_loopback: whether nothing of Spark is reached from another machine.
    """
    given = {**environ, "SPARK_HOME": spark_home, "SPARK_SCALA_VERSION": "2.13"}
    if java_home:
        given["JAVA_HOME"] = java_home
    if is_loopback:
        # Spark would look up the machine's own name, which need not resolve; and its UI listens on this address.
        given |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
    return given


def chooses_collector(environ: Mapping[str, str], more: str = "") -> bool:
    """Whether the environment's options for Java, or `more` of them, already name a garbage collector."""
    return any(_COLLECTORS.search(text) for text in (more, *(environ.get(name, "") for name in _JAVA_VARIABLES)))


def with_temporary_folder(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the variables with which Python and Java keep their temporary files in a folder.

    Of a process that is killed they are left behind, and nothing in the system's folder tells whose they were.
    """
    java = f"{environ.get('JDK_JAVA_OPTIONS', '')} {shlex.quote(f'-Djava.io.tmpdir={folder}')}"
    return {**environ, "TMPDIR": folder, "JDK_JAVA_OPTIONS": java.strip()}


def own_packages_first(path: Sequence[str], environ: Mapping[str, str], *, folder: str) -> list[str]:
    """Return Python's module path with PYTHONPATH and the working folder last.

    Another pyspark, or a `kafka.py` in the folder that a command is run from, would else be imported in place of ours.
    """
    if is_submitted(environ):
        return list(path)
    given = {os.path.abspath(os.path.join(folder, entry)) for entry in environ.get("PYTHONPATH", "").split(os.pathsep)}

    def rank(entry: str) -> int:
        whole = os.path.abspath(os.path.join(folder, entry))
        return 2 if whole == os.path.abspath(folder) else 1 if whole in given else 0

    return sorted(path, key=rank)
