"""Waits for the executors of a cluster, which come some time after its session is there; and not for ever."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from sf_police.checks import is_local
from sf_police.errors import SfPoliceError

# Spark's own option for how long an application waits for its resources; ours is longer than its 30 seconds, as a
# cluster may have to start machines first.
WAIT: Final = "spark.scheduler.maxRegisteredResourcesWaitingTime"
_WAIT_S: Final = 120.0
_UNITS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_POLL_S: Final = 0.1
# Executors that a cluster starts at the same time come one after another.
_SETTLED_S: Final = 2.0


def wait_for_executors(session: SparkSession, *, counts_cores: bool, say: Callable[[str], None]) -> int:
    """Wait until executors are registered; return how many tasks they run at once. A local master is there already.

    Args:
        session: as it was started.
        counts_cores: whether that number matters: then until no more of them come.
        say: is told when there is something to wait for.

    Raises:
        SfPoliceError: none came, or the cluster has ended the application.
    """
    context = session.sparkContext
    if is_local(str(context.master)):
        return context.defaultParallelism
    cluster = _Cluster(session)
    cluster.ask_for_one()
    if not cluster.executors():
        say(f"waiting for executors of {context.master}")
    deadline = time.monotonic() + cluster.seconds
    while not cluster.executors():
        if time.monotonic() > deadline:
            raise cluster.refusal()
        time.sleep(_POLL_S)
    if counts_cores:
        _wait_until_settled(cluster, deadline)
        say(f"{cluster.executors()} of {context.master}: executors that the stream starts with")
    return context.defaultParallelism


def _wait_until_settled(cluster: _Cluster, deadline: float) -> None:
    seen, since = cluster.executors(), time.monotonic()
    while not cluster.is_complete() and time.monotonic() < min(since + _SETTLED_S, deadline):
        time.sleep(_POLL_S)
        if cluster.executors() != seen:
            seen, since = cluster.executors(), time.monotonic()


class _Cluster:
    """What Spark's driver knows of its executors."""

    def __init__(self, session: SparkSession) -> None:
        self._context = session.sparkContext
        java: Any = session._jsc
        self._java = java.sc()
        self._conf = self._context.getConf()
        self.seconds = _seconds(self._conf.get(WAIT)) or _WAIT_S

    def ask_for_one(self) -> None:
        """Ask for an executor where the cluster gives some only once there is work."""
        if self._conf.get("spark.dynamicAllocation.enabled") == "true" and not self.executors():
            self._java.requestExecutors(1)

    def executors(self) -> int:
        """Return how many have registered. Raises SfPoliceError if the application was ended."""
        try:
            if not self._java.isStopped():
                return int(self._java.getExecutorMemoryStatus().size()) - 1  # the driver is one of them
        except Py4JError:
            pass  # stopped just now
        raise SfPoliceError(
            f"{self._context.master} has ended the application, as no executor stayed",
            remedy="see spark.log, and the logs of its workers; check the options for executors in SPARK_CONF",
        )

    def is_complete(self) -> bool:
        """Whether as many have come as were asked for, where somebody has said how many."""
        instances, cores = self._conf.get("spark.executor.instances"), self._conf.get("spark.cores.max")
        return bool(
            (instances and self.executors() >= int(instances))
            or (cores and self._context.defaultParallelism >= int(cores))
        )

    def refusal(self) -> SfPoliceError:
        """Return the error for a cluster that gives none."""
        memory, cores = self._conf.get("spark.executor.memory", "1g"), self._conf.get("spark.executor.cores")
        each = f"of {memory} and {cores} cores" if cores else f"of {memory}"
        return SfPoliceError(
            f"{self._context.master} has given no executor {each} within {self.seconds:.0f} s",
            remedy="look at its page: others may have taken all cores or memory, or no worker has as much: free some, "
            "or lower spark.executor.memory and spark.executor.cores in SPARK_CONF; or they end as they start: their "
            "logs on the workers say why",
        )


def _seconds(text: str | None) -> float | None:
    match = re.fullmatch(r"(\d+)\s*([a-z]*)", (text or "").strip().lower())
    return int(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else None
