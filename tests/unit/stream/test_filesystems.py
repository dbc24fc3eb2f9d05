"""The folder of a checkpoint: on this machine and by way of Spark's file systems, one behaviour."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event

import pytest
from pyspark.sql import SparkSession

from sf_police.errors import SfPoliceError, UsageError
from sf_police.stream import elsewhere
from sf_police.stream.elsewhere import HadoopFolder
from sf_police.stream.filesystems import (
    Folder,
    LocalFolder,
    ensure_seen,
    ensure_shared,
    is_said_to_be_shared,
    spark_location,
)
from tests.support.question import resolve


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the folder is, or would be: it is not made."""
    return tmp_path / "check point"


@pytest.fixture(params=["local", "hadoop"])
def folder(request: pytest.FixtureRequest, path: Path) -> Folder:
    if request.param == "local":
        return LocalFolder(path)
    spark: SparkSession = request.getfixturevalue("spark")
    return HadoopFolder(spark, f"file://{path}")


def test_a_folder_that_is_not_there_has_nothing_and_looking_makes_nothing(folder: Folder, path: Path) -> None:
    assert folder.names("offsets") == []
    assert folder.read("metadata") is None
    assert not path.exists()


def test_names_are_those_in_the_sub_folder(folder: Folder, path: Path) -> None:
    (path / "offsets" / "folder").mkdir(parents=True)
    for name in ("0", "1"):
        (path / "offsets" / name).touch()
    (path / "metadata").touch()

    assert sorted(folder.names("offsets")) == ["0", "1", "folder"]
    assert folder.names("commits") == []


def test_a_file_reads_as_it_was_written_and_is_made_with_its_folder(folder: Folder, path: Path) -> None:
    folder.write("metadata", '{"id":"ä 😀"}\n')

    assert folder.read("metadata") == '{"id":"ä 😀"}\n'
    assert (path / "metadata").read_bytes() == '{"id":"ä 😀"}\n'.encode()


def test_a_file_is_read_in_a_sub_folder(folder: Folder, path: Path) -> None:
    (path / "offsets").mkdir(parents=True)
    (path / "offsets" / "7").write_text("v1\n{}\n")

    assert folder.read("offsets/7") == "v1\n{}\n"


def test_bytes_that_are_not_utf_8_are_read_as_damaged_text(folder: Folder, path: Path) -> None:
    path.mkdir()
    (path / "metadata").write_bytes(b'{"id":"\xff"}')

    assert folder.read("metadata") == '{"id":"\ufffd"}'


def test_nothing_is_left_of_the_writing_but_the_file(folder: Folder, path: Path) -> None:
    folder.write("metadata", "{}")

    # Hadoop's own local file system keeps a sum beside each file.
    assert [entry.name for entry in path.iterdir() if not entry.name.endswith(".crc")] == ["metadata"]


def test_a_file_that_cannot_be_finished_does_not_appear(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(SfPoliceError, match="No space left"):
        LocalFolder(path).write("metadata", "{}")
    assert LocalFolder(path).read("metadata") is None


def test_a_file_is_replaced_whole(folder: Folder) -> None:
    folder.write("metadata", "a longer text")
    folder.write("metadata", "short")

    assert folder.read("metadata") == "short"


def test_what_a_killed_write_left_behind_gets_into_nothing(folder: Folder, path: Path) -> None:
    path.mkdir()
    (path / ".metadata.part").write_text("half of a longer te")
    folder.write("metadata", "{}")

    assert folder.read("metadata") == "{}"
    # Elsewhere it stays, as another stream's start may be writing it; `make reset` deletes it.
    assert {entry.name for entry in path.iterdir()} - {"metadata", ".metadata.crc"} <= {".metadata.part"}


def test_a_file_that_is_there_is_not_created_again(folder: Folder, path: Path) -> None:
    folder.create("metadata", "the first")

    with pytest.raises(SfPoliceError, match=r"cannot write .*/metadata: another file is in its place: another stream"):
        folder.create("metadata", "the second")
    assert folder.read("metadata") == "the first"
    assert [entry.name for entry in path.iterdir() if not entry.name.endswith(".crc")] == ["metadata"]


def test_a_file_a_sub_folder_and_the_folder_itself_are_deleted(folder: Folder, path: Path) -> None:
    (path / "state" / "0").mkdir(parents=True)
    for name in ("state/0/1.delta", "metadata"):
        (path / name).touch()

    folder.delete("state")
    assert [entry.name for entry in path.iterdir()] == ["metadata"]
    folder.delete("metadata")
    folder.remove()
    assert not path.exists()


def test_a_folder_with_something_in_it_is_not_removed(folder: Folder, path: Path) -> None:
    folder.write("metadata", "{}")

    with pytest.raises(SfPoliceError, match=r"cannot (delete|use) .*(not empty|Not empty|Directory not empty)"):
        folder.remove()
    assert folder.read("metadata") == "{}"


def test_a_checkpoint_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SfPoliceError, match=r"the checkpoint .*/file is a file: set CHECKPOINT to a folder"):
        LocalFolder(tmp_path / "file")


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()

    with pytest.raises(SfPoliceError, match=r"cannot use .*/metadata: Is a directory"):
        LocalFolder(tmp_path).read("metadata")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nowhere://there/checkpoint", "no file system is known for nowhere://: set CHECKPOINT to a folder, hdfs://"),
        ("s3://bucket/checkpoint", "Hadoop knows no s3://: write s3a:// instead"),
        ("s3a://bucket/checkpoint", "the jars for s3a:// are not installed: run `make install-s3`"),
        ("hdfs://name-node.invalid/checkpoint", "no address is known for the host name-node.invalid: check its name"),
        ("hdfs://localhost:{port}/checkpoint", "no name node answers at localhost:{port}: start HDFS, or check"),
    ],
)
def test_a_file_system_that_is_not_there_is_one_line(spark: SparkSession, uri: str, message: str) -> None:
    with socket.socket() as closed:  # bound, and not listening
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(SfPoliceError) as error:
            HadoopFolder(spark, uri.format(port=port)).names("")

    assert str(error.value).startswith(f"cannot use {uri}: {message}".format(port=port))
    assert "\n" not in str(error.value)


def test_what_is_waited_for_is_said(spark: SparkSession, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Event()
    monkeypatch.setattr(elsewhere, "_QUIET_S", 0.0)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        said.set()

    folder = HadoopFolder(spark, f"file://{path}", say=say)
    with folder._asked():
        assert said.wait(30)
    assert lines[0] == f"waiting for the checkpoint's file system (file://{path})"


@pytest.mark.parametrize(
    ("checkpoint", "uri"),
    [
        ("/data/check point", "file:///data/check point"),
        ("/data/a%20b#c?d&é", "file:///data/a%20b#c?d&é"),
        ("file:/data/a%20b", "file:///data/a%20b"),
        ("file://localhost/data", "file:///data"),
        ("/data/../other/", "file:///other"),
        ("hdfs://namenode/checkpoint", "hdfs://namenode/checkpoint"),
        ("s3a://bucket/a b", "s3a://bucket/a b"),
    ],
)
def test_spark_is_given_a_local_checkpoint_as_such_whatever_hadoops_default_is(checkpoint: str, uri: str) -> None:
    assert spark_location(checkpoint) == uri


def test_a_relative_checkpoint_is_given_to_spark_as_an_absolute_one() -> None:
    assert spark_location("a folder/checkpoint") == f"file://{Path('a folder/checkpoint').absolute()}"


@pytest.mark.parametrize(
    "master", ["spark://10.0.0.1:7077", "spark://spark-master:7077", "yarn", "k8s://https://x:443"]
)
def test_a_bare_checkpoint_is_refused_where_executors_are_elsewhere(master: str) -> None:
    for checkpoint in ("/data/checkpoint", "a folder", str(resolve({}).checkpoint)):
        with pytest.raises(UsageError) as refused:
            ensure_shared(checkpoint, master)
        assert str(refused.value) == (
            f"SPARK_MASTER={master} runs on other machines, and the checkpoint {checkpoint} is a folder of this one: "
            "the state would be lost with a worker: set CHECKPOINT to what all of them see, such as hdfs://… or "
            f"s3a://…; if they share that folder, to file://{Path(checkpoint).absolute()}"
        )
    for checkpoint in ("hdfs://namenode/x", "s3a://bucket/x", "dbfs:/x", "file:///mnt/x", "file:/mnt/x"):
        ensure_shared(checkpoint, master)
    for checkpoint in ("file:///mnt/x", "file:/mnt/x"):
        assert is_said_to_be_shared(checkpoint, master)
    assert not is_said_to_be_shared("hdfs://namenode/x", master)


@pytest.mark.parametrize(
    "master", ["local", "local[*]", "local-cluster[2,1,1024]", "spark://localhost:7077", "spark://127.0.0.1:7077"]
)
def test_any_checkpoint_will_do_where_all_runs_on_this_machine(master: str) -> None:
    for checkpoint in ("/data/checkpoint", "file:///data/checkpoint", "hdfs://namenode/x"):
        ensure_shared(checkpoint, master)
        assert not is_said_to_be_shared(checkpoint, master)


def test_a_task_that_does_not_find_the_metadata_is_an_error(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "metadata").write_text('{"id": "x"}\n\n')
    ensure_seen(spark, f"file://{tmp_path}", tasks=3)
    ensure_seen(spark, str(tmp_path), tasks=1)
