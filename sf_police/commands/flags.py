"""Flags of `fetch` and `follow` that are no settings."""

from __future__ import annotations

import argparse

from sf_police.view.help import day


def add_fetch_flags(parser: argparse.ArgumentParser) -> None:
    """Add the days, and whether a file may be overwritten."""
    first, last = "first day, such as 2018-10-02", "last day, which is included"
    parser.add_argument("--from", dest="first_day", type=day, required=True, metavar="DAY", help=first)
    parser.add_argument("--to", dest="last_day", type=day, required=True, metavar="DAY", help=last)
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")


def add_follow_flags(parser: argparse.ArgumentParser) -> None:
    """Add how long to follow."""
    parser.add_argument("--once", action="store_true", help="ask the feed once, and end")
