"""The second question by the real commands: from generated records to the printed answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.support.job import Job, books


def test_the_real_commands_answer_on_generated_rides(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job(partitions=2, module="examples.taxi_rides")
    job.run("generate", "--rides", "3000", "--data", str(tmp_path / "rides.json"))
    job.run("produce", str(tmp_path / "rides.json"))

    done = job.run("stream", "--until-end")

    rides = {ride["ride_id"]: ride for ride in json.loads((tmp_path / "rides.json").read_text(), parse_float=Decimal)}
    earned = sum(ride["fare"] for ride in rides.values())
    windows = Counter(ride["pickup_time"][:14] + f"{int(ride['pickup_time'][14:16]) // 15}" for ride in rides.values())
    assert books(done.stderr) == {"read": 3000, "counted": 2997, "duplicates": 3, "late": 0, "rejected": 0}
    assert f"2,997 rides from 6 zones in {len(windows):,} windows earned {earned:,}; Card: " in done.stdout
    assert done.stdout.startswith("In 15 minutes rides start in ")
    document = json.loads(job.run("answer", "--format", "json", "--by", "zone").stdout)
    by_zone = Counter(ride["pickup_zone"] for ride in rides.values())
    assert [(row["zone"], row["rides"]) for row in document["zones"]] == sorted(
        by_zone.items(), key=lambda item: (-item[1], item[0])
    )
    assert sum(Decimal(row["fare"]) for row in document["zones"]) == earned
    compared = job.run("verify", "--data", str(tmp_path / "rides.json")).stdout.splitlines()
    assert [line.split("  ")[0] for line in compared] == ["equal"] * 8
    [way] = json.loads(
        job.run("trace", "7000000005", "--format", "json", "--data", str(tmp_path / "rides.json")).stdout
    )["records"]
    assert (way["outcome"]["is"], way["file"]["has_the_topics_bytes"]) == ("counted", True)
    assert way["store"]["row"]["rides"] >= 1


def test_a_store_of_the_other_question_is_refused_in_one_line(make_job: Callable[..., Job], tmp_path: Path) -> None:
    job = make_job(partitions=1, module="examples.taxi_rides")
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    job.run("generate", "--rides", "100", "--data", str(tmp_path / "rides.json"))
    job.run("produce", str(tmp_path / "rides.json"))
    job.run("stream", "--until-end", STORE=url)

    done = job.run("answer", check=False, STORE=url, module="sf_police")

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "answers the question taxi_rides, not sf_police" in line
