"""A checkpoint on an object store: exact through kills, and one line when the store does not do what is asked of it."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support import oracle
from tests.support.job import Job
from tests.support.s3 import SECRET, CutError, Gate, S3Server, gated, moto, on_s3, running, versitygw

CALLS = 20_000
# On a machine that has much else to do.
MOST_S = 900


@pytest.fixture(scope="module", params=["moto", "versitygw"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    found = moto() if request.param == "moto" else versitygw(tmp_path_factory.mktemp("versitygw"))
    if found is None:
        pytest.skip("versitygw is not installed")
    with running(found) as server:
        yield server


@pytest.fixture
def gate(server: S3Server) -> Iterator[Gate]:
    with gated(server) as gate:
        yield gate


def with_calls(job: Job, count: int, batch: int) -> None:
    data = job.state / "calls.json"
    job.state.mkdir(parents=True, exist_ok=True)
    job.run("generate", "--calls", str(count), "--data", str(data))
    job.run("produce", str(data))
    job.env["SF_POLICE_MAX_OFFSETS_PER_TRIGGER"] = str(batch)


def run_killed(job: Job, gate: Gate, moment: str, is_it: Callable[[str, str], bool]) -> None:
    """Run the stream, and kill it and its JVM just before or after the store does the first such request."""
    process = job.start("stream", "--until-end")
    done = threading.Event()

    def kill(when: str, method: str, key: str) -> None:
        if not done.is_set() and when == moment and is_it(method, key):
            done.set()
            os.killpg(process.pid, signal.SIGKILL)
            raise CutError

    gate.on_request = kill
    output = process.communicate(timeout=MOST_S)
    gate.on_request = lambda *_: None
    assert process.returncode == -signal.SIGKILL, output


# Every request that changes something, for each kind of object: of those of a micro-batch, the fourth's.
CHANGES = {
    "our marker": ("PUT", r"/\.sf-police$"),
    "the query's id": ("PUT", r"/metadata$"),
    "the plan's part": ("PUT", r"/offsets/\.3\."),
    "the plan": ("PUT", r"/offsets/3$"),
    "the deletion of the plan's part": ("DELETE", r"/offsets/\.3\."),
    "the schema of the state": ("PUT", r"/_metadata/schema"),
    "the state's part": ("PUT", r"/state/0/0/\.4\.delta"),
    "the state": ("PUT", r"/state/0/0/4\.delta$"),
    "the commit's part": ("PUT", r"/commits/\.3\."),
    "the commit": ("PUT", r"/commits/3$"),
    "the deletion of the commit's part": ("DELETE", r"/commits/\.3\."),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_each_of_its_changes_it_is_exact(job: Job, gate: Gate, change: str, moment: str) -> None:
    wanted, pattern = CHANGES[change]
    on_s3(job, gate.port)
    with_calls(job, 2_000, 300)

    run_killed(job, gate, moment, lambda method, key: method == wanted and bool(re.search(pattern, f"/{key}")))
    job.run("stream", "--until-end")

    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)


def test_killed_at_random_it_is_exact(job: Job, gate: Gate) -> None:
    on_s3(job, gate.port)
    with_calls(job, CALLS, 2_000)
    moments = random.Random(19)
    for _ in range(3):
        count = moments.randrange(20, 90)
        seen = iter(range(10**9))
        run_killed(job, gate, moments.choice(("before", "after")), lambda *_, n=count, seen=seen: next(seen) == n)
    last = job.start("stream", "--until-end")
    _, said = last.communicate(timeout=MOST_S)

    assert last.returncode == 0, said
    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)


def test_a_slow_store_is_exact(job: Job, gate: Gate) -> None:
    on_s3(job, gate.port)
    with_calls(job, 2_000, 500)
    gate.delay_s = 0.2

    done = job.run("stream", "--until-end")

    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)
    assert "error" not in done.stderr


def test_of_two_streams_on_one_checkpoint_one_is_refused(make_job: Callable[..., Job], gate: Gate) -> None:
    first, second = make_job(), make_job()
    second.env = {**first.env, "SF_POLICE_STATE_DIR": str(second.state), "STATE_DIR": str(second.state)}
    for job in (first, second):
        on_s3(job, gate.port, checkpoint=f"shared/{first.topic}")
    with_calls(first, 2_000, 500)
    second.env["SF_POLICE_MAX_OFFSETS_PER_TRIGGER"] = "500"
    gate.delay_s = 0.05

    both = [job.start("stream", "--until-end") for job in (first, second)]
    said = [process.communicate(timeout=240)[1] for process in both]

    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 1], said
    winner, refused = (first, said[1]) if codes[0] == 0 else (second, said[0])
    assert re.search("another file is in its place|has no store that belongs to it", refused), refused
    oracle.assert_exact(winner.state / "answers.db", first.kafka, first.topic)


def test_the_store_goes_away_and_comes_back(job: Job, gate: Gate) -> None:
    on_s3(job, gate.port, **{"fs.s3a.retry.limit": "2", "fs.s3a.attempts.maximum": "1"})
    with_calls(job, 2_000, 300)
    backend = gate.backend

    def cut(when: str, method: str, key: str) -> None:
        if when == "before" and key.endswith("/offsets/3"):
            gate.backend = 1  # nobody listens there

    gate.on_request = cut
    failed = job.run("stream", "--until-end", check=False)
    gate.backend = backend
    gate.on_request = lambda *_: None

    assert failed.returncode == 1
    assert_one_line(failed, "does not answer|nothing answers")
    job.run("stream", "--until-end")
    oracle.assert_exact(job.state / "answers.db", job.kafka, job.topic)


def assert_one_line(done: subprocess.CompletedProcess[str], pattern: str) -> None:
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert len(errors) == 1, done.stderr
    assert re.search(pattern, errors[0]), done.stderr
    assert "Traceback" not in done.stderr


def test_secrets_are_in_no_command_line_and_in_no_log(job: Job, gate: Gate) -> None:
    on_s3(job, gate.port)
    with_calls(job, 2_000, 300)
    listed: list[str] = []

    def look(when: str, method: str, key: str) -> None:
        if key.endswith("/commits/1") and not listed:
            shown = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True)
            listed.append(shown.stdout)

    gate.on_request = look
    done = job.run("stream", "--until-end", "-v")

    assert SECRET not in "".join(listed)
    assert "sf_police" in "".join(listed)
    assert SECRET not in done.stderr + (job.state / "spark.log").read_text()
