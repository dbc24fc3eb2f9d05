"""Runs the pip of this Python with the user's index, proxy and certificates, and no other settings of theirs.

The others change what an install means (`user`, `target`, `constraint`, `require-hashes`, `no-binary` ...), so they are
left out, whether they come from the environment (PIP_USER) or from a pip.conf.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping

HONOURED = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert",
    "keyring-provider", "timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir",
)  # fmt: skip


def pip_environment(environ: Mapping[str, str], listed: str) -> dict[str, str]:
    """Return the environment for pip.

    Args:
        environ: the user's.
        listed: what `pip config list` says of the user's files.
    """
    found = {}
    for section in ("global", "install"):
        for key, value in re.findall(rf"^{section}\.([a-z-]+)=(.+)$", listed, re.MULTILINE):
            found[key] = str(ast.literal_eval(value))
    found |= {_key(name): value for name, value in environ.items() if name.startswith("PIP_")}
    honoured = {f"PIP_{key.upper().replace('-', '_')}": found[key] for key in HONOURED if key in found}
    return {**_without_pip(environ), **honoured, "PIP_CONFIG_FILE": os.devnull}


def _key(name: str) -> str:
    return name.removeprefix("PIP_").lower().replace("_", "-")


def _without_pip(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("PIP_")}


def main() -> None:
    """Run pip with the arguments given."""
    pip = [sys.executable, "-I", "-m", "pip"]
    quiet = _without_pip(os.environ)
    if "PIP_CONFIG_FILE" in os.environ:
        quiet["PIP_CONFIG_FILE"] = os.environ["PIP_CONFIG_FILE"]
    # -vvv: a pip.conf may say `quiet`.
    shown = subprocess.run(  # noqa: S603
        [*pip, "config", "list", "-vvv"], env=quiet, stdout=subprocess.PIPE, text=True, check=False
    )
    os.execve(pip[0], [*pip, *sys.argv[1:]], pip_environment(os.environ, shown.stdout))  # noqa: S606


if __name__ == "__main__":
    main()
