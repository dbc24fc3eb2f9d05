"""How the venv is installed: aside, and swapped in whole, whatever others tell pip. A project in small, offline."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.clone import copy_scripts

# A build tool that makes of any project a wheel with one module and one command.
_BACKEND = """
import hashlib, zipfile

def _wheel(folder):
    name = "sf_police-1-py3-none-any.whl"
    files = {
        "sf_police_small.py": "def main(): print('small')",
        "sf_police-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: sf-police\\nVersion: 1\\n",
        "sf_police-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "sf_police-1.dist-info/entry_points.txt": "[console_scripts]\\nsmall = sf_police_small:main\\n",
    }
    files["sf_police-1.dist-info/RECORD"] = "".join(f"{file},,\\n" for file in files)
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return name

def build_wheel(folder, config_settings=None, metadata_directory=None): return _wheel(folder)
def build_editable(folder, config_settings=None, metadata_directory=None): return _wheel(folder)
"""


def make_wheel(folder: Path, name: str, files: Mapping[str, str]) -> str:
    """Write a wheel; return its line of a lock file."""
    path = folder / f"{name}-1-py3-none-any.whl"
    info = f"{name}-1.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(text.encode())}\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            wheel.writestr(file, text)
    return f"{name}==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Project:
    """A clone in small: our scripts, and a lock of one package and the build tool."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.wheels, self.home = folder / "a é & %20 clone", folder / "wheels", folder / "home"
        copy_scripts(self.clone)
        self.wheels.mkdir()
        self.home.mkdir()
        backend = {"setuptools/__init__.py": "", "setuptools/build_meta.py": _BACKEND}
        self.lock = make_wheel(self.wheels, "needed", {"needed.py": "NUMBER = 42\n"})
        self.lock += make_wheel(self.wheels, "setuptools", backend)
        (self.clone / "requirements.lock").write_text(self.lock)
        (self.clone / "setup.cfg").write_text("[metadata]\nname = sf-police\n")
        (self.clone / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        )
        self.venv = self.clone / ".venv"

    def install(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels), **environ,
        }  # fmt: skip
        base = getattr(sys, "_base_executable", sys.executable)
        command = [self.clone / "scripts" / "venv-install.sh", *arguments, base]
        return subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=240)

    def works(self) -> bool:
        """Whether the package, and the command by its own path, are there."""
        program = "import needed; assert needed.NUMBER == 42"
        needed = subprocess.run([self.venv / "bin" / "python", "-c", program])
        small = subprocess.run([self.venv / "bin" / "small"], capture_output=True, text=True)
        return (needed.returncode, small.stdout) == (0, "small\n")

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.clone.iterdir() if "incoming" in path.name)

    def want_more(self) -> None:
        """Ask for what no index has, as a branch with a newer lock does on a train."""
        (self.clone / "requirements.lock").write_text(f"other==2 --hash=sha256:{'0' * 64}\n" + self.lock)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was installed against all that a user's pip may be told."""
    project = Project(tmp_path_factory.mktemp("project"))
    (project.home / ".config" / "pip").mkdir(parents=True)
    (project.home / ".config" / "pip" / "pip.conf").write_text(
        "[global]\nuser = true\nrequire-hashes = true\nquiet = 3\n"
    )
    done = project.install(
        PIP_USER="1", PIP_TARGET="/none", PIP_CONSTRAINT="/none", PIP_REQUIRE_HASHES="1", PIP_ONLY_BINARY="x",
        PYTHONPATH="/none", PYTHONHOME="/none", PYTHONWARNINGS="error", CDPATH="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(installed: Project) -> Project:
    (installed.clone / "requirements.lock").write_text(installed.lock)
    return installed


def test_it_works_and_leaves_nothing_beside_it(project: Project) -> None:
    assert project.works()
    assert project.leftovers() == []
    assert project.home.joinpath(".local").exists() is False


def test_no_script_of_it_names_the_folder_that_it_was_built_in(project: Project) -> None:
    files = [path for path in (project.venv / "bin").iterdir() if not path.is_symlink()]

    assert [path.name for path in (*files, project.venv / "pyvenv.cfg") if b"incoming" in path.read_bytes()] == []


def test_once_installed_nothing_is_done_whatever_the_times_of_the_files(project: Project) -> None:
    (project.clone / "requirements.lock").touch()
    before = (project.venv / "pyvenv.cfg").stat()

    done = project.install(PIP_FIND_LINKS="/none")

    assert (done.returncode, done.stderr) == (0, "")
    assert (project.venv / "pyvenv.cfg").stat() == before


def test_an_install_that_fails_leaves_the_one_before(project: Project) -> None:
    project.want_more()

    done = project.install()

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"error: the Python packages could not be installed; {project.venv} is as it was"
    )
    assert project.works()
    assert project.leftovers() == []


def test_a_command_that_needs_no_install_goes_on_with_an_older_venv(project: Project) -> None:
    project.want_more()

    done = project.install("--if-missing")

    assert (done.returncode, done.stderr) == (
        0,
        f"==> {project.venv} is older than requirements.lock: run `make install`\n",
    )
    assert project.works()


def test_what_a_killed_install_left_is_finished_or_deleted(project: Project) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    project.venv.rename(project.clone / f".venv.incoming.{ended.pid}")  # killed between its two renames
    half = project.clone / f".venv.incoming.{ended.pid}.old"
    half.mkdir()
    (half / "pyvenv.cfg").touch()
    (half / ".installed").write_text("sf-police, not yet whole\n")

    done = project.install(PIP_FIND_LINKS="/none")

    assert done.returncode == 0, done.stderr
    assert project.works()
    assert project.leftovers() == []


def test_a_newer_lock_replaces_the_venv_in_whole(project: Project) -> None:
    (project.venv / "of-the-one-before").touch()
    (project.clone / "requirements.lock").write_text("# a comment\n" + project.lock)

    done = project.install()

    assert done.returncode == 0, done.stderr
    assert project.works()
    assert not (project.venv / "of-the-one-before").exists()
    assert project.leftovers() == []
