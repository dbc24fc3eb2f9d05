"""What the install lets through of a user's settings of pip: where packages come from, and nothing of what is done."""

from __future__ import annotations

import os
import runpy

import pytest

from tests.support.environment import ROOT

pip_environment = runpy.run_path(str(ROOT / "scripts" / "pip_settings.py"))["pip_environment"]


@pytest.mark.parametrize(
    ("environ", "listed", "expected"),
    [
        pytest.param(
            {"PIP_USER": "1", "PIP_TARGET": "/x", "PIP_CONSTRAINT": "/none", "PIP_REQUIRE_HASHES": "1",
             "PIP_NO_BINARY": ":all:", "PIP_ONLY_BINARY": ":all:", "PIP_PREFIX": "/x", "PIP_QUIET": "3"},
            "global.user='true'\ninstall.target='/x'\n",
            {},
            id="what changes an install does not count",
        ),
        pytest.param(
            {"PIP_INDEX_URL": "https://mirror/simple", "PIP_CERT": "/ca.pem", "PIP_FIND_LINKS": "/wheels"},
            "global.proxy='http://proxy:3128'\nglobal.trusted-host='a\\nb'\ninstall.no-index='true'\n",
            {"PIP_INDEX_URL": "https://mirror/simple", "PIP_CERT": "/ca.pem", "PIP_FIND_LINKS": "/wheels",
             "PIP_PROXY": "http://proxy:3128", "PIP_TRUSTED_HOST": "a\nb", "PIP_NO_INDEX": "true"},
            id="where from, and by which way, does",
        ),
        pytest.param(
            {"PIP_INDEX_URL": "https://env/"},
            "For variant 'global', will try loading '/etc/pip.conf'\n"
            ":env:.index-url='https://env/'\nglobal.index-url='https://global/'\ninstall.index-url='https://install/'\n",
            {"PIP_INDEX_URL": "https://env/"},
            id="the environment goes before a file",
        ),
        pytest.param(
            {}, "global.index-url='https://global/'\ninstall.index-url='https://install/'\n",
            {"PIP_INDEX_URL": "https://install/"}, id="the section of the command goes before the global one",
        ),
    ],
)  # fmt: skip
def test_what_pip_is_given(environ: dict[str, str], listed: str, expected: dict[str, str]) -> None:
    given = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", **environ}

    assert pip_environment(given, listed) == {
        "PATH": "/bin", "HTTPS_PROXY": "http://proxy", "PIP_CONFIG_FILE": os.devnull, **expected
    }  # fmt: skip
