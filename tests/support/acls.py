"""The rights that each command needs, as docs/kafka-acls.md lists them."""

from __future__ import annotations

import re
from typing import Final

from tests.support.environment import ROOT
from tests.support.secured import Right

PAGE: Final = (ROOT / "docs" / "kafka-acls.md").read_text()
# Command, operation, kind of resource.
ROWS: Final[list[tuple[str, str, str]]] = re.findall(
    r"^\| `([a-z-]+)` \| ([A-Z][a-z]+) \| (Topic) \|", PAGE, re.MULTILINE
)


def rights_of(command: str, topic: str, *, without: str = "") -> set[Right]:
    """Those of the command's rows, but for one operation."""
    wanted = [(operation, kind) for name, operation, kind in ROWS if name == command and operation != without]
    assert wanted or without, f"no row for {command}"
    return {Right(operation.upper(), kind.upper(), topic) for operation, kind in wanted}
