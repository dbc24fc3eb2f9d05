"""Whose a store is: another question's, another format's, or an earlier version's is refused in one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.taxi_rides import QUESTION as TAXI
from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UsageError
from sf_police.question import Field, Question
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, existing_database, open_database
from sf_police.store.writer import StoreWriter
from tests.support.builders import store_batch


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        StoreWriter(database).adopt_stream("query", {"window": "30 minutes"})
    return url


def alter(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    return change


def read(url: str, question: Question) -> Any:
    with closing(open_database(url, question)) as database:
        return StoreReader(database).stream()


FIELD_MORE = replace(QUESTION, fields=(*QUESTION.fields, Field("beat")))


@pytest.mark.parametrize(
    ("question", "change", "said"),
    [
        (TAXI, None, "answers the question sf_police, not taxi_rides"),
        (FIELD_MORE, None, r"was made with another definition of sf_police \(changed: fields\)"),
        (replace(QUESTION, id="disposition"), None, r"with another definition of sf_police \(changed: id\)"),
        (QUESTION, alter("UPDATE streams SET format = 99"), "has format 99, but this program needs format 4"),
        (
            QUESTION,
            alter("ALTER TABLE streams DROP COLUMN format"),
            "was made by an earlier version of this program",
        ),
    ],
    ids=["another question", "another field", "another role", "another format", "an earlier version"],
)
@pytest.mark.parametrize("use", [read, existing_database], ids=["the stream", "answer"])
def test_a_store_of_something_else_is_refused(
    tmp_path: Path, url: str, question: Question, change: Any, said: str, use: Callable[[str, Question], Any]
) -> None:
    if change:
        change(tmp_path / "answers.db")

    with pytest.raises(SfPoliceError, match=said) as refused:
        use(url, question)

    assert "make reset" in refused.value.remedy
    assert "\n" not in str(refused.value)


def test_labels_views_and_words_may_change(url: str) -> None:
    reworded = replace(QUESTION, labels={}, title="another", answers=QUESTION.answers.replace("AS parts", "AS shares"))

    with closing(existing_database(url, reworded)) as database:
        assert StoreReader(database).stream() == ("query", {"window": "30 minutes"})


def test_a_store_whose_making_was_cut_short_is_new(database: Database) -> None:
    assert database.refusal() is None
    assert StoreReader(database).stream() is None


def test_a_view_that_was_dropped_is_no_lost_store(database: Database) -> None:
    StoreWriter(database).adopt_stream("query", {})
    with database.transaction() as connection:
        connection.exec_driver_sql("DROP VIEW window_answers")

    with pytest.raises(SfPoliceError) as error:
        StoreReader(database).answer("window_answers")

    assert str(error.value) == (
        f"{database.where} lacks its view window_answers: run `make run-stream`, which makes it again and loses nothing"
    )
    database.create()
    assert StoreReader(database).answer("window_answers") == []


@pytest.mark.parametrize("name", ["postgresql", "postgresql+psycopg2", "postgresql+asyncpg", "sqlite+aiosqlite"])
def test_another_driver_is_not_asked_for_but_the_one_that_is_used_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=r"expected sqlite:///FILE or postgresql\+psycopg://"):
        open_database(f"{name}:///a", QUESTION)


@pytest.mark.parametrize("options", ["mode=ro", "timeout=5&uri=true"])
def test_an_option_of_sqlites_url_is_refused(tmp_path: Path, options: str) -> None:
    with pytest.raises(UsageError, match="takes no options"):
        open_database(f"sqlite:///{tmp_path}/answers.db?{options}", QUESTION)


def test_a_read_only_store_refuses_to_be_written(database: Database) -> None:
    store_batch(database, late=1)
    url = database._engine.url.render_as_string(hide_password=False)

    with closing(open_database(url, QUESTION, is_read_only=True)) as reading:
        assert [batch.late for batch in StoreReader(reading).last_batches(1)] == [1]
        with pytest.raises(SfPoliceError, match="read-?only"):
            store_batch(reading, late=1)

    assert len(StoreReader(database).last_batches(9)) == 1
