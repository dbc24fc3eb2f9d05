"""Counts 20,000 calls in micro-batches of 2,000, with a watermark of 10 minutes."""

from __future__ import annotations

from types import SimpleNamespace

from docs.mistakes.bench import CALLS, REPEATED, Bench
from docs.mistakes.lesson import Result, lost
from sf_police.calls import QUESTION
from sf_police.calls.generate import generate_calls
from sf_police.stream.pipeline import accepted_rows

HINT = "a call is late if it is older than the newest one, less 10 minutes. Which one does the file begin with?"


def check(file: SimpleNamespace, bench: Bench) -> Result:
    """Send the file, and see how many of its calls are counted."""
    sent = file.in_sending_order(list(generate_calls(CALLS + REPEATED)))
    stream = bench.stream(sent, rows=2_000)
    counted = bench.count(accepted_rows(stream, question=QUESTION, watermark="10 minutes", in_one_task=True))
    return lost(CALLS - counted, CALLS)
