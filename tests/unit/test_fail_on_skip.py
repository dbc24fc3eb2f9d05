"""`--fail-on-skip`, which `.ci/run` gives to pytest: a skip ends a run with a failure, but for the reasons listed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import MAY_SKIP
from tests.support.environment import ROOT

IN_A_TEST = "import pytest\n\ndef test_it():\n    pytest.skip({reason!r})\n"
OF_A_FILE = "import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n"
EXPECTED = "import pytest\n\n@pytest.mark.xfail(reason={reason!r})\ndef test_it():\n    assert False\n"


def run(folder: Path, text: str, reason: str, *options: str) -> subprocess.CompletedProcess[str]:
    """pytest with the options of our conftest.py, on a file of one test; another test beside it passes."""
    (folder / "test_skips.py").write_text(text.format(reason=reason))
    (folder / "test_passes.py").write_text("def test_it():\n    pass\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", folder / "pytest.ini", "-p", "conftest", *options, folder]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("text", [IN_A_TEST, OF_A_FILE], ids=["a test", "a file"])
def test_a_skip_fails_the_run_and_is_named(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text, "no such program here", "--fail-on-skip")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "skipped, although nothing may be (--fail-on-skip)" in done.stdout
    assert "test_skips.py" in done.stdout
    assert ": no such program here\n" in done.stdout


@pytest.mark.parametrize(
    ("text", "reason", "options"),
    [
        (IN_A_TEST, "no such program here", []),
        (EXPECTED, "not built yet", ["--fail-on-skip"]),
        *((IN_A_TEST, reason, ["--fail-on-skip"]) for reason in MAY_SKIP),
    ],
    ids=["without the flag", "an expected failure", *MAY_SKIP],
)
def test_what_does_not_fail_the_run(tmp_path: Path, text: str, reason: str, options: list[str]) -> None:
    done = run(tmp_path, text, reason, *options)

    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert "although nothing may be" not in done.stdout
