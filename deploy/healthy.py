"""Exits with 0 if a server in this container says that it is healthy: `healthy.py [PORT]`, of METRICS_PORT by default.

For the health checks of Docker and compose, which run a command in the container; Kubernetes asks over HTTP itself.
"""

from __future__ import annotations

import http.client
import os
import sys

_SECONDS = 4.0


def main(port: int) -> str | None:
    """Return None if it is healthy, else one line that says why not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        said = response.read().decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer: {error}"
    finally:
        connection.close()
    return None if response.status == http.HTTPStatus.OK else f"{response.status}: {said}"


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1] if len(sys.argv) > 1 else os.environ["SF_POLICE_METRICS_PORT"])))
