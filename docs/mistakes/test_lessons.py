"""Each lesson of docs/mistakes: the mistake is red and the solution green, with the figures that the documents give."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from docs.mistakes.bench import Bench
from docs.mistakes.lesson import HERE, Lesson, lessons
from tests.support.question import resolve


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    settings = resolve({"jars_dir": os.environ.get("SF_POLICE_JARS_DIR")})
    bench = Bench(settings, tmp_path_factory.mktemp("bench"), lambda: str(request.getfixturevalue("kafka")))
    yield bench
    bench.close()


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.folder.name)
def test_the_mistake_is_red_and_the_solution_green_as_the_documents_say(lesson: Lesson, bench: Bench) -> None:
    mistake, solution = (lesson.run(file, bench) for file in ("mistake.py", "solution.py"))

    assert not mistake.is_green, mistake.said
    assert solution.is_green, solution.said
    [row] = re.findall(rf"^\| {lesson.number} \|.*", (HERE / "README.md").read_text(), re.MULTILINE)
    for page in (row, (lesson.folder / "README.md").read_text()):
        assert_says(page, mistake.said)
        assert_says(page, solution.said)


def assert_says(page: str, said: str) -> None:
    """The page has the words as they are or, where a figure varies, with its bounds: `lost 1 to 20,000 of 20,000`."""
    page = " ".join(page.split())
    if said in page:
        return
    text, number = re.escape(said), r"\d[\d,]*"
    pattern = re.sub(number, lambda figure: rf"(?:{figure[0]}|({number}) to ({number}))", text)
    for found in re.finditer(pattern, page):
        figures = re.findall(number, said)
        bounds = zip(found.groups()[::2], found.groups()[1::2], strict=True)
        if all(lo is None or of(lo) <= of(figure) <= of(hi) for figure, (lo, hi) in zip(figures, bounds, strict=True)):
            return
    raise AssertionError(f"{said!r} is not what the page says:\n{page}")


def of(figure: str) -> int:
    return int(figure.replace(",", ""))
