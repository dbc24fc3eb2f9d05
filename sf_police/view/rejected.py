"""Prints why records were rejected, and samples of them. Values are untrusted: shown without effect, and cut."""

from __future__ import annotations

import sys
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sf_police.errors import SfPoliceError
from sf_police.how_to import in_reach
from sf_police.output import say
from sf_police.question import number_of
from sf_police.store.answers import Row, StoreReader
from sf_police.store.tables import Books
from sf_police.view import records, terminal

_COLUMNS: Final = ("reason", "records", "topic", "partition", "offset", "bytes", "value")
_COMMAND: Final = "`sf-police rejected`"
_MOST_IN_A_TABLE: Final = 300
_MOST_CHARACTERS: Final = 1_000


def print_rejected(store: StoreReader, *, format: str, reason: str, limit: int) -> None:
    """Print the reasons, how many records have each, and samples.

    Args:
        store: an open one.
        format: `table`, `json`, `csv` with a row for each sample, or `raw`: only the first sample's bytes.
        reason: only reasons that contain this text, in any case.
        limit: samples for each reason.
    """
    reasons = _reasons(store, reason)
    samples = {row["reason"]: store.rejected_samples(row["reason"], limit) for row in reasons}
    expired = store.expired("rejected")
    if format == "raw":
        _write_value(store, reasons, _none(reason, expired))
    elif format == "table":
        _print_tables(reasons, samples, _none(reason, expired))
    elif format == "json":
        each = [{**row, "samples": [_plain(sample) for sample in samples[row["reason"]]]} for row in reasons]
        print(terminal.to_json({"rejected": sum(row["records"] for row in reasons), "reasons": each}))
    else:
        rows = [{**row, **_plain(sample)} for row in reasons for sample in samples[row["reason"]]]
        print(terminal.to_csv(rows, columns=_COLUMNS), end="")
    if expired:
        line = f"besides, {number_of(expired, 'rejected records')} no longer kept one by one (RETENTION)"
        say(line)


def rejected_line(store: StoreReader, books: Books) -> str:
    """Say why records were rejected, for the end of a run."""
    why = "".join(f"; most often: {row['reason']} ({row['records']:,})" for row in store.rejected_reasons()[:1])
    if books.is_all_rejected:
        return f"every record was rejected, so nothing was counted{why}; see {in_reach(_COMMAND)}"
    return f"rejected {number_of(books.rejected, 'records')}{why}; see {in_reach(_COMMAND)}"


def _reasons(store: StoreReader, reason: str) -> list[Row]:
    return [row for row in store.rejected_reasons() if reason.lower() in row["reason"].lower()]


def _write_value(store: StoreReader, reasons: list[Row], none: str) -> None:
    if not reasons:
        raise SfPoliceError(none)
    [sample] = store.rejected_samples(reasons[0]["reason"], 1)
    sys.stdout.buffer.write(sample["value"] or b"")
    sys.stdout.buffer.flush()


def _none(wanted: str, expired: int) -> str:
    what = "no rejected record is kept" if expired else "no record was rejected"
    return f"{what}{f' with a reason that contains {wanted!r}' if wanted else ''}"


def _plain(sample: Row) -> dict[str, Any]:
    value = sample["value"]
    place = {name: sample[name] for name in ("topic", "partition", "offset")}
    size = None if value is None else len(value)
    return {**place, "bytes": size, "value": records.value_text(value, most=_MOST_CHARACTERS)}


def _print_tables(reasons: list[Row], samples: dict[str, list[Row]], none: str) -> None:
    if not reasons:
        print(none)
        return
    table = Table(header_style="bold")
    table.add_column("records", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for row in reasons:
        table.add_row(f"{row['records']:,}", Text(terminal.printable(row["reason"])))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160).print(table)
    for row in reasons:
        print(f"\n{terminal.printable(row['reason'])}")
        for sample in samples[row["reason"]]:
            place = f"{sample['topic']}, partition {sample['partition']}, offset {sample['offset']}"
            print(f"  {place}:\n    {records.value_text(sample['value'], most=_MOST_IN_A_TABLE)}")
