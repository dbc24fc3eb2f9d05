"""Flags that are no settings, of commands that send records or look at them."""

from __future__ import annotations

import argparse

from sf_police.view.help import day, factor, positive


def add_fetch_flags(parser: argparse.ArgumentParser) -> None:
    """Add the days, and whether a file may be overwritten."""
    first, last = "first day, such as 2018-10-02", "last day, which is included"
    parser.add_argument("--from", dest="first_day", type=day, required=True, metavar="DAY", help=first)
    parser.add_argument("--to", dest="last_day", type=day, required=True, metavar="DAY", help=last)
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")


def add_follow_flags(parser: argparse.ArgumentParser) -> None:
    """Add how long to follow."""
    parser.add_argument("--once", action="store_true", help="ask the feed once, and end")


def add_inspect_flags(sub: argparse.ArgumentParser) -> None:
    """Add what is shown of the records."""
    sub.add_argument("--follow", action="store_true", help="then show new records, one a line, until Ctrl-C")
    sub.add_argument("--pretty", action="store_true", help="show each field of a record in a line of its own")


def add_drill_flags(sub: argparse.ArgumentParser, rows: str) -> None:
    """Add the file, and how many kills there are; a file of `rows`."""
    sub.add_argument("file", nargs="?", metavar="FILE", help=f"file of {rows} (default: DATA, generated if missing)")
    sub.add_argument("--kills", type=positive, default=3, metavar="N", help="how many times (default: %(default)s)")
    sub.add_argument("--seed", type=int, metavar="N", help="seed of the moments (default: a new one, which is said)")
    sub.add_argument("--new", action="store_true", help="start over (default: go on with a drill that was interrupted)")


def add_live_flags(sub: argparse.ArgumentParser, rows: str) -> None:
    """Add the file of `rows`, and the pace."""
    sub.add_argument("file", nargs="?", metavar="FILE", help=f"file of {rows} (default: DATA, generated if missing)")
    sub.add_argument("--speed", type=factor, metavar="N", help="N times as fast as the events (default: 600)")
    sub.add_argument("--rate", type=factor, metavar="N", help="N records a second instead")
    sub.add_argument("--new", action="store_true", help="start over, with a new topic (default: resume)")


def add_produce_flags(sub: argparse.ArgumentParser, rows: str) -> None:
    """Add the file of `rows`, their order, the pace, and whether all are sent again."""
    sub.add_argument(
        "file", nargs="?", metavar="FILE", help="JSON array or NDJSON, also gzip, bzip2, xz, zip (default: DATA)"
    )
    sub.add_argument(
        "--order", choices=("event", "file"), default="event", help="send by event time, or as in the file"
    )
    sub.add_argument("--rate", type=factor, metavar="N", help="send N records a second (default: as fast as possible)")
    sub.add_argument(
        "--speed", type=factor, metavar="N", help=f"send at the pace of the {rows}' event times, N times as fast"
    )
    sub.add_argument(
        "--again",
        action="store_true",
        help="send the whole file, whatever the topic already holds; duplicates are counted once",
    )


def add_rejected_flags(sub: argparse.ArgumentParser) -> None:
    """Add which rejected records are shown, and how."""
    sub.add_argument("--format", choices=("table", "json", "csv"), default="table", help="form (default: %(default)s)")
    sub.add_argument("--reason", default="", metavar="TEXT", help="only reasons that contain TEXT, in any case")
    sub.add_argument(
        "--limit", type=positive, default=1, metavar="N", help="samples for each reason (default: %(default)s)"
    )
    sub.add_argument(
        "--raw", dest="format", action="store_const", const="raw", help="write only the first sample's value, as it is"
    )


def add_late_flags(sub: argparse.ArgumentParser) -> None:
    """Add which late records are shown, and how."""
    sub.add_argument("--format", choices=("table", "json", "csv"), default="table", help="form (default: %(default)s)")
    sub.add_argument(
        "--limit", type=positive, metavar="N", help="records, the newest (default: in a table 20, else all)"
    )
