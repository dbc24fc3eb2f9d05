"""How a step is taken: `make install` in a clone, `sf-police install` where the package alone is installed."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Final

# Targets whose commands have other names.
_COMMANDS: Final = {
    "data": "generate",
    "install-s3": "install --s3",
    "run-stream": "stream",
    "topic-create": "create-topic",
    "topic-inspect": "inspect",
}
# Targets that no question is asked of.
_SERVERS: Final = ("kafka-", "spark-", "install")
# Only the clone has scripts that start a broker.
_WITHOUT_SCRIPTS: Final = {
    "run `make kafka-start`": "start a broker, or name one with KAFKA_BOOTSTRAP_SERVERS",
    "check `make kafka-status`": "check the brokers",
}


def is_clone() -> bool:
    """Return whether the package lies in a clone, beside its Makefile."""
    return (Path(__file__).parent.parent / "Makefile").is_file()


def how_to(target: str) -> str:
    """Return what to type for a target of the Makefile, where the package lies now."""
    if not is_clone():
        return f"{program()} {_COMMANDS.get(target, target)}"
    question = _question() if not target.startswith(_SERVERS) else ""
    return f"make {target}{f' QUESTION={question}' if question else ''}"


def program() -> str:
    """Return what the commands were started as: `sf-police`, or `python -m` and a package."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.parent}" if spec and spec.parent else "sf-police"


def _question() -> str:
    # The package of a question other than the project's own, if it was started by its name.
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = spec.parent if spec else ""
    return name if hasattr(sys.modules.get(name), "QUESTION") else ""


def program_command() -> list[str]:
    """Return the arguments that start this program once more."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return [sys.executable, *(["-m", spec.parent] if spec and spec.parent else sys.argv[:1])]


def with_state_dir(target: str, folder: Path) -> str:
    """Return what to type for a target of the Makefile on another STATE_DIR."""
    name = "STATE_DIR=" if is_clone() else "--state-dir "
    return f"{how_to(target)} {name}{shlex.quote(str(folder))}"


def _script() -> str:
    if question := _question():
        return f"{os.path.relpath(sys.executable)} -m {question}"
    # In a clone it is in the venv, and not on the PATH.
    script = Path(sys.executable).with_name("sf-police")
    return os.path.relpath(script) if script.exists() else program()


def in_reach(text: str) -> str:
    """Return a message whose `make …` and `sf-police …` are what the reader can type."""
    if is_clone():
        text = text.replace("`sf-police ", f"`{_script()} ")
        return re.sub(r"`make ([a-z0-9-]+)", lambda found: f"`{how_to(found[1])}", text)
    for before, after in _WITHOUT_SCRIPTS.items():
        text = text.replace(before, after)
    return re.sub(r"`make ([a-z0-9-]+)`", lambda found: f"`{how_to(found[1])}`", text)
