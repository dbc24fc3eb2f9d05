"""A checkpoint is deleted only if it is provably ours, and of it only what Spark and we have written."""

from __future__ import annotations

import uuid
from contextlib import closing
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.store.database import open_database
from sf_police.store.writer import StoreWriter
from sf_police.stream import checkpoint, deletion
from sf_police.stream.filesystems import LocalFolder

ID = str(uuid.UUID(int=7))
SPARKS = (
    "metadata", ".metadata.crc", f".metadata.{ID}.tmp", "offsets/0", "offsets/.0.crc", "commits/0", "sources/0/0",
    "state/0/0/1.delta", "state/0/0/000012.sst", "state/0/0/_metadata/schema",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What Spark leaves, without our marker."""
    for name in SPARKS:
        path = tmp_path / "checkpoint" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"id":"{ID}"}}' if name == "metadata" else "")
    return tmp_path / "checkpoint"


def content(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def delete(folder: Path, stream: str | None) -> list[str]:
    opened = LocalFolder(folder)
    deletion.ensure_ours(opened, str(folder), stream)
    return deletion.delete(opened)


@pytest.mark.parametrize(("marker", "stream"), [("{}", None), ("damaged", "another"), (None, ID)])
def test_the_marker_or_the_stores_id_proves_it(folder: Path, marker: str | None, stream: str | None) -> None:
    if marker is not None:
        (folder / checkpoint.MARKER).write_text(marker)

    assert delete(folder, stream) == []
    assert not folder.exists()


@pytest.mark.parametrize("stream", [None, "another"])
@pytest.mark.parametrize("metadata", [f'{{"id":"{ID}"}}', "", "[]"])
def test_what_nothing_proves_is_refused_and_untouched(folder: Path, metadata: str, stream: str | None) -> None:
    (folder / "metadata").write_text(metadata)
    before = content(folder)

    with pytest.raises(SfPoliceError, match=r"is not a checkpoint of this program \(no \.sf-police in it") as refused:
        delete(folder, stream)

    assert "\n" not in str(refused.value)
    assert content(folder) == before


def test_anybodys_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")

    with pytest.raises(SfPoliceError, match="nothing was deleted"):
        delete(tmp_path, ID)


def test_a_marker_does_not_give_away_what_others_put_beside_it(folder: Path) -> None:
    for name in (checkpoint.MARKER, "metadata.bak", ".hidden", "notes.txt", "offsets.old/1"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")

    left = delete(folder, None)

    assert sorted(left) == sorted(str(folder / n) for n in (".hidden", "metadata.bak", "notes.txt", "offsets.old"))
    assert content(folder) == [".hidden", "metadata.bak", "notes.txt", "offsets.old", "offsets.old/1"]


def test_links_are_deleted_and_not_what_they_lead_to(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (folder / "state").rename(mine)
    (folder / "state").symlink_to(mine)
    link = tmp_path / "link"
    link.symlink_to(folder)

    assert delete(link, ID) == []
    assert (content(folder), link.is_symlink()) == ([], True)
    assert (mine / "0/0/1.delta").exists()


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["none", "empty"])
def test_nothing_is_nothing_to_prove(tmp_path: Path, make: object) -> None:
    path = tmp_path / "checkpoint"
    make(path)  # type: ignore[operator]

    assert delete(path, None) == []


def test_a_deletion_that_was_cut_short_can_be_finished(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / checkpoint.MARKER).write_text("{}")

    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", fail)
        with pytest.raises(SfPoliceError, match="cannot delete .*: Input/output error"):
            delete(folder, None)
    assert (folder / checkpoint.MARKER).exists()
    assert delete(folder, None) == []


def test_adopting_leaves_the_proof_and_the_stores_name(tmp_path: Path) -> None:
    place, url = tmp_path / "checkpoint", f"sqlite:///{tmp_path / 'answers.db'}"
    with closing(open_database(url, QUESTION)) as database:
        checkpoint.adopt(LocalFolder(place), StoreWriter(database), {})
        where = database.where
    (place / "metadata").write_text("damaged")

    assert deletion.names_store(LocalFolder(place), where)
    assert not deletion.names_store(LocalFolder(place), f"{where}2")
    assert delete(place, None) == []
    assert not place.exists()
