"""The page's files: what is made is made once, and again for other words or another version."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import vl_convert

from sf_police.calls import QUESTION
from sf_police.errors import SfPoliceError
from sf_police.page import assets as assets_module
from sf_police.page import make
from sf_police.page.assets import Assets, ready_assets
from sf_police.page.specs import specs
from sf_police.question import Question

MAKING = ["making the page's charts (once)"]


def ready(jars_dir: Path, question: Question = QUESTION) -> tuple[Assets, list[str]]:
    said: list[str] = []
    return ready_assets(jars_dir, question, say=said.append), said


def test_what_is_made_is_made_once_and_nothing_else_is_left(tmp_path: Path) -> None:
    first, said = ready(tmp_path / "new" / "jars")
    again, said_again = ready(tmp_path / "new" / "jars")

    assert (said, said_again) == (MAKING, [])
    assert {name: first.read(name) for name in first.names} == {name: again.read(name) for name in again.names}
    [folder] = (tmp_path / "new" / "jars").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["specs.json", "vega.js"]
    assert json.loads(first.read("specs.json")) == json.loads(json.dumps(specs("calls", "crime types")))
    assert b"window.vegaEmbed" in first.read("vega.js")

    (folder / "specs.json").unlink()
    assert ready(tmp_path / "new" / "jars")[1] == MAKING
    assert (folder / "specs.json").read_bytes() == first.read("specs.json")


def test_other_words_are_made_beside_it(jars_dir: Path) -> None:
    other = replace(QUESTION, labels={**QUESTION.labels, "calls": "-c 'é' $HOME"})

    found, said = ready(jars_dir, other)

    assert said == MAKING
    assert "-c 'é' $HOME per window" in json.dumps(json.loads(found.read("specs.json")), ensure_ascii=False)
    assert ready(jars_dir)[1] == ready(jars_dir, other)[1] == []


@pytest.mark.parametrize("package", ["altair", "vl-convert-python"])
def test_another_version_makes_it_again(jars_dir: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    known = assets_module.importlib.metadata.version
    monkeypatch.setattr(
        assets_module.importlib.metadata, "version", lambda name: "99" if name == package else known(name)
    )

    assert ready(jars_dir)[1] == MAKING
    assert ready(jars_dir)[1] == []


def test_a_failure_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "jars").write_text("a file in its place")

    with pytest.raises(SfPoliceError) as failed:
        ready(tmp_path / "jars")

    said = str(failed.value)
    assert said.startswith(f"the page's charts cannot be made in {tmp_path}/jars/page-")
    assert "Not a directory" in said
    assert said.endswith(": install the extra `dashboard`, and check that the folder of JARS_DIR takes files")
    assert "\n" not in said


def test_without_the_extra_the_remedy_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Packages are found in the order of this process's path.
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "vl_convert.py").write_text("raise ImportError('no vl_convert here')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "broken"), *sys.path])

    with pytest.raises(SfPoliceError, match=r"no vl_convert here: install the extra `dashboard`"):
        ready(tmp_path / "jars")
    assert not (tmp_path / "jars").exists()


def test_a_module_in_the_folder_that_it_is_started_in_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("altair", "vl_convert", "json"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('of the folder')\n")
    monkeypatch.chdir(tmp_path)

    assert ready(tmp_path / "jars")[1] == MAKING


@pytest.mark.parametrize(
    ("version", "is_taken"), [("6.1.2", False), ("5.99.9", False), ("6.2.0", True), ("10.0.0", True)]
)
def test_a_vega_that_could_run_scripts_of_a_spec_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_taken: bool
) -> None:
    monkeypatch.setattr(vl_convert, "get_vega_version", lambda: version)
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda _: "// which takes seconds")

    if is_taken:
        make.main(tmp_path / "page", rows="calls", kinds="crime types")
        assert (tmp_path / "page" / "vega.js").is_file()
    else:
        with pytest.raises(SystemExit, match=f"vl-convert-python brings Vega {version}, which is too old"):
            make.main(tmp_path / "page", rows="calls", kinds="crime types")
        assert os.listdir(tmp_path) == []


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda _: "\ud800")  # which no file can hold

    with pytest.raises(UnicodeEncodeError):
        make.main(tmp_path, rows="calls", kinds="crime types")

    assert not (tmp_path / "vega.js").exists()


def test_a_tag_is_that_of_the_content(assets: Assets, tmp_path: Path) -> None:
    for name in ("vega.js", "specs.json"):
        (tmp_path / name).write_bytes(assets.read(name))
    same = Assets(tmp_path)
    (tmp_path / "specs.json").write_bytes(assets.read("specs.json") + b" ")
    other = Assets(tmp_path)

    assert {name: same.tag(name) for name in same.names} == {name: assets.tag(name) for name in assets.names}
    assert [name for name in other.names if other.tag(name) != same.tag(name)] == ["specs.json"]
    assert {(tag[0], tag[-1]) for tag in map(assets.tag, assets.names)} == {('"', '"')}
