"""The state of things as the page gets it: what is asked, what is there, and what to do. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sf_police import __version__
from sf_police.how_to import in_reach
from sf_police.page.colors import NO_VOTE, NO_VOTE_PLACE, OTHERS, OTHERS_PLACE, PALETTE
from sf_police.page.findings import RULE
from sf_police.page.watch import Snapshot
from sf_police.question import Question, number_of, plural

_STATES: Final = {
    "opening": "opening",
    "none": "no store yet",
    "unusable": "store out of reach",
    "empty": "nothing stored yet",
    "live": "live",
    "idle": "idle",
    "stopped": "stopped",
}
_NOTES: Final = {
    "empty": "a store, but no micro-batch in it: run `make run-stream`",
    "live": "a stream runs into this store, and the page follows each commit",
    "idle": "a stream runs and waits for new records",
    "stopped": "no stream runs into this store: `make run-stream` resumes it",
}
_BROKEN: Final = "do not trust these figures: run `make doctor`, which says what is wrong"


def described(snapshot: Snapshot, question: Question) -> dict[str, Any]:
    """Return a snapshot as the page expects it: text, numbers and ISO times."""
    batch = snapshot.batch
    settings = snapshot.settings or {}
    return {
        "version": snapshot.version,
        "program": __version__,
        "state": snapshot.state,
        "state_text": _STATES[snapshot.state],
        "note": in_reach(snapshot.note or _NOTES.get(snapshot.state, "")),
        "broken_note": in_reach(_BROKEN),
        "first": _iso(snapshot.first),
        "last": _iso(snapshot.last),
        "length_s": snapshot.length_s,
        "is_whole": snapshot.is_whole,
        "topic": settings.get("topic", ""),
        "watermark": settings.get("watermark", ""),
        "batch": None
        if batch is None
        else {
            "batch": batch.batch_id,
            "read": batch.read,
            "seconds": batch.seconds,
            "lag": batch.lag,
            "watermark": _iso(batch.watermark),
            "committed_at": _iso(batch.committed_at),
            "text": f"batch {batch.batch_id}: {number_of(batch.read, 'records')} in {batch.seconds:.2f} s",
        },
        "question": words_of(question),
        "commands": {name: in_reach(f"`sf-police {name}`") for name in ("rejected", "late")},
    }


def words_of(question: Question) -> dict[str, Any]:
    """Return what people call things, and the columns that the page needs to know by name."""
    kind, outcome = question.groups[0], question.groups[-1]
    return {
        "title": question.asks or question.title,
        "rows": question.label(question.rows),
        "rows_column": question.rows,
        "id": question.label(question.id),
        "spread": question.label(question.spread),
        "kinds": question.label(plural(kind.name)),
        "kind": question.label(kind.name),
        "kind_column": kind.name,
        "outcome": question.label(outcome.name),
        "outcome_column": outcome.name,
        "no_vote": question.no_vote,
        "usual_column": f"usual_{outcome.name}",
        "rule": RULE.format(rows=question.label(question.rows)),
        "time_zone": question.time_zone,
        "decimals": [each.name for each in question.sums if each.scale],
        "colors": {**dict(enumerate(PALETTE)), OTHERS_PLACE: OTHERS, NO_VOTE_PLACE: NO_VOTE},
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(" ")
