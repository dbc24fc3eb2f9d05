"""Reads metrics as Prometheus does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.request import urlopen

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

# A sample's name and labels; its value.
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True)
class Answer:
    """An unknown topic's or a known one's probe: what the brokers say, whatever is asked."""

    found: object

    def ask(self) -> object:
        return self.found


def samples_of(text: str, parse: Callable[[str], Iterable[Metric]] = text_string_to_metric_families) -> Samples:
    return {(each.name, tuple(each.labels.items())): each.value for family in parse(text) for each in family.samples}


def scraped(address: str) -> Samples:
    """What is served there now."""
    with urlopen(address, timeout=30) as answer:
        return samples_of(answer.read().decode())
