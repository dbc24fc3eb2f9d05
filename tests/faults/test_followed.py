"""`follow` beside `stream`, both killed at random moments while days go by: each call is counted once.

A day of the city takes seconds. `SF_POLICE_FEED_SEED` repeats a run.
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
from tests.support.socrata import broken_gzip, cut_short, html, open_data, status

CALLS, DAYS = 9_000, 5
SPEED = 2_400  # a day takes 36 s
OPEN_AFTER = timedelta(hours=24)


def runs_for(process: subprocess.Popen[str], seconds: float) -> bool:
    """Whether the process still runs after so long."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def test_killed_at_random_every_call_is_counted_once(
    make_job: Callable[..., Job], say_aloud: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("SF_POLICE_FEED_SEED") or random.SystemRandom().randrange(10**6))
    rng, job = random.Random(seed), make_job()
    say_aloud(f"seed {seed}")
    calls = city.calls(CALLS, DAYS, seed)
    end = BEGIN + timedelta(days=DAYS, hours=40)
    settings = {"FEED_EVERY": "1 second", "WATERMARK": "4 days", "MAX_OFFSETS_PER_TRIGGER": "2000"}
    kills = {"follow": 0, "stream": 0}
    with fault("follow and stream killed at random, a misbehaving feed, 5 days of calls", "exact"):
        live = City(calls, speed=SPEED)
        with open_data(gnap_fj3t=live) as server:
            settings["FEED_HOST"] = server.url
            processes = {name: job.start(name, **settings) for name in kills}
            while live.now < end:
                name = rng.choice(["follow", "follow", "stream"])
                server.misbehave = rng.sample(
                    [None, cut_short, broken_gzip, html, status(500), status(429, Retry_After="1")], 3
                )
                assert runs_for(processes[name], rng.uniform(1, 9)), processes[name].communicate()[1]
                kill(processes[name])
                kills[name] += 1
                processes[name] = job.start(name, **settings)
            live.stop_at(end)
            for process in processes.values():
                kill(process)
            server.misbehave = []
            job.run("follow", "--once", **settings)
        done = job.run("stream", "--until-end", **settings)

    found, expected = counted(job), recount.counts_of([call.as_counted(OPEN_AFTER) for call in calls])
    say_aloud(f"killed {kills}; {done.stderr.splitlines()[-1]}")
    assert {name: books(done.stderr)[name] for name in ("counted", "late", "rejected")} == {
        "counted": CALLS, "late": 0, "rejected": 0,
    }  # fmt: skip
    assert found == expected
