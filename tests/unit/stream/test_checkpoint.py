"""Checkpoint and store belong together, or it is said in one line why not; with a folder that is a dict."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.store.answers import StoreReader
from sf_police.store.database import delete_database, open_database
from sf_police.store.tables import Batch
from sf_police.store.writer import StoreWriter
from sf_police.stream import checkpoint
from tests.support.builders import a_batch
from tests.support.folders import PLACE, DictFolder

SETTINGS = {"topic": "calls", "window": "30 minutes"}
WAY_OUT = "run `make reset`, which deletes both; the topic is then read again from its start"


class Stream:
    """A checkpoint and its store as a stream leaves them: every batch reads ten records, all of them duplicates."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = open_database(f"sqlite:///{path}", QUESTION)
        self.folder, self.reader, self.writer = DictFolder(), StoreReader(self.database), StoreWriter(self.database)

    def adopt(self) -> None:
        checkpoint.adopt(self.folder, self.writer, SETTINGS)

    def plan(self, batch_id: int, end: int | None = None) -> None:
        offsets = {"calls": {"0": 10 * batch_id + 10 if end is None else end}}
        self.folder.write(f"offsets/{batch_id}", f'v1\n{{"batchWatermarkMs":0}}\n{json.dumps(offsets)}')

    def store(self, batch_id: int, **values: Any) -> None:
        batch = replace(a_batch(batch_id, start=10 * batch_id, read=10, duplicates=10), **values)
        with self.database.transaction() as connection:
            batches = self.database.tables.batches
            connection.execute(batches.delete().where(batches.c.batch_id == batch.batch_id))
            connection.execute(batches.insert(), batch.row())

    def commit(self, batch_id: int) -> None:
        self.folder.write(f"commits/{batch_id}", 'v1\n{"nextBatchWatermarkMs":0}')

    def run(self, batches: int) -> None:
        for batch_id in range(batches):
            self.plan(batch_id)
            self.store(batch_id)
            self.commit(batch_id)

    def without(self, *names: str) -> None:
        for name in names:
            del self.folder.files[name]

    def settings(self) -> dict[str, Any] | None:
        return checkpoint.stored_settings(self.folder, self.reader, PLACE)

    def everything(self) -> tuple[dict[str, str], tuple[str, Any] | None, list[Batch]]:
        """What a refusal must leave as it is."""
        return dict(self.folder.files), self.reader.stream(), self.reader.last_batches(10)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Stream]:
    """A stream that never ran."""
    stream = Stream(tmp_path / "answers.db")
    with closing(stream.database):
        yield stream


@pytest.fixture
def stream(new: Stream) -> Stream:
    """A stream of three batches: planned, stored and committed."""
    new.adopt()
    new.run(3)
    return new


def test_a_new_checkpoint_and_a_new_store_have_no_settings_and_looking_makes_nothing(new: Stream) -> None:
    assert new.settings() is None
    assert new.folder.files == {}
    assert not new.path.exists()


def test_adopting_gives_both_the_same_id_and_keeps_the_settings(new: Stream) -> None:
    new.adopt()

    query_id = json.loads(new.folder.files["metadata"])["id"]
    assert str(uuid.UUID(query_id)) == query_id
    assert new.reader.stream() == (query_id, SETTINGS)
    assert new.settings() == SETTINGS


def test_a_kill_between_the_stores_adoption_and_the_metadata_leaves_both_new(new: Stream) -> None:
    new.adopt()
    new.without("metadata")
    assert new.settings() is None

    new.adopt()
    assert new.settings() == SETTINGS


def nothing(_: Stream) -> None:
    pass


def planned(stream: Stream) -> None:
    stream.plan(3)


def planned_and_stored(stream: Stream) -> None:
    stream.plan(3)
    stream.store(3)


def old_files_are_deleted(stream: Stream) -> None:
    stream.without("offsets/0", "commits/0", "offsets/1", "commits/1")


def files_that_are_no_batches(stream: Stream) -> None:
    for name in ("offsets/.9.crc", "offsets/9.tmp", "commits/.9.crc", "sources/0/0"):
        stream.folder.write(name, "")


@pytest.mark.parametrize(
    "change", [nothing, planned, planned_and_stored, old_files_are_deleted, files_that_are_no_batches]
)
def test_what_a_kill_or_spark_itself_leaves_goes_on(stream: Stream, change: Callable[[Stream], None]) -> None:
    change(stream)

    assert stream.settings() == SETTINGS


@pytest.mark.parametrize("steps", ["plan", "plan store", "plan store commit"])
def test_a_kill_in_the_first_batch_goes_on(new: Stream, steps: str) -> None:
    new.adopt()
    for step in steps.split():
        getattr(new, step)(0)

    assert new.settings() == SETTINGS


def metadata_missing(stream: Stream) -> None:
    stream.without("metadata")


def only_state_is_left(stream: Stream) -> None:
    stream.folder.files = {"state/0/0/1.delta": ""}


def metadata(text: str) -> Callable[[Stream], None]:
    return lambda stream: stream.folder.write("metadata", text)


def other_stream(stream: Stream) -> None:
    stream.writer.adopt_stream(str(uuid.uuid4()), SETTINGS)


def store_gone(stream: Stream) -> None:
    stream.database.close()
    delete_database(f"sqlite:///{stream.path}", QUESTION)
    stream.database.create()


def checkpoint_gone(stream: Stream) -> None:
    stream.folder.files.clear()


def store_ahead_by_two(stream: Stream) -> None:
    stream.plan(3)
    stream.store(3)
    stream.plan(4)
    stream.store(4)


def store_behind(stream: Stream) -> None:
    stream.plan(3)
    stream.commit(3)


def store_older_than_its_checkpoint(stream: Stream) -> None:
    stream.without("offsets/2", "commits/2", "offsets/1", "commits/1")


def stored_but_not_planned(stream: Stream) -> None:
    stream.store(3)


def planned_ahead_by_two(stream: Stream) -> None:
    stream.plan(3)
    stream.plan(4)


def other_end_offsets(stream: Stream) -> None:
    stream.plan(1, end=19)


def offsets(text: str) -> Callable[[Stream], None]:
    return lambda stream: stream.folder.write("offsets/1", text)


def other_start_offsets(stream: Stream) -> None:
    stream.store(2, start_offsets={"0": 19})


def batch_missing(stream: Stream) -> None:
    with closing(sqlite3.connect(stream.path)) as connection, connection:
        connection.execute("DELETE FROM batches WHERE batch_id = 1")
    stream.store(2, start_offsets={"0": 10})


def books_unbalanced(stream: Stream) -> None:
    stream.store(1, duplicates=9)


def counts_unlike_the_batches(stream: Stream) -> None:
    stream.store(1, duplicates=9, counted=1)


DAMAGED = f"the checkpoint {PLACE} is damaged (unreadable metadata)"
OTHER_OFFSETS = f"the checkpoint {PLACE} and the store disagree on the offsets of batch 1"
BOOKS = "the store is damaged (its books do not balance)"


def positions(committed: int, stored: int) -> str:
    where = f"the checkpoint {PLACE} is at batch {committed}, its store at batch {stored}"
    return f"{where}: one of them was changed or replaced"


REFUSALS: dict[str, tuple[Callable[[Stream], None], str]] = {
    "metadata missing": (metadata_missing, f"the checkpoint {PLACE} is damaged (no metadata)"),
    "only state left": (only_state_is_left, f"the checkpoint {PLACE} is damaged (no metadata)"),
    "metadata empty": (metadata(""), DAMAGED),
    "metadata cut short": (metadata('{"id":"d9'), DAMAGED),
    "metadata without an id": (metadata('{"other":1}'), DAMAGED),
    "metadata a list": (metadata("[]"), DAMAGED),
    "metadata with half an id": (metadata('{"id":"d9"}'), DAMAGED),
    "other stream's store": (other_stream, f"the checkpoint {PLACE} and the store belong to different streams"),
    "checkpoint gone": (checkpoint_gone, f"the store has counts, but their checkpoint {PLACE} is gone"),
    "store ahead by two": (store_ahead_by_two, positions(2, 4)),
    "store behind": (store_behind, positions(3, 2)),
    "an older checkpoint": (store_older_than_its_checkpoint, positions(0, 2)),
    "stored but not planned": (stored_but_not_planned, positions(2, 3)),
    "planned ahead by two": (
        planned_ahead_by_two, f"the checkpoint {PLACE} is damaged (offsets and commits do not match)",
    ),
    "other end offsets": (other_end_offsets, OTHER_OFFSETS),
    "offsets empty": (offsets(""), OTHER_OFFSETS),
    "offsets cut short": (offsets('v1\n{}\n{"calls":{"0"'), OTHER_OFFSETS),
    "offsets of no source": (offsets("v1\n{}\n-"), OTHER_OFFSETS),
    "offsets of two topics": (offsets('v1\n{}\n{"calls":{"0":20},"more":{"0":20}}'), OTHER_OFFSETS),
    "other start offsets": (other_start_offsets, "the store's batches 1 and 2 are not consecutive"),
    "batch missing": (batch_missing, "the store's batches 0 and 2 are not consecutive"),
    "books do not balance": (books_unbalanced, BOOKS),
    "counts unlike the batches": (counts_unlike_the_batches, BOOKS),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "line"), REFUSALS.values(), ids=REFUSALS)
def test_what_does_not_belong_together_is_refused_in_one_line_and_left_alone(
    stream: Stream, damage: Callable[[Stream], None], line: str
) -> None:
    damage(stream)
    before = stream.everything()

    with pytest.raises(SfPoliceError) as error:
        stream.settings()
    assert (error.value.what, error.value.remedy) == (line, WAY_OUT)
    assert stream.everything() == before


def test_a_checkpoint_without_its_store_may_only_have_been_given_another(stream: Stream) -> None:
    store_gone(stream)
    before = stream.everything()

    with pytest.raises(SfPoliceError) as error:
        stream.settings()
    where = stream.database.where
    assert error.value.what == f"the checkpoint {PLACE} has no store that belongs to it; {where} is empty"
    assert error.value.remedy == f"set STORE to the one that it counted into; if there is none any more, {WAY_OUT}"
    assert stream.everything() == before


def test_a_store_whose_file_is_damaged_is_refused(stream: Stream) -> None:
    stream.database.close()
    data = bytearray(stream.path.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    data[3 * page + 7] = 40  # the head of a page of ours: bytes that no row is in
    stream.path.write_bytes(data)

    with pytest.raises(
        SfPoliceError, match=r"^the store is damaged \(.* 40 on page 4\): run `make reset`, which deletes both"
    ):
        stream.settings()


def test_partitions_that_were_added_between_batches_are_no_damage(stream: Stream) -> None:
    stream.folder.write("offsets/3", 'v1\n{"batchWatermarkMs":0}\n{"calls":{"0":30,"1":10}}')
    stream.store(3, start_offsets={"0": 30, "1": 0}, end_offsets={"0": 30, "1": 10})
    stream.commit(3)

    assert stream.settings() == SETTINGS


def test_a_folder_of_other_things_is_not_adopted(new: Stream) -> None:
    new.folder.files = {"thesis.tex": "", "lost+found/x": ""}

    with pytest.raises(SfPoliceError, match=f"the folder {PLACE} holds other things than a checkpoint .thesis.tex"):
        new.settings()
    new.folder.files.pop("thesis.tex")
    assert new.settings() is None


def test_a_checkpoint_is_held_by_one_run(tmp_path: Path) -> None:
    place = str(tmp_path / "checkpoint")

    with (
        checkpoint.exclusive(place, tmp_path),
        pytest.raises(SfPoliceError, match="another stream is running on the checkpoint") as error,
        checkpoint.exclusive(f"file://{place}", tmp_path / "another"),
    ):
        pytest.fail("both hold it")
    assert f"checkpoint file://{place}: stop it" in str(error.value)
    with checkpoint.exclusive(place, tmp_path):
        assert not Path(place).exists()


def test_a_checkpoint_is_held_by_one_run_whatever_link_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "checkpoint")

    with (
        checkpoint.exclusive(str(tmp_path / "checkpoint"), tmp_path),
        pytest.raises(SfPoliceError, match="another stream is running on the checkpoint"),
        checkpoint.exclusive(str(tmp_path / "link"), tmp_path),
    ):
        pytest.fail("both hold it")


@pytest.mark.parametrize("place", [".", "loop"])
def test_a_checkpoint_without_a_name_of_its_own_is_held_as_well(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")

    with checkpoint.exclusive(place, tmp_path):
        pass


def test_a_store_names_the_checkpoint_that_it_belongs_to(stream: Stream) -> None:
    writer, [query_id] = stream.writer, [stream.reader.stream()[0]]  # type: ignore[index]
    with stream.database.transaction() as connection:
        writer.update_settings(connection, query_id, {**SETTINGS, "checkpoint": "hdfs://namenode/another"})

    assert stream.settings() is not None  # its folder was moved: it is still the store's query

    for others in ({}, {"metadata": json.dumps({"id": str(uuid.uuid4())})}):
        stream.folder.files = others
        with pytest.raises(SfPoliceError, match="belongs to the checkpoint hdfs://namenode/another, not to") as error:
            stream.settings()
        assert "make reset" not in str(error.value)


@pytest.mark.parametrize("name", [checkpoint.MARKER, "metadata"])
def test_of_two_streams_that_make_a_checkpoint_at_once_one_gets_in(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Stream(tmp_path / "first.db"), Stream(tmp_path / "second.db")
    second.folder = first.folder
    create = DictFolder.create

    def late(folder: DictFolder, this: str, text: str) -> None:
        if this == name:
            monkeypatch.setattr(DictFolder, "create", create)
            first.adopt()
        create(folder, this, text)

    monkeypatch.setattr(DictFolder, "create", late)
    with pytest.raises(SfPoliceError, match="another file is in its place"):
        second.adopt()

    assert first.settings() is not None
    with pytest.raises(SfPoliceError, match="has no store that belongs to it|belong to different streams"):
        second.settings()


def test_a_start_that_was_cut_short_before_the_metadata_is_made_anew(tmp_path: Path) -> None:
    stream = Stream(tmp_path / "answers.db")
    stream.folder.files[checkpoint.MARKER] = "{}"

    stream.adopt()

    assert stream.settings() is not None


def test_a_checkpoint_elsewhere_is_held_by_a_lock_of_its_own_in_the_state_folder(tmp_path: Path) -> None:
    with checkpoint.exclusive(PLACE, tmp_path), checkpoint.exclusive(f"{PLACE}-2", tmp_path):
        assert len(list(tmp_path.glob("*.lock"))) == 2
        with pytest.raises(SfPoliceError, match="another stream"), checkpoint.exclusive(f"{PLACE}/", tmp_path):
            pytest.fail("both hold it")
