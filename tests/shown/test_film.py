"""`film`: three real streams, of which the rule in plain Python tells beforehand what each drops; nothing is left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from sf_police.film.ways import WAYS
from sf_police.view.film import frame_words, late_line
from tests.support.films import a_film
from tests.support.job import Job
from tests.support.waiting import eventually, wait_for_line
from tests.unit.page.test_report import Page

# Few, but enough for partitions to drift apart.
CALLS, PARTITIONS, OFFSETS = 300, 8, 40


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    job = make_job()
    job.run("generate", "--calls", str(CALLS))
    return job


def topics(job: Job) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=job.kafka)
    found = [topic for topic in admin.list_topics() if topic.startswith(job.topic)]
    admin.close()
    return found


def processes_about(folder: Path) -> list[str]:
    """The processes whose command line names the folder: the film, its stream, and that one's JVM."""
    shown = subprocess.run(["ps", "-axww", "-o", "stat=,args="], capture_output=True, text=True, check=True)
    return [line for line in shown.stdout.splitlines() if str(folder) in line and not line.startswith("Z")]


@pytest.mark.timeout(700)
def test_each_way_drops_what_the_rule_in_plain_python_says(job: Job) -> None:
    # Three streams, one after another.
    process = job.start("film", PARTITIONS=str(PARTITIONS), MAX_OFFSETS_PER_TRIGGER=str(OFFSETS))
    printed, said = process.communicate(timeout=600)
    assert process.returncode == 0, said

    calls = json.loads((job.state / "calls.json").read_text())
    film = a_film(calls, partitions=PARTITIONS, offsets=OFFSETS)
    page = job.state / "report" / "film.html"
    assert printed.splitlines() == [*(late_line(way, film.question) for way in film.ways), str(page)]
    late = {way.way.name: way.late for way in film.ways}
    assert late["as-it-stands"] > late["by-key"] > late["in-turn"] == 0
    # Micro-batch by micro-batch: what was read, what was dropped, the watermark, and which records are shown.
    [script] = Page(page.read_text("utf-8")).scripts
    filmed = json.loads(script.split("const FILM = ")[1].split(";\n")[0])["ways"]
    for way in film.ways:
        frames = filmed[way.way.name]
        words = [frame["said"].replace("\u00a0", " ").replace("\u2011", "-") for frame in frames]
        assert words == [frame_words(frame) for frame in way.frames]
        shown = [[[record.partition, record.ahead_s] for record in frame.shown if record.ahead_s is not None]
                 for frame in way.frames]  # fmt: skip
        assert [frame["records"] for frame in frames] == shown
    assert (job.state / "report" / "film.svg").read_text("utf-8").startswith("<svg ")

    assert topics(job) == [job.topic]
    assert sorted(path.name for path in job.state.iterdir()) == ["calls.json", "report"]
    assert processes_about(job.state) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_and_nothing_is_left(job: Job, number: signal.Signals) -> None:
    process = job.start("film", MAX_OFFSETS_PER_TRIGGER="4")
    wait_for_line(process, "batch 3: ")
    assert [re.sub(r"\d{8}-\d{6}-[0-9a-f]{8}", "NAME", topic) for topic in sorted(topics(job))] == [
        job.topic, f"{job.topic}.film.NAME.{WAYS[0].name}",
    ]  # fmt: skip

    process.send_signal(number)
    _, said = process.communicate(timeout=90)

    assert process.returncode == 128 + number, said
    assert said.splitlines()[-1] == "interrupted; the topic and the folder of the film are gone again"
    assert topics(job) == [job.topic]
    assert sorted(path.name for path in job.state.iterdir()) == ["calls.json"]
    assert processes_about(job.state) == []


def test_what_a_killed_film_leaves_the_next_one_removes(job: Job) -> None:
    process = job.start("film", MAX_OFFSETS_PER_TRIGGER="40")
    wait_for_line(process, "batch 3: ")
    process.kill()
    process.communicate()
    assert len(topics(job)) == 2

    def has_ended() -> None:
        assert processes_about(job.state) == []  # its stream, which nobody interrupts

    eventually(has_ended, AssertionError, seconds=120)
    again = job.start("film", MAX_OFFSETS_PER_TRIGGER="40")
    wait_for_line(again, "removed what a film that was killed had left: ")
    again.send_signal(signal.SIGINT)
    _, said = again.communicate(timeout=90)

    assert again.returncode == 130, said
    assert topics(job) == [job.topic]
    assert sorted(path.name for path in job.state.iterdir()) == ["calls.json"]
