"""Owner, writer and reader in PostgreSQL, each with what docs/store.md grants it, and no more than it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.errors import SfPoliceError
from sf_police.store import kept, retention
from sf_police.store.answers import StoreReader
from sf_police.store.database import Database, delete_database, existing_database, open_database
from sf_police.store.integrity import Checked, check_counts
from sf_police.store.metrics import TotalsReader
from sf_police.store.rehearsal import ensure_writable
from sf_police.store.tables import tables_of
from sf_police.store.writer import StoreWriter
from tests.support.builders import store_batch
from tests.support.environment import ROOT
from tests.support.postgresql import plain
from tests.support.roles import LEAST, OWNER, READER, WRITER, as_role, with_roles

COUNTS = [("2018-10-12 14:00:00", "2018-10-12 14:30:00", "Traffic Stop", "Handled", 7)]
BAD = {"topic": "calls", "partition": 0, "offset": 3, "reason": "not UTF-8", "value": b"\xff"}
INIT = ("init-store", "--store")
TABLES = tables_of(QUESTION).metadata.tables.values()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ALWAYS_KEPT", 1)
    monkeypatch.setattr(kept, "MOST_OPEN", 0)
    monkeypatch.setattr(kept, "STAY_OPEN", 0)


@pytest.fixture
def url(postgresql: str) -> Iterator[str]:
    """An administrator's URL of a database with the three roles, and nothing in its schema yet."""
    with with_roles(postgresql) as url:
        yield url


def opened(url: str, role: str) -> Database:
    return open_database(as_role(url, role), QUESTION)


def write(database: Database) -> None:
    """What a stream does: a start, a batch, the books."""
    writer, reader = StoreWriter(database), StoreReader(database)
    if reader.stream() is None:
        writer.adopt_stream("query", {})
    database.create()
    with database.held():
        store_batch(database, COUNTS, [BAD])
        for _ in range(2):
            store_batch(database, retention=timedelta(0))  # the first one expires, then the second
    with database.transaction() as connection:
        writer.update_settings(connection, "query", {"window": "30 minutes"})
    assert check_counts(database, Checked()) is not None
    read(database)


def read(database: Database) -> None:
    """What people see."""
    reader = StoreReader(database)
    assert reader.stream() is not None
    assert reader.books().is_balanced
    assert [row["calls"] for row in reader.answer("overall_answer")] == [7]
    assert [reader.answer(view)[0]["usual_resolution"] for view in ("crime_type_answers", "window_answers")] == [
        "Handled", "Handled",
    ]  # fmt: skip
    assert reader.newest_windows(1)
    assert reader.all_counts()
    assert reader.rejected(1) == []
    assert reader.spread() == {1: 1}
    assert TotalsReader(database).read("query").batches == 3


def test_owner_writer_and_reader_need_no_more_than_what_is_documented(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = as_role(url, OWNER)
    assert main([*INIT, owner]) == 0
    made = capsys.readouterr().out
    assert "made counts, rejected, batches" in made
    assert "overall_answer" in made
    assert main([*INIT, owner]) == 0
    assert "lacks nothing" in capsys.readouterr().out

    for role, use in ((WRITER, write), (READER, read)):
        with closing(opened(url, role)) as database:
            use(database)


def test_a_start_by_the_writer_leaves_grants_and_views_of_others(url: str) -> None:
    assert main([*INIT, as_role(url, OWNER)]) == 0
    with closing(opened(url, OWNER)) as database:
        before = facts(database)

    with closing(opened(url, WRITER)) as database:
        write(database)
        assert facts(database) == before


def facts(database: Database) -> Any:
    query = (
        "SELECT oid, relacl::text, obj_description(oid) FROM pg_class WHERE relnamespace = 'sf_police'::regnamespace"
    )
    with database.transaction() as connection:
        return sorted(connection.exec_driver_sql(query).all())


def test_what_the_writer_may_not_make_is_said_with_who_may(url: str) -> None:
    with closing(opened(url, WRITER)) as database, pytest.raises(SfPoliceError, match="run `sf-police init-store` as"):
        StoreWriter(database).adopt_stream("query", {})

    assert main([*INIT, as_role(url, OWNER)]) == 0
    with psycopg.connect(plain(url), autocommit=True) as admin:
        admin.execute("COMMENT ON VIEW sf_police.window_answers IS 'sf-police of an earlier version'")
    with closing(opened(url, WRITER)) as database, pytest.raises(SfPoliceError, match="run `sf-police init-store` as"):
        StoreWriter(database).adopt_stream("query", {})


def test_only_the_owner_resets(url: str) -> None:
    assert main([*INIT, as_role(url, OWNER)]) == 0
    with closing(opened(url, WRITER)) as database:
        write(database)

    with pytest.raises(SfPoliceError, match="nothing was deleted: run `make reset` as the owner"):
        delete_database(as_role(url, WRITER), QUESTION)
    with closing(opened(url, READER)) as database:
        read(database)

    assert delete_database(as_role(url, OWNER), QUESTION) == []
    assert main([*INIT, as_role(url, OWNER)]) == 0
    with closing(opened(url, WRITER)) as database:
        write(database)
    with closing(opened(url, READER)) as database:
        read(database)


@pytest.mark.parametrize(("role", "use"), [(WRITER, write), (READER, read)], ids=["writer", "reader"])
def test_nothing_of_the_least_that_is_documented_is_superfluous(
    url: str, role: str, use: Callable[[Database], None]
) -> None:
    assert main([*INIT, as_role(url, OWNER)]) == 0
    if role == READER:
        with closing(opened(url, WRITER)) as database:
            write(database)
    with psycopg.connect(plain(url), autocommit=True) as admin:
        admin.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA sf_police FROM {role}")
        for privilege, relation in LEAST[role]:
            admin.execute(f"GRANT {privilege} ON sf_police.{relation} TO {role}")

    for privilege, relation in LEAST[role]:
        with psycopg.connect(plain(url), autocommit=True) as admin:
            admin.execute(f"REVOKE {privilege} ON sf_police.{relation} FROM {role}")
            with closing(opened(url, role)) as database, pytest.raises(SfPoliceError) as refused:
                use(database)
            said = str(refused.value)
            assert re.search(rf"permission denied for (table|view) {relation}\b", said)
            assert "docs/store.md" in said
            admin.execute(f"GRANT {privilege} ON sf_police.{relation} TO {role}")
            admin.execute(f"TRUNCATE {', '.join(f'sf_police.{table.name}' for table in TABLES)}")
            if role == READER:
                with closing(opened(url, WRITER)) as database:
                    write(database)
    with closing(opened(url, role)) as database:
        use(database)


def test_a_schema_that_a_role_may_not_use_is_no_empty_store(url: str) -> None:
    assert main([*INIT, as_role(url, OWNER)]) == 0
    with psycopg.connect(plain(url), autocommit=True) as admin:
        admin.execute(f"REVOKE USAGE ON SCHEMA sf_police FROM {READER}")

    with pytest.raises(SfPoliceError, match=f"the role {READER} may not use the schema sf_police: grant it what docs"):
        existing_database(as_role(url, READER), QUESTION)


def test_who_may_not_make_a_schema_is_sent_to_the_administrator(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*INIT, as_role(url, OWNER), "--store-schema", "another"]) == 1

    said = capsys.readouterr().err
    assert re.search(r"^error: .*permission denied for database \w+\): let the administrator make the schema", said)
    assert said.count("\n") == 1


def test_init_store_changes_no_store_of_another_question(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    from examples.taxi_rides import QUESTION as TAXI

    assert main([*INIT, as_role(url, OWNER)]) == 0
    with closing(opened(url, WRITER)) as database:
        write(database)

    assert main([*INIT, as_role(url, OWNER)], question=TAXI) == 1
    assert "answers the question sf_police, not taxi_rides" in capsys.readouterr().err


def test_init_store_makes_a_file_too(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init-store", "--state-dir", str(tmp_path / "state")]) == 0
    assert "made counts" in capsys.readouterr().out
    with closing(existing_database(f"sqlite:///{tmp_path / 'state' / 'answers.db'}", QUESTION)) as database:
        assert StoreReader(database).is_empty()


def test_the_documents_name_the_roles() -> None:
    text = (ROOT / "docs" / "store.md").read_text()
    assert all(f"`{role}`" in text for role in (OWNER, WRITER, READER))


def test_a_rehearsal_names_what_the_writer_lacks_and_changes_nothing(url: str) -> None:
    assert main([*INIT, as_role(url, OWNER)]) == 0
    with closing(opened(url, OWNER)) as database:
        before = facts(database)
    with closing(opened(url, WRITER)) as database:
        ensure_writable(database, expires=True)
        for privilege, relation in LEAST[WRITER]:
            with psycopg.connect(plain(url), autocommit=True) as admin:
                admin.execute(f"REVOKE {privilege} ON sf_police.{relation} FROM {WRITER}")
                with pytest.raises(SfPoliceError, match=rf"no {privilege} on {relation}|permission denied for"):
                    ensure_writable(database, expires=True)
                admin.execute(f"GRANT {privilege} ON sf_police.{relation} TO {WRITER}")

    with closing(opened(url, OWNER)) as database:
        assert len(facts(database)) == len(before)
    with closing(opened(url, READER)) as database, pytest.raises(SfPoliceError, match="this role has no "):
        ensure_writable(database, expires=False)


def test_a_rehearsal_makes_what_is_missing_and_takes_it_back(url: str) -> None:
    with closing(opened(url, OWNER)) as database, pytest.raises(SfPoliceError, match="GRANT TEMPORARY ON DATABASE"):
        ensure_writable(database, expires=False)
    with psycopg.connect(plain(url), autocommit=True) as admin:
        admin.execute(f"GRANT TEMPORARY ON DATABASE police TO {OWNER}")
    with closing(opened(url, OWNER)) as database:
        ensure_writable(database, expires=False)

        assert not database.exists()
        assert not database.is_there()
    with closing(opened(url, WRITER)) as database, pytest.raises(SfPoliceError, match="run `sf-police init-store` as"):
        ensure_writable(database, expires=False)


def test_without_retention_the_writer_deletes_nothing(url: str) -> None:
    assert main([*INIT, as_role(url, OWNER)]) == 0
    with psycopg.connect(plain(url), autocommit=True) as admin:
        for table in ("batches", "rejected"):
            admin.execute(f"REVOKE DELETE ON sf_police.{table} FROM {WRITER}")
    with closing(opened(url, WRITER)) as database:
        ensure_writable(database, expires=False)
        with pytest.raises(SfPoliceError, match="this role has no DELETE on batches"):
            ensure_writable(database, expires=True)
