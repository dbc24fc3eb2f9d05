"""Every figure in README and in the list of targets has a source, and is what it says; one without an entry here fails.

An entry is README's own words, with the figure put in from its source: code, a file of benchmarks/results, or another
test. Figures of the original file are in `tests/support/original.py`: they are compared with the file itself where
SF_POLICE_REAL_FILE names it. The table of settings is compared with config.py in `test_docs.py`.
"""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pyspark
import pytest

from sf_police import doctor
from sf_police.calls import QUESTION, dispositions, generate, schema
from sf_police.commands import live
from sf_police.errors import SfPoliceError, UsageError
from sf_police.page import hosts
from sf_police.stop import Stop
from sf_police.stream import transformations
from sf_police.topic import admin
from tests.support import original, recount
from tests.support.environment import ROOT
from tests.support.question import resolve

README = "\n".join((ROOT / name).read_text() for name in ("README.md", "docs/targets.md"))


def results(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def rows_per_s(series: str) -> float:
    """Of the study's cell with three partitions and micro-batches of 2,000 rows."""
    cells = [cell for cell in results("study")["cells"] if (cell["partitions"], cell["max_offsets"]) == (3, 2_000)]
    return next(cell["rows_per_s"]["median"] for cell in cells if cell["series"] == series)


def thousands(engine: str) -> str:
    """Rows/s in steady state, in whole thousands."""
    [found] = [peer["rows_per_s"]["median"] for peer in results("peers")["peers"] if peer["name"] == engine]
    return f"{round(found, -3):,.0f}"


def most_bytes(name: str) -> int:
    return next(field.max_bytes for field in schema.FIELDS if field.name == name)


def found(pattern: str, file: str) -> str:
    """The one thing that a file says in this form."""
    [text] = set(re.findall(pattern, (ROOT / file).read_text()))
    return text


def megabytes_of_jars() -> float:
    """Of Spark, which pyspark brings, and of what jars.sha256 lists."""
    listed = [line.split("  ")[1] for line in (ROOT / "sf_police/spark/jars.sha256").read_text().splitlines()]
    folder = resolve({"jars_dir": os.environ.get("SF_POLICE_JARS_DIR")}).jars_dir
    jars = [folder / name for name in listed] + list(Path(pyspark.__path__[0]).rglob("*.jar"))
    return sum(jar.stat().st_size for jar in jars if jar.exists()) / 1e6  # a Kafka of one's own needs none of them


def exit_code(number: int) -> int:
    stop = Stop()
    stop.signal = number
    return stop.exit_code


TARGETS, GROWTH, DEFAULTS = results("targets"), results("growth"), "Spark's defaults"
WINDOW, HOUR_AGAIN, SPAN = QUESTION.defaults.window, generate._REPEATED_HOUR, generate._LAST - generate._START

FIGURES: dict[str, list[str]] = {
    "the original file": [
        *original.PHRASES,
        original.ANSWER,
        *(words.format(share) for words, share, *_ in original.LATE),
    ],
    "sf_police/calls/: the question, and the calls that are generated in the form of the original ones": [
        f"in a {WINDOW.replace(' minutes', '-minute')} window",
        f"in the {WINDOW.replace(' minutes', '-minute')} **window**",
        f"On {HOUR_AGAIN:%Y-%m-%d} the clocks went back: the **hour from {HOUR_AGAIN:%H:%M}**",
        f"the last quarter of {generate._LAST.year}",
        f"Event times are from {generate._LAST.year}",
        f"the whole file takes {SPAN.total_seconds() / live.SPEED / 3600:.1f} hours",
        f'(`ARGS="--speed 6000"`: {SPAN.total_seconds() / 6000 / 60:.0f} minutes)',
        f"(at most {most_bytes(schema.CRIME_TYPE_NAME):,} bytes)",
        f"`disposition` ({most_bytes(schema.DISPOSITION)})",
        *(f"`22` are both `{dispositions.meanings()[code]}`" for code in ("22", "CAN")),
    ],
    "sf_police/: settings, exit codes, what is checked": [
        f"a real date from {transformations._EARLIEST[:4]} to {int(transformations._LATEST[:4]) - 1}",
        f"`retention.ms={admin._TOPIC_CONFIGS['retention.ms']}`",
        f"Java {' or '.join(map(str, doctor.JAVA_VERSIONS))}",
        f"at {live.SPEED:.0f} times the speed of the events",
        f"At {live.SPEED:.0f} times the speed of the events",
        f"at {hosts.address(resolve({}).dashboard_host, resolve({}).dashboard_port).rstrip('/')}, also",
        f"{SfPoliceError.exit_code} failed",
        f"{UsageError.exit_code} usage",
        f"{exit_code(signal.SIGHUP)}, {exit_code(signal.SIGINT)} or {exit_code(signal.SIGTERM)} interrupted",
        f"`make demo KAFKA_BOOTSTRAP_SERVERS=broker1:{resolve({}).kafka_port},broker2:{resolve({}).kafka_port}`",
    ],
    "tests/unit/test_cli.py, tests/integration/test_guards.py and GNU Make": [
        "Exit codes: 0 done",
        "is no failure: 0.",
        "through Make, 2 for any failure",
    ],
    "setup.cfg, and the jars that `make install` fetches": [
        f"Python {found(r'python_requires = >=(.*)', 'setup.cfg')} or newer",
        f"`~/.cache/sf-police/jars/{found(r'  (kafka_[^/]+)/', 'sf_police/spark/jars.sha256')}/bin`",
        f"some {round(megabytes_of_jars(), -2):.0f} MB of jars",
    ],
    "benchmarks/results": [
        f"in {TARGETS['producer']['ours_s']['median']} s",
        f"answered {TARGETS['cold_answer']['answer_s']['median']:.1f} s after",
        f"Micro-batches of 2,000 rows run at {rows_per_s(DEFAULTS):.0f} rows/s with {DEFAULTS}",
        f"at {rows_per_s('ours'):,.0f} as set up here",
        f"it counts {thousands('sf-police')} calls a second",
        f"like for like, {thousands('Flink SQL like for like')}, and {thousands('Flink SQL')} where",
        f"over {GROWTH['stream']['calls']:,} calls",
        f"a file of {GROWTH['producer']['file_bytes'] / 1e9:.0f} GB",
    ],
    "scripts/test-plan.sh; tests/faults/test_kill.py": [
        f"some {found('some ([0-9]+) minutes', 'scripts/test-plan.sh')} minutes on two cores",
        f"{found('killed ([0-9]+) times at random', 'tests/faults/test_kill.py')} times at random",
    ],
    "names, and examples of what may be typed": [
        "UTF-8", "`.bz2`", "`s3a://…`",
        "`make install-s3`", "--limit 4", '`ARGS="--speed 6000"` |', "KAFKA_BROKERS=3", "FOLLOW=1",
        "`N=3`",
        "UNTIL_END=1", "BENCH_QUICK=1", "SPARK_UI_PORT=4040", "2018-12-31 23:30", '"1 hour"',
    ],
}  # fmt: skip


def test_every_figure_is_what_its_source_says() -> None:
    assert [(source, words) for source, entries in FIGURES.items() for words in entries if words not in README] == []


def test_every_figure_has_a_source() -> None:
    rest = re.sub(r"^\| `[A-Z_]+` \|.*\n|^\d+\. ", "", README, flags=re.MULTILINE)  # settings; numbered lists
    for words in sorted((words for entries in FIGURES.values() for words in entries), key=len, reverse=True):
        rest = rest.replace(words, "")

    assert [line for line in rest.splitlines() if re.search(r"\d", line)] == []


@original.needs_file
@pytest.mark.real_file
def test_the_original_file_has_the_figures_that_the_readme_says() -> None:
    calls = recount.load(Path(str(original.FILE)))

    assert len(calls) == original.BOOKS["read"]
    assert len(recount.distinct(calls)) == original.BOOKS["counted"]
    for words, share, in_order, partition_of, offsets in original.LATE:
        late = original.late_share(calls, in_order, partition_of, offsets)
        assert round(late, 1 if share > 99 else None) == share, words
