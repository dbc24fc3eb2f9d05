"""Runs the command line as `python -m sf_police`."""

from sf_police.cli import main

raise SystemExit(main())
