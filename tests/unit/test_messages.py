"""LOG_FORMAT=json: whatever goes to standard error is one JSON object a line, and standard output is as it was."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sf_police import output
from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.errors import SfPoliceError
from sf_police.output import listen_to_logging, messages_in, say, say_error
from sf_police.store.answers import StoreReader
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.view import live
from tests.support.builders import a_batch, store_batch
from tests.support.environment import SETTINGS
from tests.support.question import resolve

ROW = ("2018-10-12T14:00", "2018-10-12T14:30", "Traffic Stop", "Handled", 1)


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"SF_POLICE_{name}", raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    return tmp_path


# Not fixtures, as pytest exchanges the streams and handlers between a test's setup and its call.
@contextmanager
def verbose() -> Iterator[None]:
    """The log of a process with -v, in place of pytest's."""
    handlers, level = logging.root.handlers[:], logging.root.level
    logging.root.handlers.clear()
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


@contextmanager
def in_json() -> Iterator[None]:
    undo = messages_in("json")
    try:
        yield
    finally:
        undo()


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was said, without the times, which are checked."""
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    for each in found:
        at = each.pop("time")
        assert at.endswith("Z")
        assert datetime.fromisoformat(at).tzinfo is not None
    return found


@pytest.mark.parametrize("how", ["flag", "flag=", "environment"])
def test_an_error_has_its_remedy_and_exit_code_as_fields(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "environment":
        monkeypatch.setenv("SF_POLICE_LOG_FORMAT", "json")
    arguments = {"flag": ["--log-format", "json"], "flag=": ["--log-format=json"], "environment": []}[how]

    assert main(["inspect", *arguments]) == 1
    [error] = objects(capsys)
    assert error == {
        "level": "error", "message": "no broker at 127.0.0.1:1", "remedy": "run `make kafka-start`", "exit_code": 1,
    }  # fmt: skip
    assert not isinstance(sys.stderr, output.JsonMessages)


def test_with_v_the_traceback_is_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    with verbose():
        main(["inspect", "-v", "--log-format", "json"])

    assert objects(capsys)[-1]["traceback"].startswith("Traceback (most recent call last):\n")


def test_what_cannot_be_parsed_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["answer", "--log-format", "json", "--limit", "0"])

    assert ended.value.code == 2
    [error] = objects(capsys)
    assert error["level"] == "error"
    assert error["message"] == "argument --limit: 0: expected a whole number of at least 1"
    assert error["remedy"] == "see `sf-police answer --help`"


def test_an_unknown_form_is_refused_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--log-format", "xml"]) == 2
    assert capsys.readouterr().err == "error: --log-format xml: expected text or json\n"


def test_answers_stay_as_they_are_and_the_books_are_fields(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    with closing(open_database(f"sqlite:///{state / 'answers.db'}", QUESTION)) as database:
        store_batch(database, [ROW], late=2)
    main(["answer"])
    text = capsys.readouterr()

    assert main(["answer", "--log-format", "json"]) == 0
    shown = capsys.readouterr()
    assert shown.out == text.out
    [books] = [json.loads(line) for line in shown.err.splitlines()]
    assert books["message"] == text.err.strip()
    assert (books["level"], books["read"], books["counted"], books["late"], books["is_balanced"]) == (
        "info", 3, 1, 2, True,
    )  # fmt: skip


def test_a_note_on_the_environment_is_an_object(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINDOW", "1 hour")
    main(["stream", "--log-format", "json"])

    note = objects(capsys)[0]
    assert note["message"] == "note: WINDOW=1 hour in the environment is ignored: set SF_POLICE_WINDOW"


def test_a_micro_batch_has_its_figures_and_nothing_is_redrawn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    topic: Any = type("Topic", (), {"partitions": (), "records": 0})()
    with closing(open_database(f"sqlite:///{state / 'answers.db'}", QUESTION)) as database:
        database.create()
        with in_json(), live.batches(StoreReader(database), resolve({"state_dir": str(state)}), topic) as show:
            show(BatchReport(a_batch(7, read=5, counted=2, late=3, lag=4, state_rows=9)))

    batch, warning = objects(capsys)
    message = batch.pop("message")
    assert message.startswith("batch 7: 5 rows in 0.50 s")
    assert batch == {
        "level": "info", "batch_id": 7, "rows": 5, "counted": 2, "duplicates": 0, "late": 3, "rejected": 0,
        "seconds": 0.5, "watermark": "2018-10-12T14:00:00", "lag": 4, "state_rows": 9,
    }  # fmt: skip
    assert (warning["level"], warning["message"][:22]) == ("warning", "some records are late,")


def test_what_others_write_is_an_object_for_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    with in_json():
        sys.stderr.write("one, ")
        sys.stderr.write("two\nthree\n\n")

    found = objects(capsys)
    assert {each["level"] for each in found} == {"warning"}
    assert [each["message"] for each in found] == ["one, two", "three"]


def test_what_is_no_whole_line_yet_is_said_in_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    undo = messages_in("json")
    sys.stderr.write("half a line")
    undo()

    assert [each["message"] for each in objects(capsys)] == ["half a line"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_fails_is_one_object_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError("boom\nof two lines")

    thread = threading.Thread(target=fail, name="worker")
    with in_json():
        thread.start()
        thread.join()

    [said] = objects(capsys)
    assert (said["level"], said["thread"]) == ("error", "worker")
    assert "boom" in said["message"]
    assert said["traceback"].endswith("ValueError: boom\nof two lines\n")


def test_the_log_of_other_packages_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    with in_json(), verbose():
        listen_to_logging(is_verbose=True)
        try:
            raise ValueError("boom")
        except ValueError:
            logging.getLogger("kafka").exception("it is %s", "down")

    [record] = objects(capsys)
    assert (record["level"], record["logger"], record["message"]) == ("error", "kafka", "it is down")
    assert "ValueError: boom" in record["traceback"]


def test_text_is_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    say("warning: mind the gap", level="warning", gap=1)
    say_error(SfPoliceError("it is broken", remedy="mend it"), is_verbose=False, worded=str.strip)

    assert capsys.readouterr().err == "warning: mind the gap\nerror: it is broken: mend it\n"


def test_nothing_in_the_package_writes_to_standard_error_by_itself() -> None:
    package = Path(output.__file__).parent
    allowed = {"output.py", "canvas.py"}  # the one place; and what is drawn on a terminal
    writing = [
        path.name
        for path in package.rglob("*.py")
        if "file=sys.stderr" in path.read_text() or "sys.stderr.write" in path.read_text()
    ]

    assert set(writing) <= allowed
