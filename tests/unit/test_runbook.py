"""docs/runbook.md: its commands exist, its messages are the program's own, and each situation has a test."""

from __future__ import annotations

import re

import pytest

from sf_police.cli import main
from tests.support.environment import ROOT, SETTINGS
from tests.unit.test_docs import TARGETS

PAGE = (ROOT / "docs" / "runbook.md").read_text()
SITUATIONS = dict(re.findall(r"^## (\d+\. [^\n]+)\n\n(.*?)(?=\n## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
SOURCES = "\n".join(path.read_text() for path in (ROOT / "sf_police").rglob("*.py"))
# As the compiler joins them: literals that follow each other, in quotes of either kind, with or without an f.
JOINED = re.sub(r"""["']\s*\n?\s*f?["']""", "", SOURCES)
PARTS = ("Seen", "Look", "Cure", "Tested")


def part(situation: str, name: str) -> str:
    [found] = re.findall(rf"^- \*\*{name}\*\*: (.+(?:\n  .+)*)$", SITUATIONS[situation], re.MULTILINE)
    return re.sub(r"\s+", " ", found)


def code(situation: str, name: str) -> list[str]:
    return re.findall(r"`([^`]+)`", part(situation, name))


def test_there_are_twelve() -> None:
    assert [int(title.partition(".")[0]) for title in SITUATIONS] == list(range(1, 13))


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_seen_is_what_the_program_says(situation: str) -> None:
    seen = code(situation, "Seen")
    metrics = re.compile(r"(sf_police_\w+)")
    words = [word for text in seen for word in re.split(r"…|\{.*", text) if word.strip("; ,()")]

    assert seen
    for word in words:
        name = metrics.match(word)
        assert (name[1].removesuffix("_total") if name else word.strip()) in JOINED, word


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", ["Look", "Cure"])
def test_the_commands_exist(situation: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for text in code(situation, name):
        if text.startswith("make "):
            target, *settings = re.findall(r'[A-Z_]+="[^"]*"|\S+', text)[1:]
            assert target in TARGETS
            assert {each.partition("=")[0] for each in settings} <= SETTINGS
        elif text.startswith("sf-police "):
            _, command, *flags = text.split()
            with pytest.raises(SystemExit):
                main([command, "--help"])
            shown = capsys.readouterr().out
            assert [flag for flag in flags if flag.startswith("--") and flag not in shown] == []
        else:
            assert text.startswith(("tail ", "df ", "lag")) or text.partition("=")[0] in SETTINGS, text


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_test_has_been_through_it(situation: str) -> None:
    for place in code(situation, "Tested"):
        path, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text()


def test_every_situation_says_it_all() -> None:
    assert all(part(situation, name) for situation in SITUATIONS for name in PARTS)
