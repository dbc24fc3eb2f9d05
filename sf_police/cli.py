"""Reads the command line and the environment, and is the only file to do so. Runs a command of `commands/`."""

from __future__ import annotations

import argparse
import locale
import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence

from sf_police import checks, config, environment
from sf_police.arguments import parser_of
from sf_police.calls import QUESTION
from sf_police.commands.run import Run
from sf_police.commands.show import doctor
from sf_police.commands.version import version_text
from sf_police.config import flag_of
from sf_police.errors import SfPoliceError, UsageError
from sf_police.how_to import in_reach
from sf_police.output import drop_output, listen_to_logging, messages_in, say, say_error, settle_streams
from sf_police.question import Question
from sf_police.stop import Stop


def main(argv: Sequence[str] | None = None, *, question: Question = QUESTION, prog: str = "sf-police") -> int:
    """Run a command on a question's topic; return the exit code: 0 done, 1 failed, 2 usage; 129, 130 or 143.

    Without `argv` it is this process's own command line, and the process is settled for it.
    """
    stop = Stop()
    stop.listen()
    undo = messages_in("text")
    try:
        if argv is None:
            _settle_process()
            stop.insist()
        undo = messages_in(_log_format(sys.argv[1:] if argv is None else argv))
        try:
            parser = parser_of(question, prog)
            parsed = parser.parse_args(argv)
            if parsed.version:
                print(_versions(os.environ))
                return 0
            if "run" not in parsed:
                parser.print_help()
                return 0
            return _run(parsed, question, stop)
        finally:
            sys.stdout.flush()  # what fails here is said below, and not by Python as it ends
    except SfPoliceError as error:
        say_error(error, is_verbose=logging.root.isEnabledFor(logging.INFO), worded=_in_reach)
        return error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has closed the pipe. Python would complain again when it closes standard output.
        drop_output()
        return 1
    except KeyboardInterrupt:
        # Python forgets it by that: an interrupt within an `exec`, as a dataclass is made by, would end the process by
        # SIGINT in the end, whatever its exit code is.
        exec("")  # noqa: S102
        say("interrupted")
        return stop.exit_code
    finally:
        if argv is not None:  # else the process ends, and may have something to say even then
            undo()


def _log_format(arguments: Sequence[str]) -> str:
    # Before anything is parsed, as that can fail already; what is neither form is refused later on, in text.
    flag, form = flag_of("log_format"), os.environ.get(environment.variable_of("log_format"), "")
    for number, text in enumerate(arguments):
        name, equals, value = text.partition("=")
        if name == flag:
            form = value if equals else "".join(arguments[number + 1 : number + 2])
    return form.strip()


def _in_reach(text: str) -> str:
    if environment.is_submitted(os.environ):
        text = text.replace("see spark.log", "see what spark-submit wrote")
    return in_reach(text)


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
    del arguments["version"]
    is_verbose, run, uses = arguments.pop("verbose"), arguments.pop("run"), arguments.pop("uses")
    own: Mapping[str, str] = arguments.pop("own")
    listen_to_logging(is_verbose=is_verbose)
    flags = {name: arguments.pop(name, None) for name in uses}
    given = environment.given_settings(os.environ, [field.name for field in config.settings()])
    for name in (name for name in given.ignored if name in uses and not flags[name]):
        if config.is_valid(name, given.ignored[name]) or is_verbose or run is doctor:
            say(_ignored_line(name, given.ignored[name]))
    settings = {name: flags[name] or given.settings.get(name) or own.get(name) for name in uses}
    try:
        resolved = config.resolve(settings, question.defaults)
        if environment.is_submitted(os.environ) and "spark_master" in uses:
            resolved = _as_submitted(resolved, flags)
        return int(run(Run(resolved, question, stop), **arguments))
    except UsageError as error:
        raise UsageError(_as_typed(error.what, flags), remedy=error.remedy) from error


def _versions(environ: Mapping[str, str]) -> str:
    # Whatever else is wrong with the settings: who asks for versions may be looking for what it is.
    def text(name: str) -> str | None:
        given = environ.get(environment.variable_of(name), "").strip()
        return given or (environ.get(name.upper(), "").strip() if name in environment.SHARED else "") or None

    return version_text(checks.jars_dir(text("jars_dir") or checks.JARS_DIR), text("java_home"))


def _as_submitted(settings: config.Config, flags: Mapping[str, str | None]) -> config.Config:
    from sf_police.spark import submitted  # Spark, which most commands do not wait for

    given = {name for name, flag in flags.items() if flag or os.environ.get(environment.variable_of(name), "").strip()}
    return submitted.settled(settings, given=given, say=say)


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
