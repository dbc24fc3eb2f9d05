"""A user id that no entry of /etc/passwd names, as containers have it: refused in one line, until there is an entry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builders import a_value
from tests.support.environment import ROOT
from tests.support.job import Job, books

UID = 54321
# In mounts of its own, /etc/passwd with one entry more. It may read what root's home holds, such as the jars.
AS_USER = """
set -eu
[ -z "$1" ] || mount --bind "$1" /etc/passwd
shift
exec setpriv --reuid={uid} --regid={uid} --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search "$@"
"""
NO_NAME = f"the user id {UID} has no name, and Hadoop needs one"


class User:
    """Runs our commands as that user, in a folder of its own."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.folder, self.named = folder, ""
        self.env = {**job.env, "SF_POLICE_STATE_DIR": str(folder / "state")}
        folder.chmod(0o755)
        shutil.chown(folder, UID, UID)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "--mount", "sh", "-c", AS_USER.format(uid=UID), "sh", self.named]
        return subprocess.run(
            [*command, sys.executable, "-m", "sf_police", *arguments],
            env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip


@pytest.fixture
def user(job: Job) -> Iterator[User]:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("to be another user takes root, and the right to mount")
    # Others cannot enter pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="sf-police-user-"))
    yield User(job, folder)
    shutil.rmtree(folder)


def test_a_user_without_a_name_is_told_how_to_get_one_and_then_the_stream_is_exact(user: User, job: Job) -> None:
    job.send(*(a_value(crime_id=str(n)) for n in range(20)))

    doctor, stream = user.run("doctor"), user.run("stream", "--until-end")

    [line] = [line for line in doctor.stdout.splitlines() if line.startswith("wrong")]
    assert doctor.returncode == 1
    assert line.startswith(f"wrong  user: {NO_NAME} -> add it to /etc/passwd, as in `echo ")
    assert stream.returncode == 1
    assert stream.stdout == ""
    assert stream.stderr.startswith(f"error: {NO_NAME}: add it to /etc/passwd, as in `echo ")
    assert stream.stderr.count("\n") == 1

    # As the message says it, on a copy.
    [command] = [part for part in stream.stderr.split("`") if part.startswith("echo ")]
    passwd = user.folder / "passwd"
    shutil.copy("/etc/passwd", passwd)
    as_told = command.replace("$(id -u)", str(UID)).replace("/etc/passwd", str(passwd))
    subprocess.run(["sh", "-c", as_told], check=True)
    user.named = str(passwd)

    doctor, stream = user.run("doctor"), user.run("stream", "--until-end")

    assert f"ok     user: user id {UID} has a name" in doctor.stdout.splitlines()
    assert stream.returncode == 0, stream.stderr
    assert books(stream.stderr) == {"read": 20, "counted": 20, "duplicates": 0, "late": 0, "rejected": 0}
    assert (user.folder / "state" / "answers.db").stat().st_uid == UID
