"""Reads the command line and the environment, and is the only file to do so. Runs a command of `commands/`."""

from __future__ import annotations

import argparse
import locale
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence

from sf_police import config, environment
from sf_police.arguments import parser_of
from sf_police.calls import QUESTION
from sf_police.commands.run import Run
from sf_police.commands.show import doctor
from sf_police.config import flag_of
from sf_police.errors import SfPoliceError, UsageError
from sf_police.how_to import in_reach
from sf_police.output import drop_output, settle_streams
from sf_police.question import Question
from sf_police.stop import Stop


def main(argv: Sequence[str] | None = None, *, question: Question = QUESTION, prog: str = "sf-police") -> int:
    """Run a command on a question's topic; return the exit code: 0 done, 1 failed, 2 usage; 129, 130 or 143.

    Without `argv` it is this process's own command line, and the process is settled for it.
    """
    stop = Stop()
    stop.listen()
    try:
        if argv is None:
            _settle_process()
            stop.insist()
        try:
            parser = parser_of(question, prog)
            parsed = parser.parse_args(argv)
            if "run" not in parsed:
                parser.print_help()
                return 0
            return _run(parsed, question, stop)
        finally:
            sys.stdout.flush()  # what fails here is said below, and not by Python as it ends
    except SfPoliceError as error:
        if logging.root.isEnabledFor(logging.INFO):
            traceback.print_exc()
        print(f"error: {in_reach(str(error))}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has closed the pipe. Python would complain again when it closes standard output.
        drop_output()
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return stop.exit_code


def _settle_process() -> None:
    # Applied to this process, as Spark's, Kafka's and PostgreSQL's clients read the variables themselves.
    settle_streams()
    try:
        folder = os.getcwd()
    except OSError:
        raise SfPoliceError("the current folder is gone", remedy="change to one that exists") from None
    sys.path[:] = environment.own_packages_first(sys.path, os.environ, folder=folder)
    variables = environment.inherited(os.environ, python=sys.executable, encoding=locale.getencoding())
    os.environ.clear()
    os.environ.update(variables)
    if sys.warnoptions:
        warnings.simplefilter("ignore")  # PYTHONWARNINGS=error would make errors of other packages' warnings


def _run(parsed: argparse.Namespace, question: Question, stop: Stop) -> int:
    arguments = vars(parsed)
    is_verbose, run, uses = arguments.pop("verbose"), arguments.pop("run"), arguments.pop("uses")
    # Failures in the client libraries are reported in one line of our own; -v shows theirs, too.
    logging.basicConfig(level=logging.INFO if is_verbose else logging.CRITICAL, stream=sys.stderr)
    flags = {name: arguments.pop(name, None) for name in uses}
    given = environment.given_settings(os.environ, [field.name for field in config.settings()])
    for name in (name for name in given.ignored if name in uses and not flags[name]):
        if config.is_valid(name, given.ignored[name]) or is_verbose or run is doctor:
            print(_ignored_line(name, given.ignored[name]), file=sys.stderr)
    settings = {name: flags[name] or given.settings.get(name) for name in uses}
    try:
        return int(run(Run(config.resolve(settings, question.defaults), question, stop), **arguments))
    except UsageError as error:
        raise UsageError(_as_typed(error.what, flags), remedy=error.remedy) from error


def _as_typed(text: str, flags: Mapping[str, str | None]) -> str:
    # Checks know settings; who typed a flag looks for the flag.
    for name, value in flags.items():
        if value is not None:
            typed = flag_of(name) if name == "until_end" else f"{flag_of(name)} {value}"
            text = text.replace(f"{name.upper()}={value}", typed)
    return text


def _ignored_line(name: str, text: str) -> str:
    shown = name.upper() if name in config.SECRET else f"{name.upper()}={text}"
    return f"note: {shown} in the environment is ignored: set {environment.variable_of(name)}"


if __name__ == "__main__":
    raise SystemExit(main())
