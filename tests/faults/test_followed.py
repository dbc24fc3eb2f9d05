"""`follow` beside `stream`, both killed at random moments while days go by: each call is counted once.

The city's clock goes on by half an hour with each request: no call may leave the feed before any look at it.
`TEST_FEED_SEED` repeats a city and its misbehaviour.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from datetime import timedelta

from tests.support import city, recount
from tests.support.city import BEGIN, City
from tests.support.fault_table import fault
from tests.support.invariants import counted
from tests.support.job import Job, books
from tests.support.killing import kill
from tests.support.socrata import Misbehaviour, OpenData, broken_gzip, cut_short, html, open_data, status
from tests.support.waiting import eventually

CALLS, DAYS = 4_000, 2
OPEN_AFTER = timedelta(hours=24)
WRONG: tuple[Misbehaviour | None, ...] = (
    None, cut_short, broken_gzip, html, status(500), status(429, Retry_After="1"),
)  # fmt: skip
# Of the kills, one in so many is the stream's, which takes long to start.
STREAMS = 6


def runs_for(process: subprocess.Popen[str], seconds: float) -> bool:
    """Whether the process still runs after so long."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def has_asked(server: OpenData, requests: int) -> None:
    """Wait until `follow` has sent so many more requests: a kill then falls before, between or after its polls."""
    until = len(server.requests) + requests

    def asked() -> None:
        assert len(server.requests) >= until

    eventually(asked, AssertionError, seconds=300)  # a busy machine


def test_killed_at_random_every_call_is_counted_once(
    make_job: Callable[..., Job], say_aloud: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("TEST_FEED_SEED") or random.SystemRandom().randrange(10**6))
    rng, job, calls = random.Random(seed), make_job(), city.calls(CALLS, DAYS, seed)
    kills, end = {"follow": 0, "stream": 0}, BEGIN + timedelta(days=DAYS, hours=37)
    say_aloud(f"seed {seed}")
    live = City(calls, step=timedelta(minutes=30))
    with fault("follow and stream killed at random, a misbehaving feed, 4 days of calls", "exact"):
        with open_data(gnap_fj3t=live) as server:
            settings = {"FEED_EVERY": "1 second", "WATERMARK": "4 days", "FEED_HOST": server.url}
            settings["MAX_OFFSETS_PER_TRIGGER"] = "2000"
            processes = {name: job.start(name, **settings) for name in kills}
            while live.now < end:
                server.misbehave = rng.sample(WRONG, 2)
                has_asked(server, rng.randrange(2, 14))
                name = "follow" if rng.randrange(STREAMS) else "stream"
                assert runs_for(processes[name], rng.uniform(0, 0.7)), processes[name].communicate()[1]
                kill(processes[name])
                kills[name] += 1
                processes[name] = job.start(name, **settings)
            live.step = timedelta()
            for process in processes.values():
                kill(process)
            server.misbehave = []
            job.run("follow", "--once", **settings)
        done = job.run("stream", "--until-end", **settings)

    say_aloud(f"killed {kills}; {[line for line in done.stderr.splitlines() if line.startswith('books')]}")
    found = books(done.stderr)
    assert (found["counted"], found["late"], found["rejected"]) == (len(calls), 0, 0)
    assert counted(job) == recount.counts_of([call.as_counted(OPEN_AFTER) for call in calls])
