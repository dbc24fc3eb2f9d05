"""One record's way by the real command, and by the dashboard: counted, a duplicate, late, rejected, not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.builders import a_call, a_value
from tests.support.dashboard import Dashboard
from tests.support.job import Job, jobs


def at(minutes: str, **fields: Any) -> dict[str, Any]:
    return a_call(**{"call_date_time": f"2018-10-12T{minutes}:00.000", **fields})


# Newest first, as in the file. Sent in the order of events: place n to partition n % 3.
FILE = [
    at("16:10", crime_id="last"),
    at("15:40", crime_id="twice", disposition="ARR"),
    at("15:40", crime_id="twice"),
    at("15:05", crime_id="no code", disposition=""),
    at("14:45", crime_id="é \U0001f693"),
    at("14:40", crime_id="first"),
]
NOT_YET = json.dumps(at("16:20", crime_id="unread")).encode()


@pytest.fixture(scope="module")
def traced(kafka: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Job]:
    """Six calls of the file in one micro-batch, three others each in one of its own, and one that is not read."""
    for make in jobs(kafka, tmp_path_factory.mktemp("traced"), request.node.name):
        job = make()
        job.state.mkdir(exist_ok=True)
        (job.state / "calls.json").write_text(json.dumps(FILE, indent=1, ensure_ascii=False), "utf-8")
        job.run("produce")
        job.run("stream", "--until-end")
        for value in (
            a_value(crime_id="x"),
            a_value(crime_id="first"),
            json.dumps(at("16:10", crime_id="last")).encode(),
        ):
            job.send(value, partition=1)
        job.run("stream", "--until-end", MAX_OFFSETS_PER_TRIGGER="1")
        job.send(NOT_YET, partition=2)
        yield job


def documents(job: Job, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(job.run("trace", *arguments, "--format", "json").stdout)["records"]
    return found


def test_a_counted_call_from_its_bytes_in_the_file_to_its_row(traced: Job) -> None:
    [found] = documents(traced, "é \U0001f693")

    text = (traced.state / "calls.json").read_bytes()
    assert json.loads(text[found["file"]["start"] : found["file"]["end"]]) == FILE[4]
    assert (found["file"]["number"], found["file"]["place"], found["file"]["records"]) == (4, 1, 6)
    assert (found["file"]["is_sent_to_its_place"], found["file"]["has_the_topics_bytes"]) == (True, True)
    assert (found["topic"]["partition"], found["topic"]["offset"], found["topic"]["position"]) == (1, 0, 1)
    assert found["micro_batch"] == {
        "batch_id": 0, "start_offsets": dict.fromkeys("012", 0), "end_offsets": dict.fromkeys("012", 2),
        "watermark": None,
    }  # fmt: skip
    assert found["parsed"]["event_time"] == "2018-10-12 14:45:00"
    assert found["outcome"]["is"] == "counted"
    assert found["store"]["groups"] == {"crime_type": "Traffic Stop", "resolution": "Handled"}
    assert (found["store"]["row"], found["store"]["window_total"]) == ({"calls": 2}, 2)


def test_all_records_with_an_id_in_the_order_in_which_they_were_sent(traced: Job) -> None:
    counted, late = documents(traced, "first")

    assert (counted["outcome"]["is"], counted["topic"]["partition"]) == ("counted", 0)
    assert (late["outcome"]["is"], late["outcome"]["late_by_seconds"]) == ("late", 6_000)
    assert (late["file"], late["topic"]["partition"], late["topic"]["offset"]) == (None, 1, 3)
    assert (late["micro_batch"]["batch_id"], late["micro_batch"]["watermark"]) == (2, "2018-10-12 16:00:00")
    assert documents(traced, "--partition", "1", "--offset", "3") == [late]


def test_what_became_of_those_that_were_not_simply_counted(traced: Job) -> None:
    fates = {name: documents(traced, name) for name in ("twice", "last", "no code", "unread")}

    found = {name: [each["outcome"] for each in records] for name, records in fates.items()}
    assert [(each["is"], each["alike"]) for each in found["twice"]] == [
        ("one of several in a micro-batch, of which one was counted", 2)
    ] * 2
    assert [(each["is"], each["counted"]) for each in found["last"]] == [
        ("counted", None), ("duplicate", {"partition": 2, "offset": 1}),
    ]  # fmt: skip
    assert [(each["is"], each["reason"]) for each in found["no code"]] == [("rejected", "disposition is blank")]
    assert [each["is"] for each in found["unread"]] == ["not read yet"]


def test_text_has_a_line_for_each_stage(traced: Job) -> None:
    lines = traced.run("trace", "é \U0001f693").stdout.splitlines()

    assert [line.split("  ")[0] for line in lines] == [
        "file", "event order", "topic", "micro-batch", "parsed", "outcome", "store",
    ]  # fmt: skip
    assert lines[1].endswith("place 2 of 6; sent to its place, with the same bytes")
    assert lines[5].endswith("counted in the window 2018-10-12 14:30 to 15:00")
    assert lines[6].endswith("Traffic Stop, Handled: 2 calls, this one and 1 other; 2 calls in the window")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nobody"], 1, "error: no record has crime_id nobody: looked through 10 records of the topic"),
        (["--partition", "1", "--offset", "5"], 1, "has no offset 5: it holds offsets 0 to 4"),
        (["--partition", "3", "--offset", "0"], 1, "has no partition 3, but 0 to 2"),
        (["--partition", "1"], 2, "error: expected either a crime_id, or --partition and --offset"),
        (["x", "--partition", "1", "--offset", "0"], 2, "error: expected either a crime_id, or --partition and"),
        ([], 2, "error: expected either a crime_id"),
    ],
)
def test_what_is_not_there_is_one_line(traced: Job, arguments: list[str], code: int, said: str) -> None:
    done = traced.run("trace", *arguments, check=False)

    assert (done.returncode, done.stdout) == (code, "")
    [line] = done.stderr.splitlines()
    assert said in line


def test_the_dashboard_says_the_same(traced: Job) -> None:
    store = f"sqlite:///{traced.state / 'answers.db'}"
    names = {name: traced.env[f"SF_POLICE_{name}"] for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC", "STATE_DIR")}
    dashboard = Dashboard(store, **names).start()
    try:
        response, text = dashboard.get("/data/trace.json?id=first")
        missing = json.loads(dashboard.get("/data/trace.json?id=nobody")[1])
    finally:
        dashboard.stop()

    assert (response.status, json.loads(text)["records"]) == (200, documents(traced, "first"))
    assert {row["record"] for row in json.loads(text)["rows"]} == {1, 2}
    assert missing["rows"] == []
    assert missing["said"].startswith("no record has crime_id nobody: looked through 10 records of the topic")
