"""The oracle: counts and both answers, recounted in plain Python from the calls. Nothing of sf_police, Spark or SQL."""

from __future__ import annotations

import bz2
import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

MEANING = {
    "ABA": "Abated", "ADM": "Admonished", "ADV": "Advised", "ARR": "Arrest", "CAN": "Cancel", "CSA": "CPSA assignment",
    "22": "Cancel", "CIT": "Cited", "CRM": "Criminal Activation", "GOA": "Gone on Arrival", "HAN": "Handled",
    "NCR": "Non-Criminal", "ND": "No Disposition", "NOM": "No Merit", "PAS": "Premises Appears Secure", "REP": "Report",
    "SFD": "SFFD Medical Staff Engaged", "UTL": "Unable to Locate", "VAS": "Vehicle Appears Secure",
}  # fmt: skip


BLANK = " \t\n\v\f\r"


def load(path: Path) -> list[dict[str, Any]]:
    data = bz2.decompress(path.read_bytes()) if path.suffix == ".bz2" else path.read_bytes()
    calls: list[dict[str, Any]] = json.loads(data)
    return calls


def distinct(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(call["crime_id"], call["call_date_time"]): call for call in calls}.values())


def counts(calls: list[dict[str, Any]], minutes: int = 30) -> dict[tuple[str, str, str], int]:
    """Calls by (window start, crime type, resolution); of repeats the first."""
    return counts_of(distinct(calls), minutes)


def counts_of(calls: list[dict[str, Any]], minutes: int = 30) -> dict[tuple[str, str, str], int]:
    """The same of calls that are all to be counted."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for call in calls:
        time = datetime.fromisoformat(call["call_date_time"])
        midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
        start = midnight + (time - midnight) // timedelta(minutes=minutes) * timedelta(minutes=minutes)
        code = call["disposition"].strip(BLANK)
        key = (f"{start:%Y-%m-%d %H:%M:%S}", call["original_crime_type_name"].strip(BLANK), MEANING.get(code, code))
        counted[key] += 1
    return dict(counted)


def usual(votes: Counter[str]) -> tuple[str, int] | tuple[None, None]:
    recorded = [(-calls, resolution) for resolution, calls in votes.items() if resolution != "Not recorded"]
    if not recorded:
        return None, None
    calls, resolution = min(recorded)
    return resolution, -calls


def window_answers(counted: dict[tuple[str, str, str], int], minutes: int = 30) -> list[tuple[Any, ...]]:
    """(window_start, window_end, calls, crime_types, usual_resolution, usual_resolution_calls) by window start."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    types: dict[str, set[str]] = defaultdict(set)
    for (start, crime_type, resolution), calls in counted.items():
        votes[start][resolution] += calls
        types[start].add(crime_type)
    rows = []
    for start in sorted(votes):
        end = datetime.fromisoformat(start) + timedelta(minutes=minutes)
        rows.append((start, f"{end:%Y-%m-%d %H:%M:%S}", votes[start].total(), len(types[start]), *usual(votes[start])))
    return rows


def crime_type_answers(counted: dict[tuple[str, str, str], int]) -> list[tuple[Any, ...]]:
    """(crime_type, calls, windows, usual_resolution, usual_resolution_calls) by crime type."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    windows: dict[str, set[str]] = defaultdict(set)
    for (start, crime_type, resolution), calls in counted.items():
        votes[crime_type][resolution] += calls
        windows[crime_type].add(start)
    return [(name, votes[name].total(), len(windows[name]), *usual(votes[name])) for name in sorted(votes)]
