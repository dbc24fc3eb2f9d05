"""The right that is missing, and the command that grants it."""

from __future__ import annotations

import pytest

from sf_police.errors import SfPoliceError
from sf_police.topic.rights import READ, WRITE, ensure_allowed


@pytest.mark.parametrize(
    ("who", "allowed", "what", "grant"),
    [
        ("ann", ["DESCRIBE"], "ann may not Write", "--allow-principal User:ann --operation Write"),
        ("ann", ["DESCRIBE", "WRITE"], "ann may not Read", "--allow-principal User:ann --operation Read"),
        ("an n", ["READ"], "an n may not Write", "--allow-principal 'User:an n' --operation Write"),
        (None, ["READ"], "this client may not Write", "--allow-principal User:… --operation Write"),
    ],
)
def test_the_first_right_that_is_missing_is_named(who: str | None, allowed: list[str], what: str, grant: str) -> None:
    with pytest.raises(SfPoliceError) as refused:
        ensure_allowed(who, "calls", needs=[WRITE, READ], allowed=allowed)

    command = f"kafka-acls.sh --bootstrap-server … --add {grant} --topic calls"
    assert str(refused.value) == f"{what} topic calls: grant it by `{command}`"


@pytest.mark.parametrize("allowed", [["WRITE", "READ"], []], ids=["all are there", "brokers that do not tell"])
def test_who_has_the_rights_goes_on(allowed: list[str]) -> None:
    ensure_allowed("ann", "calls", needs=[WRITE, READ], allowed=allowed)
