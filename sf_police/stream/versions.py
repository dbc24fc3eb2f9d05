"""Which Spark, and which version of this program, a checkpoint was last run with: kept in the store's settings.

Spark reads the checkpoints of its older versions, and promises nothing for those of newer ones. Checkpoints from before
this was kept have neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pyspark

from sf_police import __version__
from sf_police.errors import SfPoliceError

_SPARK: Final = "spark_version"
_PROGRAM: Final = "program_version"


def versions() -> dict[str, str]:
    """Return the versions that run now, as the store's settings keep them."""
    return {_SPARK: pyspark.__version__, _PROGRAM: __version__}


def check_versions(
    stored: Mapping[str, Any], checkpoint: str, *, say: Callable[[str], None], now: Mapping[str, str] | None = None
) -> None:
    """Say which versions differ from those that run now, or `now`.

    Raises:
        SfPoliceError: the checkpoint was last run with a newer Spark.
    """
    now = now or versions()
    last, spark, program = f"the checkpoint {checkpoint} was last run", stored.get(_SPARK), stored.get(_PROGRAM)
    if spark and _numbers(spark) > _numbers(now[_SPARK]):
        raise SfPoliceError(
            f"{last} with Spark {spark}, newer than this one, {now[_SPARK]}, which may misread it",
            remedy=f"run it with pyspark {spark}, or run `make reset` (deletes the checkpoint and the store)",
        )
    if spark and spark != now[_SPARK]:
        say(
            f"{last} with Spark {spark}, now {now[_SPARK]}: a newer Spark reads it, and the older one will be refused "
            "from now on"
        )
    if program and program != now[_PROGRAM]:
        say(f"{last} with sf-police {program}, now {now[_PROGRAM]}")


def _numbers(version: str) -> list[int]:
    # Of 4.3.0.dev1 the first three.
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
