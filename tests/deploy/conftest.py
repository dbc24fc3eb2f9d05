"""The containers of deploy/, run for real; `make test-docker` builds their images."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.deploy.stack import Stack, is_ready
from tests.support.brokers import free_ports
from tests.support.environment import ROOT


@pytest.fixture(scope="session")
def image() -> None:
    if not is_ready():
        pytest.skip("no Docker engine with our image: `make test-docker` builds it")


@pytest.fixture(scope="module")
def stack(
    image: None,
    tmp_path_factory: pytest.TempPathFactory,
    say_aloud: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> Iterator[Stack]:
    """The project, with nothing of a run before; whoever uses it starts the services."""
    secrets = tmp_path_factory.mktemp("deploy") / "secrets"
    script = str(ROOT / "deploy" / "make-secrets.sh")
    subprocess.run([script], env={**os.environ, "SECRETS_DIR": str(secrets)}, check=True, timeout=30)
    stack = Stack(secrets, free_ports(1))
    stack.compose("down", "-v", "--remove-orphans")
    failed = request.session.testsfailed
    try:
        yield stack
        if request.session.testsfailed > failed:
            say_aloud(stack.compose("logs", "--tail", "40", check=False).stdout)
    finally:
        stack.compose("down", "-v", "--remove-orphans")
