"""`make exercise N=3`: checks the learner's file of a lesson, or of all, and says red or green."""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from docs.mistakes.bench import Bench
from docs.mistakes.lesson import HERE, Lesson, lessons
from sf_police import config
from sf_police.calls import QUESTION
from sf_police.environment import given_settings
from sf_police.errors import SfPoliceError, UsageError

ROOT = HERE.parent.parent


def main(argv: list[str] | None = None) -> int:
    """Check exercises; return the exit code: 0 all are green, 1 one is red, 2 usage."""
    parser = argparse.ArgumentParser(prog="make exercise", description=__doc__)
    parser.add_argument("number", nargs="?", default="", help="of the lesson, or `all`")
    parser.add_argument("-v", "--verbose", action="store_true", help="with the traceback of an error")
    parsed = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO if parsed.verbose else logging.CRITICAL, stream=sys.stderr)
    try:
        chosen = _chosen(parsed.number.strip())
        with tempfile.TemporaryDirectory(prefix="sf-police-") as folder, closing(_bench(Path(folder))) as bench:
            return max(_tell(lesson, bench) for lesson in chosen)
    except SfPoliceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _chosen(number: str) -> list[Lesson]:
    found = [lesson for lesson in lessons() if number in ("all", str(lesson.number))]
    if not found:
        expected = f"1 to {len(lessons())}, or all"
        remedy = "docs/mistakes/README.md lists them, and `make exercise N=1` is the first"
        raise UsageError(f"N={number}: expected {expected}", remedy=remedy)
    return found


def _tell(lesson: Lesson, bench: Bench) -> int:
    result = lesson.run("exercise.py", bench)
    folder = lesson.folder.relative_to(ROOT)
    print(f"exercise {lesson.number}: {'green' if result.is_green else 'red'}: {result.said}")
    if result.is_green:
        print(f"  compare with {folder}/solution.py")
    else:
        print(f"  hint: {lesson.read('check.py').HINT}\n  edit {folder}/exercise.py; the task is in its README.md")
    return 0 if result.is_green else 1


def _bench(folder: Path) -> Bench:
    given = given_settings(os.environ, [setting.name for setting in config.settings()]).settings
    if "kafka_client_properties" in given:
        raise UsageError("exercises log in nowhere: leave out KAFKA_CLIENT_PROPERTIES")
    settings = config.resolve(given, QUESTION.defaults)

    def servers() -> str:
        script = [ROOT / "scripts" / "kafka-start.sh"]
        own = "kafka_bootstrap_servers" not in given
        if own and subprocess.run(script, env={**os.environ, "PYTHON": sys.executable}, check=False).returncode:
            raise SfPoliceError("the local broker could not be started", remedy="see the line before")
        return settings.kafka_bootstrap_servers

    return Bench(settings, folder, servers)


if __name__ == "__main__":
    raise SystemExit(main())
