"""Synthetic calls with the structure, proportions and quirks of the real file, but none of its content.

Deterministic: the same number of calls and the same seed yield the same calls on any machine. Writing them to a file is
done in `produce/generated_file.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

from sf_police.calls import schema
from sf_police.calls.dispositions import NOT_RECORDED

CALLS: Final = 199_999
SEED: Final = 2018

_START: Final = datetime(2018, 10, 2, 9, 11)
_LAST: Final = datetime(2018, 12, 31, 23, 57)
_REPEATED_HOUR: Final = datetime(2018, 11, 4, 1)  # the clock went back: this hour holds two hours of calls
_DUPLICATES: Final = 4  # calls that occur twice, byte for byte

# Calls per disposition in a full-sized file.
_DISPOSITIONS: Final = {
    "HAN": 57_639, "GOA": 26_211, "ADV": 19_515, NOT_RECORDED: 19_238, "CIT": 18_400, "REP": 16_054, "UTL": 9_376,
    "ND": 8_123, "CAN": 7_590, "NOM": 7_070, "PAS": 3_863, "NCR": 1_681, "22": 1_546, "ARR": 1_472, "ABA": 1_098,
    "ADM": 427, "OTS": 262, "GEN": 226, "INC": 87, "SFD": 80, "DUP": 22, "CRM": 7, "TOW": 4, "CHP": 3, "ENC": 2,
    "TH2": 1, "FIR": 1, "HOT": 1,
}  # fmt: skip

# The frequent crime types: relative share of the calls, and the dispositions they favor.
_FREQUENT: Final = {
    "Passing Call": (18.0, "HAN"), "Traffic Stop": (7.0, "CIT ADV"), "Suspicious Person": (6.0, "GOA HAN"),
    "Homeless Complaint": (6.0, "HAN GOA"), "Audible Alarm": (4.5, "PAS CAN"), "Well Being Check": (4.5, "HAN NOM"),
    "Trespasser": (4.0, "GOA ADV"), "Traf Violation Cite": (5.5, "CIT"), "Noise Nuisance": (3.5, "UTL ADV"),
    "Auto Boost / Strip": (3.2, "REP"), "Muni Inspection": (3.0, "HAN"), "Fight No Weapon": (2.4, "GOA NOM"),
    "Petty Theft": (2.2, "REP"), "Suspicious Vehicle": (2.2, "GOA UTL"), "Meet W/Citizen": (2.0, "HAN ADV"),
    "Parking Violation": (2.0, "CIT GOA"), "Burglary": (1.4, "REP"), "Person Dumping": (1.2, "GOA"),
    "Stolen Vehicle": (1.1, "REP"), "Assault / Battery": (1.0, "REP ARR"), "Vandalism": (0.9, "REP"),
    "Drugs": (0.9, "ARR GOA"), "Threats / Harassment": (0.8, "REP ADV"), "Intoxicated Person": (0.8, "HAN GOA"),
    "Citizen Standby": (0.7, "HAN"), "Broken Window": (0.6, "REP"), "Missing Juvenile": (0.4, "REP"),
}  # fmt: skip
# The long tail is free text: a radio code, a word, a note. 3,400 types in all, most of them seen once or twice.
_TAIL_TYPES: Final = 3_391
_TAIL_SHARE: Final = 12.0
_TAIL_WORDS: Final = (
    "Follow Up",
    "Poss",
    "Req",
    "Chk",
    "Veh",
    "Susp",
    "Info",
    "Assist",
    "Ref",
    "Dem",
    "Prop",
    "Encamp",
)
_STREETS: Final = ("Alder", "Beacon", "Cypress", "Dune", "Estuary", "Foghorn", "Gull", "Harbor", "Juniper", "Kelp")
_PLACES: Final = ("Pier Market", "Civic Garage", "North Playground", "Transit Hub")
# Relative number of calls by hour of the day, from midnight, and by day of the week, from Monday.
_HOURS: Final = (34, 26, 21, 16, 13, 14, 22, 34, 42, 45, 47, 48, 50, 50, 53, 56, 58, 58, 56, 52, 50, 50, 49, 43)
_DAYS: Final = (96, 101, 103, 100, 106, 102, 92)


def generate_calls(calls: int = CALLS, seed: int = SEED) -> Iterator[dict[str, str]]:
    """Generate calls, newest first, each a dict of the 14 fields in file order."""
    rng = random.Random(seed)
    duplicates = min(_DUPLICATES, calls // 2)
    different = calls - duplicates
    times = _times(rng, different)
    types = _types(rng, different)
    dispositions = _dispositions(rng, types)
    duplicated = frozenset(rng.sample(range(different), duplicates))
    in_day = _numbers_in_day(times)
    for index in reversed(range(different)):
        call = _call(rng, times[index], in_day[index], types[index], dispositions[index])
        yield call
        if index in duplicated:
            yield call


def _times(rng: random.Random, calls: int) -> list[datetime]:
    first = _START.replace(minute=0)
    hours = [first + timedelta(hours=hour) for hour in range(int((_LAST - first).total_seconds() // 3600) + 1)]
    weights = [_HOURS[hour.hour] * _DAYS[hour.weekday()] * (2 if hour == _REPEATED_HOUR else 1) for hour in hours]
    drawn = rng.choices(hours, cum_weights=list(accumulate(weights)), k=calls)
    return sorted(min(max(hour + timedelta(minutes=rng.randrange(60)), _START), _LAST) for hour in drawn)


def _numbers_in_day(times: list[datetime]) -> list[int]:
    numbers: list[int] = []
    for index, time in enumerate(times):
        is_next = index > 0 and times[index - 1].date() == time.date()
        numbers.append(numbers[-1] + 1 if is_next else 1)
    return numbers


def _types(rng: random.Random, calls: int) -> list[str]:
    tail = _tail_types(rng)
    # A random draw would miss most of the rare types, so a full-sized file first gets each of them once.
    types = tail[: calls * len(tail) // (CALLS - _DUPLICATES)]
    steep = [(rank + 3) ** -1.5 for rank in range(len(tail))]
    weights = [share for share, _ in _FREQUENT.values()] + [_TAIL_SHARE * weight / sum(steep) for weight in steep]
    types += rng.choices([*_FREQUENT, *tail], cum_weights=list(accumulate(weights)), k=calls - len(types))
    rng.shuffle(types)
    return types


def _tail_types(rng: random.Random) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < _TAIL_TYPES:
        word, number = rng.choice(_TAIL_WORDS), rng.randrange(100, 999)
        form = rng.randrange(4)
        name = (f"{number}{rng.choice('abcdp')}", f"{word} {number}", f"{word}/{rng.choice(_TAIL_WORDS)} {number % 40}",
                f"{word} #{number}")[form]  # fmt: skip
        names[rng.choice((name, name.lower(), name.upper()))] = None
    return list(names)


def _dispositions(rng: random.Random, types: list[str]) -> list[str]:
    # Dealt from a deck with the exact shares, so that the totals hold whatever a type favors: a call may swap its
    # card for a favored one among the next few.
    deck = [code for code, count in _DISPOSITIONS.items() for _ in range(max(1, round(count * len(types) / CALLS)))]
    rng.shuffle(deck)
    deck = (deck + rng.choices(deck, k=len(types)))[: len(types)]
    for index, name in enumerate(types):
        favored = _FREQUENT[name][1].split() if name in _FREQUENT else ()
        for other in range(index, min(index + 8, len(deck))):
            if deck[other] in favored:
                deck[index], deck[other] = deck[other], deck[index]
                break
    return deck


def _call(rng: random.Random, time: datetime, number_in_day: int, crime_type: str, disposition: str) -> dict[str, str]:
    day = f"{time:%Y-%m-%d}T00:00:00.000"
    is_corner = rng.random() < 0.4
    street, cross = rng.choice(_STREETS), rng.choice(_STREETS)
    values = (
        f"{time:%y%j}{number_in_day:04d}",
        # Now and then somebody typed a blank after it.
        f"{crime_type} " if rng.random() < 0.002 else crime_type,
        day,
        day,
        day,
        f"{time:%H:%M}",
        f"{time:%Y-%m-%dT%H:%M}:00.000",
        disposition,
        f"{street} St/{cross} Av" if is_corner else f"{rng.randrange(1, 40) * 100} Block Of {street} St",
        "" if rng.random() < 0.02 else "San Francisco",
        "CA",
        "1",
        "Intersection" if is_corner else rng.choice(("Premise Address", "Common Location", "Geo-Override")),
        "" if rng.random() < 0.87 else rng.choice(_PLACES),
    )
    return dict(zip((field.name for field in schema.FIELDS), values, strict=True))
