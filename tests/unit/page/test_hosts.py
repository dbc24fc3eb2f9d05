"""One rule for who may ask: on loopback by this machine's own names, elsewhere by any."""

from __future__ import annotations

import pytest

from sf_police.page.hosts import address, is_served, own_names, say_if_open


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_own_names_alone_are_served(host: str) -> None:
    names, said = own_names(host), list[str]()
    say_if_open(host, 1, what="metrics", setting="METRICS_HOST", say=said.append)

    assert [is_served(name, names) for name in ("127.0.0.1:9464", "LocalHost", "[::1]:9464")] == [True] * 3
    assert [is_served(name, names) for name in ("", "evil.example", "localhost:1:2", "::1", "[")] == [False] * 5
    assert said == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "dashboard.example"])
def test_elsewhere_any_name_is_and_it_is_said_what_that_means(host: str) -> None:
    said = list[str]()
    say_if_open(host, 9464, what="metrics", setting="METRICS_HOST", say=said.append)

    assert own_names(host) == ()
    assert is_served("10.1.2.3:9464", own_names(host))
    assert said == [
        "whoever reaches port 9464 of this machine can read the metrics: there is no password and no encryption. "
        "Behind a proxy that has both, METRICS_HOST is not needed"
    ]


def test_an_address_can_be_typed() -> None:
    assert (address("127.0.0.1", 8050), address("::1", 9464, "/metrics")) == (
        "http://127.0.0.1:8050/",
        "http://[::1]:9464/metrics",
    )
