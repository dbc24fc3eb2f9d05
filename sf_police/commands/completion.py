"""The command `completion`: a script by which a shell completes commands, flags and files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Final

from sf_police.commands.run import Run, missing_extra
from sf_police.errors import UsageError

SHELLS: Final = ("bash", "zsh", "fish")
PROGRAM: Final = "sf-police"


def add_completion_arguments(sub: argparse.ArgumentParser, parser: argparse.ArgumentParser) -> None:
    """Add whose script it is; `parser` is that of the whole command line."""
    sub.usage = f"{sub.prog} [OPTION...] {'|'.join(SHELLS)}"
    sub.add_argument("shell", choices=SHELLS, help="whose script")
    sub.set_defaults(parser=parser)


def completion(run: Run, *, shell: str, parser: argparse.ArgumentParser) -> int:  # noqa: ARG001 # as every command
    """Print the script for a shell."""
    if parser.prog != PROGRAM:
        what = f"a shell completes programs by their names, and `{parser.prog}` has none of its own"
        raise UsageError(what, remedy=f"`{PROGRAM} completion {shell}` completes the same commands")
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise missing_extra("completion", error, extra="completion") from error
    for action in _actions(parser):
        if action.metavar in ("FILE", "FOLDER"):
            action.complete = shtab.FILE if action.metavar == "FILE" else shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            # Our overview lists them by itself; without a help of its own a command would pass for a hidden one.
            action.help = "what to do"
            action._choices_actions = [
                action._ChoicesPseudoAction(name, (), sub.description) for name, sub in action.choices.items()
            ]
            for sub in action.choices.values():
                yield from _actions(sub)
        else:
            yield action
