"""The documents say what the code does: every command in them exists, and the table of settings is config.py's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sf_police import config
from sf_police.calls import QUESTION
from sf_police.cli import main
from tests.support.environment import ROOT

PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *PAGES)
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = dict(re.findall(r"^([a-z][a-z0-9-]*):[^=\n]*?## (.+)$", MAKEFILE, re.MULTILINE))


def text() -> str:
    return "\n".join((ROOT / name).read_text() for name in DOCUMENTS)


def test_every_make_target_in_the_documents_exists_and_has_help() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", text(), re.MULTILINE))

    assert named - set(TARGETS) == set()


def test_every_target_is_phony_has_help_and_a_row_in_the_documents() -> None:
    phony = re.findall(r"^\.PHONY: ([a-z0-9-]+)\n\1:", MAKEFILE, re.MULTILINE)
    rows = set(re.findall(r"^\| `make ([a-z0-9-]+)`", (ROOT / "docs" / "targets.md").read_text(), re.MULTILINE))

    assert set(phony) == set(TARGETS)
    assert rows == set(TARGETS) - {"help"}


def test_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout

    named = re.findall(r"^  ([a-z0-9-]+) ", shown, re.MULTILINE)
    for names in re.findall(r"^(?:[A-Z][a-z ]+:| {12,}) +([a-z0-9 -]+)$", shown, re.MULTILINE):
        named += names.split()
    assert sorted(named) == sorted(TARGETS)


def commands() -> list[str]:
    """The commands in the README's sentence on them."""
    [sentence] = re.findall(r"Without Make they are `sf-police ([^;]*);", (ROOT / "README.md").read_text())
    return re.findall(r"[a-z][a-z-]+(?=`)", sentence)


@pytest.mark.parametrize("command", commands())
def test_every_command_in_the_documents_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert command in capsys.readouterr().out


def test_the_readme_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    listed = re.findall(r"^  ([a-z][a-z-]+) ", capsys.readouterr().out.partition("examples:")[0], re.MULTILINE)
    assert set(listed) - {"make-archive", "make-page"} == set(commands())  # these are steps of `make install`


def test_every_long_flag_in_the_documents_is_known() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "sf_police").rglob("*.py"))
    scripts = "".join(path.read_text() for path in (ROOT / "scripts").glob("*.sh"))
    own = {f"--{field.name.replace('_', '-')}" for field in config.settings()} | set(
        re.findall(r'"(--[a-z-]+)"', sources)
    )
    own |= {f"--{QUESTION.rows}"}  # of `generate`
    others = {"--kafka-by", "--write-sums", "--bootstrap-server", "--topic", "--from-beginning"}
    others |= {"--extra", "--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-header"}
    others |= {"--fail-on-skip", "--help", "--no-emit-find-links", "--no-emit-index-url", "--prefix"}
    others |= {"--workers", "--cores", "--memory", "--port"}  # of spark-start
    others |= {"--master", "--driver-memory", "--executor-memory", "--num-executors", "--deploy-mode", "--packages"}
    others |= {"--jars", "--py-files", "--files", "--archives", "--conf", "--properties-file"}  # of spark-submit
    others |= {"--no-deps", "--wheel-dir"}
    others |= {"--secured", "--add", "--allow-principal", "--operation", "--resource-pattern-type"}
    others |= {
        "--pgdata",
        "--username",
        "--auth",
        "--encoding",
        "--locale",
        "--log",
        "--wait",
        "--options",
        "--schema",
        "--file",
        "--dbname",
    }  # of PostgreSQL
    others |= {
        "--build-arg",
        "--rm",
        "--build",
        "--from-file",
        "--user",
        "--read-only",
        "--tmpfs",
    }  # of Docker, Kubernetes
    assert "--write-sums" in scripts
    assert "--secured" in scripts

    assert set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", text())) - own - others == set()


def test_the_table_of_settings_is_that_of_the_code() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    expected = []
    for field in config.settings():
        default = config.default_of(field, QUESTION.defaults)
        expected.append((field.name.upper(), f"`{default}`" if default else "", field.metadata["help"]))

    assert rows == expected


def test_the_map_names_every_module_and_nothing_else() -> None:
    [block] = re.findall(r"^```\n(.*?)```", (ROOT / "docs" / "map.md").read_text(), re.MULTILINE | re.DOTALL)
    folders: list[str] = []  # that the line is in, by its indent
    named = set()
    for line in block.splitlines():
        folders = folders[: (len(line) - len(line.lstrip())) // 2]
        names = re.split("  +", line.strip())[0].split(", ")
        named |= {Path(*folders, name) for name in names}
        folders.append(names[0])
    code = {
        path.relative_to(ROOT) for path in (ROOT / "sf_police").rglob("*") if path.suffix in (".py", ".sql", ".json")
    }

    assert {path for path in named if not (ROOT / path).exists()} == set()
    assert {path for path in code if path.name != "__init__.py"} - named == set()


@pytest.mark.parametrize("document", [*DOCUMENTS, "benchmarks/README.md"])
def test_every_link_to_a_file_leads_to_one(document: str) -> None:
    page = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_each_invariant_names_tests_that_there_are() -> None:
    page = ROOT / "docs" / "invariants.md"
    rows = re.findall(r"^\| (\d+) \| .* \| (.*?) \| (.*?) \|$", page.read_text(), re.MULTILINE)
    shown = {number: re.findall(r"\[`(\w+)`\]\(([^)]+)\)", tests) for number, _, tests in rows}

    assert [int(number) for number in shown] == list(range(1, len(shown) + 1))
    assert [number for number, tests in shown.items() if not tests] == []
    assert [
        name
        for tests in shown.values()
        for name, file in tests
        if f"def {name}(" not in (page.parent / file).read_text()
    ] == []


def test_rooms_stay_small() -> None:
    package = ROOT / "sf_police"
    lengths = {path: len(path.read_text().splitlines()) for path in package.rglob("*.py")}

    assert [path for path, lines in lengths.items() if lines > 250] == []
    assert len(list(package.glob("*.py"))) <= 14
    assert len((ROOT / "README.md").read_text().splitlines()) <= 240


def test_the_scripts_have_the_defaults_of_the_settings() -> None:
    library = (ROOT / "scripts" / "lib.sh").read_text()
    defaults = dict(re.findall(r'^setting [A-Z_]+ ([A-Z_]+) "?(.+?)"?$', library, re.MULTILINE))
    own = {field.name.upper(): config.default_of(field, QUESTION.defaults) for field in config.settings()}

    assert defaults == {name: own[name] for name in ("KAFKA_PORT", "KAFKA_BROKERS", "STATE_DIR", "JARS_DIR")}


def test_each_picture_exists_and_each_is_shown() -> None:
    shown = {
        (ROOT / document).parent.joinpath(path).resolve()
        for document in [*DOCUMENTS, "benchmarks/README.md"]
        for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)|<img src=\"([^\"]+)\"", (ROOT / document).read_text())
        for path in path
        if path
    }
    assert shown
    assert {path for path in shown if not path.is_file()} == set()
    assert set((ROOT / "docs" / "pictures").iterdir()) - shown == set()


def test_pictures_load_nothing_from_elsewhere() -> None:
    for path in (ROOT / "docs" / "pictures").glob("*.svg"):
        assert re.findall(r"(?:href|src|url\()[^>]{0,3}https?:", path.read_text("utf-8")) == []
