"""The right that is missing, and the command that grants it."""

from __future__ import annotations

import pytest

from sf_police.errors import SfPoliceError
from sf_police.topic.rights import READ, WRITE, ensure_allowed


@pytest.mark.parametrize(
    ("who", "allowed", "message"),
    [
        ("ann", ["DESCRIBE"], "ann may not Write topic calls: grant it by `kafka-acls.sh --add --allow-principal "
                              "User:ann --operation Write --topic calls`"),
        ("ann", ["DESCRIBE", "WRITE"], "ann may not Read topic calls: grant it by `kafka-acls.sh --add "
                                       "--allow-principal User:ann --operation Read --topic calls`"),
        ("an n", ["READ"], "an n may not Write topic calls: grant it by `kafka-acls.sh --add --allow-principal "
                           "'User:an n' --operation Write --topic calls`"),
        (None, ["READ"], "this client may not Write topic calls: grant it by `kafka-acls.sh --add --allow-principal "
                         "User:… --operation Write --topic calls`"),
    ],
)  # fmt: skip
def test_the_first_right_that_is_missing_is_named(who: str | None, allowed: list[str], message: str) -> None:
    with pytest.raises(SfPoliceError) as refused:
        ensure_allowed(who, "calls", needs=[WRITE, READ], allowed=allowed)

    assert str(refused.value) == message


@pytest.mark.parametrize("allowed", [["WRITE", "READ"], []], ids=["all are there", "brokers that do not tell"])
def test_who_has_the_rights_goes_on(allowed: list[str]) -> None:
    ensure_allowed("ann", "calls", needs=[WRITE, READ], allowed=allowed)
