"""Runs the command line as `python -m sf_police`, and as `sf-police`."""

import signal


def run() -> int:
    """Run the command line; return the exit code."""
    # Until the command line listens itself, Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sf_police.cli import main

    return main()


if __name__ == "__main__":
    raise SystemExit(run())
