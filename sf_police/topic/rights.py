"""What a user may do with a topic, as the brokers tell it, and the line that names the missing right (ACL)."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import Final

from sf_police.errors import SfPoliceError

READ: Final = "Read"
WRITE: Final = "Write"
DESCRIBE: Final = "Describe"
CREATE: Final = "Create"
DELETE: Final = "Delete"

# Of the brokers, for a topic that the user may not describe, whether or not there is one.
NOT_ALLOWED: Final = 29


def ensure_allowed(who: str | None, topic: str, *, needs: Sequence[str], allowed: Collection[str]) -> None:
    """Raise SfPoliceError for the first of the operations that is not among those that the brokers allow.

    Brokers before Kafka 2.3 do not tell: `allowed` is empty.
    """
    granted = {name.lower() for name in allowed}
    for operation in needs:
        if granted and operation.lower() not in granted:
            raise not_allowed(who, operation, topic)


def not_allowed(who: str | None, operation: str, topic: str) -> SfPoliceError:
    """Return the error for an operation that the brokers do not allow; `who` is None if only they know the user."""
    grant = f"--allow-principal {shlex.quote(f'User:{who}') if who else 'User:…'} --operation {operation}"
    return SfPoliceError(
        f"{who or 'this client'} may not {operation} topic {topic}",
        remedy=f"grant it by `kafka-acls.sh --bootstrap-server … --add {grant} --topic {topic}`",
    )
