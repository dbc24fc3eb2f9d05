"""What panels have returned: 100 people who look on cost one query, and a slow query takes but a part of the time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from sf_police.page.over_time import Choice
from sf_police.page.panels import Panels
from sf_police.page.watch import Snapshot

_MOST_CACHED: Final = 256
# A query that took a second is repeated after nine more at the earliest, however often the store is written to.
_PAUSE: Final = 9.0


@dataclass
class Found:
    """A panel's rows.

    Args:
        rows: as of a snapshot.
        version: of that snapshot; -1: not read yet.
        due_s: when they may be read again.
        source: what read them: another one has another store's.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    version: int = -1
    due_s: float = 0.0
    source: Panels | None = None


class PanelCache:
    """The rows of panels by choice, read once for each snapshot at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, Choice], tuple[threading.Lock, list[Found]]] = OrderedDict()

    def read(self, snapshot: Snapshot, panel: str, choice: Choice) -> Found:
        """Return the panel's rows: of this snapshot, or of one before it if they take long. Raises SfPoliceError."""
        if snapshot.panels is None:
            return Found(version=snapshot.version)
        with self._lock:
            lock, found = self._entries.setdefault((panel, choice), (threading.Lock(), [Found()]))
            self._entries.move_to_end((panel, choice))
            while len(self._entries) > _MOST_CACHED:
                self._entries.popitem(last=False)
        with lock:
            last = found[0]
            begun = time.monotonic()
            is_due = last.version < snapshot.version and begun >= last.due_s
            if is_due or last.source is not snapshot.panels:
                rows = snapshot.panels.rows(panel, choice)
                done = time.monotonic()
                found[0] = Found(rows, snapshot.version, done + _PAUSE * (done - begun), snapshot.panels)
            return found[0]
