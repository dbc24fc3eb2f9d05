"""A run with a topic and a folder of its own, as `live` and `drill` have them: those of the main job are untouched."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from sf_police.config import CHECKPOINT_FOLDER, STORE_FILE, Config, sqlite_url
from sf_police.question import Question

_LONGEST_TOPIC: Final = 220


def own_config(config: Config, question: Question, command: str, name: str) -> Config:
    """Return the settings with a topic and a folder of a run's own; every command with that STATE_DIR finds its store.

    Args:
        config: the main job's.
        question: whose records they are.
        command: whose run it is.
        name: of the run.
    """
    folder = _folder(config, question, command) / name
    own = folder / question.defaults.folder
    return replace(
        config,
        kafka_topic=f"{config.kafka_topic[:_LONGEST_TOPIC]}.{command}.{name}",
        state_dir=folder,
        store=sqlite_url(own / STORE_FILE),
        checkpoint=str(own / CHECKPOINT_FOLDER),
    )


def latest_name(config: Config, question: Question, command: str) -> str | None:
    """Return the name of a command's latest run; None if there is none."""
    folder = _folder(config, question, command)
    return max((path.name for path in folder.iterdir() if path.is_dir()), default=None) if folder.is_dir() else None


def new_name() -> str:
    """Return a name that sorts after those of earlier runs."""
    return f"{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def _folder(config: Config, question: Question, command: str) -> Path:
    return config.state_dir / question.defaults.folder / command
