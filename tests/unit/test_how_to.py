"""What a remedy tells to type, in a clone and where the package alone is installed."""

from __future__ import annotations

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


@pytest.mark.usefixtures("is_installed")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no jars: run `make install`", "no jars: run `sf-police install`"),
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
