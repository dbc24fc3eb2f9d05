"""What a remedy tells to type, in a clone and where the package alone is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sf_police import how_to


@pytest.fixture
def is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(how_to, "is_clone", lambda: False)
    monkeypatch.setattr(how_to, "program", lambda: "sf-police")


def test_a_clone_has_its_makefile() -> None:
    assert how_to.is_clone()
    assert how_to.how_to("run-stream") == "make run-stream"
    assert how_to.in_reach("no store: run `make run-stream`") == "no store: run `make run-stream`"


def test_in_a_clone_the_program_is_in_the_venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(how_to, "program", lambda: "python -m sf_police")
    monkeypatch.chdir(tmp_path)
    assert how_to.in_reach("run `sf-police init-store`") == "run `python -m sf_police init-store`"

    (tmp_path / "bin" / "sf-police").touch()
    assert how_to.in_reach("run `sf-police init-store`") == "run `bin/sf-police init-store`"


@pytest.mark.usefixtures("is_installed")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no jars: run `make install`", "no jars: run `sf-police install`"),
        ("run `make install-s3`", "run `sf-police install --s3`"),
        ("run `make reset`, then `make run-stream`", "run `sf-police reset`, then `sf-police stream`"),
        ("no topic: run `make topic-create`", "no topic: run `sf-police create-topic`"),
        ("no broker: run `make kafka-start`", "no broker: start a broker, or name one with KAFKA_BOOTSTRAP_SERVERS"),
        ("check `make kafka-status`, then run again", "check the brokers, then run again"),
        ("they make up a whole", "they make up a whole"),
    ],
)
def test_without_the_clone_commands_are_named(text: str, told: str) -> None:
    assert how_to.in_reach(text) == told


def test_a_module_is_named_as_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    class Spec:
        parent = "examples.taxi_rides"

    monkeypatch.setattr("sys.modules", {"__main__": type("Main", (), {"__spec__": Spec})})
    assert how_to.program() == "python -m examples.taxi_rides"
    monkeypatch.setattr("sys.modules", {"__main__": type("Main", (), {"__spec__": None})})
    assert how_to.program() == "sf-police"


def test_another_question_is_named_in_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Spec:
        parent = "examples.parcels"

    question = type("Package", (), {"QUESTION": object()})
    main = type("Main", (), {"__spec__": Spec})
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.modules", {"__main__": main, "examples.parcels": question})

    assert how_to.in_reach("run `make reset`, then `make run-stream`") == (
        "run `make reset QUESTION=examples.parcels`, then `make run-stream QUESTION=examples.parcels`"
    )
    assert how_to.in_reach("run `make reset STORE_SCHEMA=x`") == (
        "run `make reset QUESTION=examples.parcels STORE_SCHEMA=x`"
    )
    assert how_to.in_reach("run `make kafka-start`, see `make install`") == "run `make kafka-start`, see `make install`"
    assert how_to.in_reach("see `sf-police rejected`") == "see `bin/python -m examples.parcels rejected`"
    assert how_to.with_state_dir("answer", tmp_path) == f"make answer QUESTION=examples.parcels STATE_DIR={tmp_path}"
