"""docs/your-own-topic.md, by its own blocks: each step fails as the page says, and the last one passes."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import examples
from tests.support import own_topic
from tests.support.environment import ROOT, clean_environment


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "clone").mkdir()
    return own_topic.make_clone(tmp_path / "clone")


def run_tests(clone: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", own_topic.FOLDER]
    done = subprocess.run(
        command, cwd=clone, env=clean_environment(), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode
    return done.stdout


def test_each_step_fails_as_the_page_says(clone: Path) -> None:
    page = own_topic.PAGE.read_text("utf-8")
    records, test, definition, answers, _ = own_topic.blocks()

    for path in (records, test):
        own_topic.write_block(clone, path)
    before = run_tests(clone)
    own_topic.write_block(clone, definition)
    without_answers = run_tests(clone)

    said = "ImportError: cannot import name 'QUESTION' from 'examples.parcels'"
    assert said in before
    assert said in page
    assert re.search(r"FileNotFoundError: .*answers\.sql", without_answers)
    assert "with `FileNotFoundError`: there is no `answers.sql`" in page.replace("\n", " ")
    assert answers == f"{own_topic.FOLDER}/answers.sql"


def test_then_the_pages_tests_pass(
    clone: Path, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in own_topic.blocks():
        own_topic.write_block(clone, path)
    monkeypatch.setattr(examples, "__path__", [*examples.__path__, str(clone / "examples")])
    module = importlib.import_module(f"{own_topic.MODULE}.test_question")
    try:
        tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
        given = {"spark": spark, "tmp_path": tmp_path}
        for test in tests.values():
            test(**{name: given[name] for name in inspect.signature(test).parameters})
    finally:
        for name in (module.__name__, own_topic.MODULE):
            del sys.modules[name]
        del examples.parcels

    assert len(tests) == own_topic.PAGE.read_text("utf-8").count("\ndef test_") == 3


def test_the_pages_python_is_formatted_and_clean(clone: Path) -> None:
    for path in own_topic.blocks():
        own_topic.write_block(clone, path)

    ruff = str(Path(sys.executable).with_name("ruff"))
    for verb in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run([ruff, *verb, "examples"], cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_says_how_much_there_is_to_write() -> None:
    """What a stranger has to write; the page says how many lines that is."""
    lines = {path: len(text.splitlines()) for path, text in own_topic.blocks().items()}
    written = sum(number for path, number in lines.items() if path.endswith((".py", ".sql")) and "test_" not in path)

    assert f"{written} lines of Python and SQL" in own_topic.PAGE.read_text("utf-8")


def test_taxi_rides_are_as_short_as_the_page_says() -> None:
    folder = ROOT / "examples" / "taxi_rides"
    files = [path for path in folder.iterdir() if path.suffix in (".py", ".sql")]
    written = [path for path in files if not path.name.startswith("test_") and path.name != "generate.py"]
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in written)

    assert lines <= 200
    assert f"are a larger example: {lines} lines" in own_topic.PAGE.read_text("utf-8")
