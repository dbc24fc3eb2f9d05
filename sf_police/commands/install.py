"""The commands `install` and `make-archive`: what a run needs besides Python's packages."""

from __future__ import annotations

from sf_police.commands.run import Run, say
from sf_police.how_to import how_to


def install(run: Run, *, s3: bool = False) -> int:
    """Download what a run needs besides the package, and create the archive of Spark's classes; or S3A's jars alone."""
    from sf_police.spark import jars

    if s3:
        jars.install(jars.s3a(), run.config, say=say)
        return 0
    jars.install(jars.connector(), run.config, say=say)
    try:
        make_archive(run)
    except OSError as error:
        say(f"no archive, so Spark starts more slowly: cannot write {error.filename}: {error.strerror}")
    say(f"installed; next: `{how_to('doctor')}`")
    return 0


def make_archive(run: Run) -> int:
    """Create the archive of Spark's classes."""
    from sf_police.stream.class_archive import create_archive

    create_archive(run.config, run.question, say=say)
    return 0
