"""The report: one HTML file that needs nothing else, Markdown, and pictures; written only where it is ours to write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sf_police.calls import QUESTION
from sf_police.cli import main
from sf_police.page.report import CHARTS
from sf_police.store.database import Database, open_database
from tests.support.builders import store_batch

HOSTILE = "</script><script>alert(1)</script> <!-- | `x`"
WINDOW = ("2018-10-12 14:00:00", "2018-10-12 14:30:00")


class Page(HTMLParser):
    """What a browser would load, and the scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.scripts: list[str] = []
        self._is_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [str(text) for name, text in attrs if name in ("src", "href", "data", "srcset")]
        self._is_script = tag == "script"
        if self._is_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[-1] += data


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SF_POLICE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def store(state: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{state / 'answers.db'}", QUESTION)) as database:
        store_batch(database, [(*WINDOW, HOSTILE, "Handled", 3), (*WINDOW, "Traffic Stop", HOSTILE, 1)], late=1)
        yield database


def test_everything_is_written(store: Database, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 0

    folder = state / "report"
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    pictures = [f"{name}.{form}" for name in CHARTS for form in ("png", "svg")]
    assert {path.name for path in folder.iterdir()} == {*pictures, "report.html", "report.md", ".sf-police-report"}
    assert all((folder / name).stat().st_size > 1_000 for name in pictures)


def test_the_page_says_the_answer_and_needs_nothing_else(store: Database, state: Path) -> None:
    main(["report"])

    text = (state / "report" / "report.html").read_text("utf-8")
    page = Page(text)
    assert page.loaded == []
    assert "A half hour has 2 crime types (median; 2 to 2). Usual resolution: Handled, 75 % of calls." in text
    assert "Books: read 5 = counted 4 + duplicates 0 + late 1 + rejected 0. Every record is accounted for." in text
    # Vega's, and ours: what is in a record has opened none.
    assert len(page.scripts) == 2
    data = json.loads(
        re.search(r"^const REPORT = (.*);$", page.scripts[1], re.MULTILINE)[1]
        .replace(r"<\/", "</")
        .replace(r"<\!--", "<!--")
    )  # type: ignore[index]
    assert [row["crime_type"] for row in data["panels"]["kinds"]] == [HOSTILE, "Traffic Stop"]


def test_the_markdown_has_whole_tables(store: Database, state: Path) -> None:
    main(["report"])

    lines = (state / "report" / "report.md").read_text("utf-8").splitlines()
    cell = r"| &lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; &lt;!-- \| `x` |"
    assert [line.removeprefix(cell) for line in lines if line.startswith("| &lt;/script")] == [
        " 1 | 25 % |",  # as a resolution
        " 3 | 75 % | 1 | Handled | 3 | 100 % |",  # as a crime type
    ]
    assert "![Crime types per window](windows.svg)" in lines


def test_it_leads_to_the_film_that_is_beside_it(store: Database, state: Path) -> None:
    folder = state / "report"
    main(["report"])
    assert not any("film" in (folder / name).read_text("utf-8") for name in ("report.html", "report.md"))

    for name in ("film.html", "film.svg"):
        (folder / name).write_text("a film")
    main(["report"])

    text = "hich calls a stream drops as late, in three ways to send them"
    assert f'<a href="film.html">W{text}</a>' in (folder / "report.html").read_text("utf-8")
    assert f"[![w{text}](film.svg)](film.html)" in (folder / "report.md").read_text("utf-8").splitlines()
    assert (folder / "film.html").read_text() == "a film"


def test_a_report_of_ours_is_replaced(store: Database, state: Path) -> None:
    main(["report"])
    store_batch(store, [(*WINDOW, "Burglary", "Report", 1)])

    assert main(["report"]) == 0

    assert "A half hour has 3 crime types" in (state / "report" / "report.md").read_text("utf-8")


def test_what_is_not_ours_is_left(
    store: Database, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "report.html").write_text("mine")

    assert main(["report", "--to", str(mine)]) == 1

    said = f"error: {mine} holds something else, and is left as it is: name another folder with --to\n"
    assert capsys.readouterr().err == said
    assert [path.read_text() for path in mine.iterdir()] == ["mine"]


def test_without_a_window_nothing_is_written(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(open_database(f"sqlite:///{state / 'answers.db'}", QUESTION)) as database:
        store_batch(database, late=1)

    assert main(["report"]) == 1

    assert "holds no window yet: run `make run-stream`" in capsys.readouterr().err
    assert not (state / "report").exists()


def test_without_a_store_nothing_is_written(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 1

    assert "run `make run-stream`" in capsys.readouterr().err
    assert not state.exists()
