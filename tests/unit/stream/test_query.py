"""A micro-batch whose metrics disagree with its rows runs again, and not for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError, UnbalancedBatchError
from sf_police.store.database import open_database
from sf_police.store.tables import BatchReport
from sf_police.store.writer import StoreWriter
from sf_police.stream import query
from sf_police.stream.sink import StoreSink
from tests.support.builders import a_batch
from tests.support.question import resolve

# The sink makes its columns once, which takes a session.
pytestmark = pytest.mark.usefixtures("spark")


class Runs:
    """In place of the query: each run ends with the next of these errors, or well; it may store a batch before."""

    def __init__(self, *errors: SfPoliceError, stores: bool = False) -> None:
        self.errors, self.number, self.stores = errors, 0, stores

    def __call__(self, _: Any, sink: StoreSink, *__: Any) -> None:
        self.number += 1
        if self.stores:
            sink._on_batch(BatchReport(a_batch(self.number), None))
        if self.number <= len(self.errors):
            raise self.errors[self.number - 1]


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: Runs) -> list[str]:
    said: list[str] = []
    config = resolve({"state_dir": str(tmp_path)})
    database = open_database(config.store, QUESTION)
    database.create()
    monkeypatch.setattr(query, "_run", runs)
    monkeypatch.setattr(query, "accepted_stream", lambda *_: None)
    session: Any = None
    query.run_stream(
        session, config, QUESTION, StoreWriter(database),
        on_batch=lambda _: None, is_stopped=lambda: False, say=said.append,
    )  # fmt: skip
    return said


def test_a_batch_that_does_not_balance_runs_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = Runs(*[UnbalancedBatchError("batch 7: 3 is not 2; nothing was stored")] * 3)

    assert run(monkeypatch, tmp_path, runs) == ["batch 7: 3 is not 2; nothing was stored; running it again"] * 3
    assert runs.number == 4


@pytest.mark.parametrize(
    ("error", "runs"), [(UnbalancedBatchError("batch 7 does not balance"), 4), (SfPoliceError("the disk is full"), 1)]
)
def test_after_three_replays_or_at_another_error_it_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: SfPoliceError, runs: int
) -> None:
    failing = Runs(*[error] * 9)

    with pytest.raises(SfPoliceError, match=error.what):
        run(monkeypatch, tmp_path, failing)
    assert failing.number == runs


def test_batches_that_were_stored_in_between_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = Runs(*[UnbalancedBatchError("3 is not 2; nothing was stored")] * 9, stores=True)

    assert run(monkeypatch, tmp_path, runs) == ["3 is not 2; nothing was stored; running it again"] * 9
