"""Each block of docs/walkthrough.md, typed into Python one after the other, prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.support.environment import ROOT
from tests.support.job import Job, jobs

PAGE = (ROOT / "docs" / "walkthrough.md").read_text("utf-8")
# A block of Python, and the block of what it prints, if it prints anything.
BLOCKS = re.findall(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", PAGE, re.DOTALL | re.MULTILINE)
END = "\N{END OF TRANSMISSION}"


def code_for(job: Job) -> str:
    """The page's code, with a mark after what each block prints, and the test's broker, topic and folder in it."""
    code = "\n".join(f"{block}\nprint({END!r})\n" for block, _ in BLOCKS)
    own = {
        '"kafka_topic": "walkthrough"': f'"kafka_topic": {job.topic!r}, "kafka_bootstrap_servers": {job.kafka!r}',
        '".run/walkthrough"': repr(str(job.state)),
    }
    for pages, tests in own.items():
        assert code.count(pages) == 1
        code = code.replace(pages, tests)
    return code


@pytest.fixture(scope="module")
def printed(
    kafka: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[list[str]]:
    for make in jobs(kafka, tmp_path_factory.mktemp("walkthrough"), request.node.name):
        yield run(make)


def run(make_job: Callable[..., Job]) -> list[str]:
    job = make_job(partitions=0)
    command = [sys.executable, "-i", "-q", "-c", "import sys; sys.ps1 = sys.ps2 = ''"]
    env = {**job.env, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, input=code_for(job), env=env, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    # Python goes on after an error, as with whoever types.
    assert "Error" not in done.stderr, done.stderr
    return done.stdout.split(f"{END}\n")[:-1]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_prints_what_the_page_says(printed: list[str], number: int) -> None:
    # Spark ends its tables with an empty line, and pads its lines; a page need not.
    lines = [line.rstrip() for line in printed[number].rstrip().splitlines()]

    assert lines == BLOCKS[number][1].rstrip().splitlines()


def test_every_other_block_of_the_page_is_an_output() -> None:
    assert PAGE.count("```") == 2 * (len(BLOCKS) + sum(bool(output) for _, output in BLOCKS))
    assert len(BLOCKS) > 10
