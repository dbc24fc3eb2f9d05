"""The bytes of an entry."""

from __future__ import annotations

from sf_police.produce.entries import encode


def test_encode_keeps_half_of_a_surrogate_pair_as_the_escape_that_it_was() -> None:
    assert encode({"a": "\ud800é"}) == rb'{"a":"\ud800\u00e9"}'
