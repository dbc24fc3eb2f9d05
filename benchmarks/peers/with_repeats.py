"""Ours without duplicate removal, to compare like with like: the question leaves it out, all else is the same."""

from __future__ import annotations

import sys
from dataclasses import replace

from sf_police.calls import QUESTION
from sf_police.cli import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], question=replace(QUESTION, drops_duplicates=False)))
