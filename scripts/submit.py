"""What spark-submit is given in place of `sf-police`: `spark-submit OPTION... submit.py stream --until-end`.

The package is installed in the Python that spark-submit runs, or comes as a wheel by --py-files. What it needs besides
has to be installed there; executors need none of it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

NEEDED = ("sf_police", "kafka", "orjson", "pyarrow", "rich", "sqlalchemy")


def main() -> int:
    """Run the command line; return the exit code."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"error: {sys.executable} has no {', '.join(missing)}: install sf-police there, or name another Python by "
            "PYSPARK_DRIVER_PYTHON (a wheel of sf-police also comes by --py-files)",
            file=sys.stderr,
        )
        return 1
    from sf_police.__main__ import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
