"""Asks a Spark master on this machine, by its page's port, for its URL and for the workers that it has: one a line."""

from __future__ import annotations

import json
import sys
from urllib.request import ProxyHandler, build_opener

_SECONDS = 5.0


def main() -> None:
    """Print the master's URL, then host and port of each worker that is alive."""
    # Behind no proxy, as it is on this machine.
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{int(sys.argv[1])}/json/", timeout=_SECONDS) as answer:
        state = json.load(answer)
    print(state["url"])
    for worker in state["workers"]:
        if worker["state"] == "ALIVE":
            print(f"{worker['host']}:{worker['port']}")


if __name__ == "__main__":
    main()
